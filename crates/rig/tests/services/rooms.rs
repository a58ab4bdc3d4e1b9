//! Conference rooms (RFC 4579 §5): linphone, baresip and ours dial in and are called in, `SIPp` watches who is there, and tones
//! prove who hears whom.

use cordboard_rig::Kind::{Baresip, Cordboard, Linphone};
use cordboard_rig::Manner::Answers;
use cordboard_rig::house::with_house;

use super::among::hear_each_other;
use super::{ALICE, BOB, CAROL};

const DAVE: usize = 3;
const ERIN: usize = 4;

const ROOMS: &str = "
[[conference]]
name = \"conference\"
rooms = [\"800-801\"]
";

/// Waits until so many are in the room.
fn sees(count: usize) -> String {
    format!(
        "
        a < NOTIFY until
            body: entity=\"sip:800@example.test\".*<user-count>{count}</user-count>
        a > 200"
    )
}

/// Tells carol something.
fn says(dialog: &str, word: &str) -> String {
    format!(
        "
        {dialog} > MESSAGE to=sip:carol@example.test auth=407
            text: {word}
        {dialog} < 200"
    )
}

/// Three dial in and hear each other; ours has linphone called in, by REFER; a fifth dials in; then the operator ends it.
#[test]
fn a_room_of_three_and_of_five() {
    let phones = [
        (Linphone, Answers),
        (Baresip, Answers),
        (Cordboard, Answers),
        (Linphone, Answers),
        (Baresip, Answers),
    ];
    with_house(ROOMS, &phones, |mut house| {
        let watcher = [
            "
            a > SUBSCRIBE auth=407
                Event: conference
                Accept: application/conference-info+xml
                Expires: 600
            a < 200",
            &sees(0),
            &says("m", "watching"),
            &sees(5),
            &says("n", "five"),
            "
            a > SUBSCRIBE
                Event: conference
                Expires: 0
            a < 200
            a < NOTIFY until
                Subscription-State: ^ *terminated
            a > 200",
        ]
        .concat();
        let watcher = house.sipp("alice", "800", &watcher);
        house.ours(CAROL).wait_event("message");
        let room = house.uri("800");
        for number in [ALICE, BOB, CAROL] {
            house.phone(number).dial(&room);
            house.phone(number).wait_established();
        }
        hear_each_other(&mut house, &[ALICE, BOB, CAROL], &[ALICE, BOB, CAROL]);
        house.ours(CAROL).say("click 800 dave");
        house.phone(DAVE).wait_established();
        let told = house.ours(CAROL).wait_event("transferred");
        assert_eq!(told["outcome"], "completed", "{told}");
        house.phone(ERIN).dial(&room);
        house.phone(ERIN).wait_established();
        let all = [ALICE, BOB, CAROL, DAVE, ERIN];
        hear_each_other(&mut house, &all, &all);
        house.ours(CAROL).wait_event("message");
        assert_eq!(house.ctl("conference end 800")["left"], 5);
        for number in all {
            house.phone(number).wait_idle();
        }
        watcher.expect_success();
        // The focus needs none when it calls somebody.
        let verdict = house.verdict().without_credentials();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}\n{}", verdict.ladder());
    });
}
