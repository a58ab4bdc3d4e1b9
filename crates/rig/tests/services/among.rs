//! What telephones can do among themselves: conferences that `cordboard phone` hosts, Join, and lamps; with linphone, baresip and
//! `SIPp` on the other side.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::{Answers, Rings};
use cordboard_rig::house::{House, with_house};
use cordboard_rig::recording::expect;
use cordboard_rig::stage::talking;
use cordboard_rig::tone::{Sound, TONES};

use super::{ALICE, BOB, CAROL};

/// Proves that each of these hears everybody in the conference but itself.
#[track_caller]
pub(super) fn hear_each_other(house: &mut House<'_>, members: &[usize], all: &[usize]) {
    let others = |own: usize| {
        let in_it = |number: &usize| *number != own && all.contains(number);
        Sound::Tones((0..TONES.len()).filter(in_it).map(|number| TONES[number]).collect())
    };
    let recordings: Vec<_> = members.iter().map(|&number| house.phone(number).recording().clone()).collect();
    let wanted: Vec<_> =
        recordings.iter().zip(members).map(|(recording, &number)| (recording, others(number))).collect();
    expect(&wanted);
}

/// Carol calls alice, makes that a conference, and calls the others into it.
fn hosts(house: &mut House<'_>, others: &[(usize, &str)]) {
    let dialled = house.uri("alice");
    house.phone(CAROL).dial(&dialled);
    house.phone(ALICE).wait_established();
    let carol = house.ours(CAROL);
    carol.wait_event("established");
    carol.does("host");
    for (number, name) in others {
        house.ours(CAROL).say(&format!("call-in {name}"));
        house.phone(*number).wait_established();
        house.ours(CAROL).wait_event("in-conference");
    }
}

fn is_over(mut house: House<'_>, members: &[usize]) {
    for _ in members {
        house.ours(CAROL).does("hangup");
    }
    for &number in members {
        house.phone(number).wait_idle();
    }
    let verdict = house.verdict();
    let complaints = verdict.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
}

#[test]
fn a_conference_of_three() {
    with_house("", &[(Linphone, Answers), (Baresip, Answers), (Cordboard, Answers)], |mut house| {
        hosts(&mut house, &[(BOB, "bob")]);
        hear_each_other(&mut house, &[ALICE, BOB], &[ALICE, BOB, CAROL]);
        is_over(house, &[ALICE, BOB]);
    });
}

#[test]
fn a_conference_of_five() {
    let phones = [
        (Linphone, Answers),
        (Baresip, Answers),
        (Cordboard, Answers),
        (Linphone, Answers),
        (Baresip, Answers),
    ];
    with_house("", &phones, |mut house| {
        hosts(&mut house, &[(BOB, "bob"), (3, "dave"), (4, "erin")]);
        hear_each_other(&mut house, &[ALICE, BOB, 3, 4], &[ALICE, BOB, CAROL, 3, 4]);
        is_over(house, &[ALICE, BOB, 3, 4]);
    });
}

/// `SIPp` is another telephone of alice's, and joins her call with bob (RFC 3911): bob hears both.
#[test]
fn sipp_joins_a_call() {
    with_house("", &[(Cordboard, Answers), (Baresip, Answers)], |mut house| {
        let dialled = house.uri("bob");
        house.phone(ALICE).dial(&dialled);
        house.phone(BOB).wait_established();
        let alice = house.ours(ALICE);
        alice.wait_event("established");
        alice.say("dialog");
        let dialog = alice.wait_event("dialog");
        let [id, local, remote] =
            ["call_id", "local_tag", "remote_tag"].map(|name| dialog[name].as_str().expect("it is told"));
        let script = |tag: &str| format!("Join: {id};to-tag={local};from-tag={tag}");
        let sipp = house.sipp(
            "alice",
            "alice",
            &format!(
                "
                wrong > INVITE sdp auth=407
                    {}
                wrong < 100? 481
                wrong > ACK
                a > INVITE sdp auth=407
                    {}
                    Require: join
                a < 100? 180? 200
                    Contact: isfocus
                a > ACK
                a > speaks
                a < BYE
                a > 200",
                script("wrong"),
                script(remote)
            ),
        );
        let joined = house.ours(ALICE).wait_event("joined");
        assert_eq!(joined["joins"], 1, "{joined}");
        house.phone(BOB).recording().expect_tones(&[TONES[0], TONES[2]]);
        house.ours(ALICE).does("hangup 2");
        sipp.expect_success();
        let [alice, bob] = house.phones([ALICE, BOB]);
        talking(alice, bob);
        alice.hang_up();
        bob.wait_idle();
        let complaints = house.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// `SIPp` has a lamp key for alice, whose linphone baresip calls; the switchboard tells of every step (RFC 4235).
#[test]
fn a_lamp_shows_every_step() {
    with_house("", &[(Linphone, Rings), (Baresip, Rings), (Cordboard, Rings)], |mut house| {
        let told = |state: &str| {
            format!(
                "
                a < NOTIFY
                    Subscription-State: ^ *active
                    Content-Type: application/dialog-info.xml
                    body: entity=\"sip:alice@example.test\"
                    body: <state[^>]*>{state}</state>
                a > 200"
            )
        };
        let sipp = house.sipp(
            "dave",
            "alice",
            &[
                "
                a > SUBSCRIBE auth=407 routeless
                    Event: dialog
                    Accept: application/dialog-info+xml
                    Expires: 600
                a < 200
                a < NOTIFY
                    Subscription-State: ^ *active
                    body: version=\"0\" state=\"full\" entity=\"sip:alice@example.test\"
                a > 200
                m > MESSAGE to=sip:carol@example.test auth=407
                    text: watching
                m < 200",
                &told("early"),
                &told("confirmed"),
                // What is over before it was told is told as over at once.
                "
                n > MESSAGE to=sip:carol@example.test auth=407
                    text: confirmed
                n < 200",
                &told("terminated"),
                "
                a > SUBSCRIBE
                    Event: dialog
                    Expires: 0
                a < 200
                a < NOTIFY
                    Subscription-State: ^ *terminated;reason=timeout
                a > 200",
            ]
            .concat(),
        );
        let dialled = house.uri("alice");
        house.ours(CAROL).wait_event("message");
        house.phone(BOB).dial(&dialled);
        let [alice, bob] = house.phones([ALICE, BOB]);
        alice.answer();
        bob.wait_established();
        talking(alice, bob);
        house.ours(CAROL).wait_event("message");
        let [alice, bob] = house.phones([ALICE, BOB]);
        bob.hang_up();
        alice.wait_idle();
        sipp.expect_success();
        let complaints = house.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}
