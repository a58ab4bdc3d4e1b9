//! Flows of RFC 5359, 5589 and 3665 in which `SIPp` is one of the parties, and which test plays each flow with a party that
//! we did not write.
//!
//! What `SIPp` says and hears here is what the flow draws for its party; two flows that are the same for that party are
//! one test.

use cordboard_rig::scene::{Manner, PROGRAMS, Scene};
use cordboard_rig::stage::talking;
use cordboard_rig::switchboard::binary;
use cordboard_rig::{CordboardPhone, Phone, isolated};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::hears_sipp;

/// Which test plays a flow with a foreign party, and which party that is.
#[rustfmt::skip]
const PLAYED: &[(&str, &str, &str)] = &[
    ("5359-2.1",   "alice, bob",           "calls_over_udp"),
    ("5359-2.2",   "alice",                "somebody_is_asked_while_the_caller_waits"),
    ("5359-2.4",   "each",                 "linphone_hands_over"),
    ("5359-2.5",   "each",                 "linphone_is_handed_over"),
    ("5359-2.6",   "bob",                  "the_link_is_followed_unless_its_tags_are_swapped"),
    ("5359-2.18",  "pc",                   "a_stranger_who_wants_no_reports_gets_none"),
    ("5589-fig1",  "transferor",           "hands_over_beside_the_call"),
    ("5589-fig2",  "each",                 "linphone_hands_over"),
    ("5589-fig3",  "transferor",           "the_target_is_busy"),
    ("5589-fig4",  "transferor",           "the_target_does_not_answer"),
    ("5589-fig5",  "transferor",           "hands_over_to_whom_it_has_asked_and_left"),
    ("5589-fig6",  "transferor",           "hands_the_target_over"),
    ("5589-fig7",  "each",                 "linphone_is_the_target"),
    // With a server between transferor and target, as there.
    ("5589-fig8",  "transferee",           "a_transferee_without_refer_is_called_by_the_target"),
    ("5589-fig9",  "each",                 "linphone_is_the_target"),
    ("5589-fig10", "transferee",           "a_transferee_is_not_let_in_at_the_address_and_calls_the_contact"),
    ("5589-fig11", "transferor",           "hands_over_as_soon_as_the_target_answers"),
    ("5589-fig12", "transferor",           "hands_over_to_whom_it_called_in_vain"),
    ("5589-fig13", "transferor",           "hands_over_to_whom_answered_the_cancelled_call"),
    // The target refuses what is required; here something else than replaces, which ours knows.
    ("5589-fig14", "transferor",           "hands_over_without_asking_after_a_420"),
    ("5589-fig15", "transferor",           "hands_over_to_whom_it_has_asked_and_left"),
    ("5589-fig16", "transferor",           "hands_over_to_whom_it_has_asked"),
    ("5589-fig17", "transferee",           "the_transferee_watches_the_conference_until_it_is_over"),
    ("5589-fig18", "originator",           "is_handed_over_by_whom_it_was_handed_to"),
    ("3665-2.1",   "bob",                  "three_hundred_registrations_with_digest"),
    ("3665-2.2",   "bob",                  "contacts_are_changed_listed_and_removed"),
    ("3665-2.3",   "bob",                  "contacts_are_changed_listed_and_removed"),
    ("3665-2.4",   "bob",                  "contacts_are_changed_listed_and_removed"),
    ("3665-2.5",   "bob",                  "contacts_are_changed_listed_and_removed"),
    ("3665-3.1",   "alice",                "the_call_has_ended"),
    // One proxy, not two: for alice and for bob there is only the next.
    ("3665-3.2",   "alice, bob",           "three_hundred_calls"),
    ("3665-3.3",   "bob",                  "two_proxies_each_challenge"),
    ("3665-3.4",   "bob",                  "a_dead_proxy_is_passed_over_and_a_silent_telephone_given_up"),
    // The other proxy is Kamailio.
    ("3665-3.5",   "alice, proxy2",        "one_proxy_stays_in_the_route_and_the_next_does_not"),
    ("3665-3.6",   "redirect server, alice", "a_call_is_redirected_and_its_answer_comes_in_the_ack"),
    ("3665-3.7",   "bob",                  "the_sound_moves_to_another_address"),
    ("3665-3.8",   "alice, bob",           "three_hundred_calls_not_answered"),
    ("3665-3.9",   "alice, bob",           "three_hundred_calls_to_the_busy"),
    ("3665-3.10",  "bob",                  "a_dead_proxy_is_passed_over_and_a_silent_telephone_given_up"),
    ("3665-3.11",  "bob",                  "somebody_is_not_available"),
    // Our transferor releases, which the transferee does there.
    ("blog-000",   "transferee",           "obeys_and_reports_each_step"),
    ("blog-001",   "transferee",           "obeys_in_vain_and_comes_back"),
];

#[test]
fn every_flow_is_in_the_table() {
    let listed = Command::new(binary()).args(["flows", "list", "--json"]).output().expect("cordboard starts");
    let listed = String::from_utf8(listed.stdout).expect("it prints JSON");
    let flow = |line: &str| serde_json::from_str::<Value>(line).expect("it prints JSON")["flow"].clone();
    let flows: BTreeSet<String> =
        listed.lines().map(flow).filter_map(|flow| Some(flow.as_str()?.to_owned())).collect();
    assert!(flows.len() > 30, "{flows:?}");
    let told: BTreeSet<String> = PLAYED.iter().map(|(flow, ..)| (*flow).to_owned()).collect();
    // All of these two RFCs; of RFC 5359 there are those that need no services.
    let wanted = |flow: &&String| flow.starts_with("5589") || flow.starts_with("3665");
    let missing: Vec<_> = flows.iter().filter(wanted).filter(|flow| !told.contains(*flow)).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    assert!(told.is_subset(&flows), "no such flow: {:?}", told.difference(&flows).collect::<Vec<_>>());
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = [
        "cordboard_phone.rs",
        "sipp.rs",
        "scripted/refers.rs",
        "scripted/takeovers.rs",
        "scripted/flows.rs",
        "scripted/recovery.rs",
        "scripted/proxies.rs",
        "scripted/conference.rs",
    ];
    let text: String = files
        .iter()
        .map(|file| std::fs::read_to_string(tests.join(file)).expect("a test can be read"))
        .collect();
    for (flow, _, test) in PLAYED {
        let exists = text.contains(&format!("fn {test}(")) || text.contains(&format!("    {test}("));
        assert!(exists, "{flow} is played by no test called {test}");
    }
}

const ALICE: &str = "sip:alice@127.0.0.1:5090";
const BOB: &str = "sip:bob@127.0.0.1:5091";

/// A call to alice, or to bob.
fn calls(name: &str, whom: &str) -> String {
    format!("\n{name} > INVITE sdp to={whom}\n{name} < 100? 180? 200\n{name} > ACK")
}

fn holds(name: &str) -> String {
    format!("\n{name} > INVITE sdp=sendonly\n{name} < 100? 200\n{name} > ACK")
}

fn hangs_up(name: &str) -> String {
    format!("\n{name} > BYE\n{name} < 200")
}

/// A REFER in the call, what is reported of it, and the end of the call.
fn refers(name: &str, refer_to: &str) -> String {
    format!(
        "
        {name} > REFER
            Refer-To: <{refer_to}>
            Referred-By: <sip:sipp@127.0.0.1>
        {name} < 202
        {name} < NOTIFY
            body: ^SIP/2.0 100
        {name} > 200"
    )
}

fn is_told(name: &str, status: u16) -> String {
    format!(
        "
        {name} < NOTIFY
            Subscription-State: ^ *terminated;reason=noresource
            body: ^SIP/2.0 {status}
        {name} > 200"
    )
}

/// `SIPp` is the transferor of alice to bob: it plays `script`, and they do `act`.
#[track_caller]
fn hands_over(bob: Manner, script: &str, act: impl FnOnce([&mut CordboardPhone; 2])) {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, bob]);
        let sipp = scene.sipp("sipp", 0, script);
        act(scene.phones());
        sipp.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// Alice is handed over, and then talks with bob.
fn are_joined([alice, bob]: [&mut CordboardPhone; 2]) {
    alice.wait_event("referred");
    alice.wait("that call 2 is up", |event| event["event"] == "established" && event["call"] == 2);
    alice.wait("that call 1 is over", |event| event["event"] == "ended" && event["call"] == 1);
    talking(alice, bob);
    alice.hang_up();
    bob.wait_idle();
}

#[test]
fn hands_over_beside_the_call() {
    let refer = format!(
        "
        r > REFER
            Refer-To: <{BOB}>
            Target-Dialog: {{a.id}};local-tag={{a.theirs}};remote-tag={{a.ours}}
            Require: tdialog
        r < 202
        r < NOTIFY
            body: ^SIP/2.0 100
        r > 200"
    );
    let script = [&*calls("a", ALICE), &*holds("a"), &*refer, &*is_told("r", 200), &*hangs_up("a")].concat();
    hands_over(Manner::Answers, &script, are_joined);
}

/// It takes her from hold, and she hangs up.
const RESUMES: &str = "\na > INVITE sdp\na < 100? 200\na > ACK\na > speaks\na < BYE\na > 200";

/// And takes alice from hold, who is still there.
#[test]
fn the_target_is_busy() {
    let script =
        [&*calls("a", ALICE), &*holds("a"), &*refers("a", BOB), &*is_told("a", 486), RESUMES].concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        bob.wait_event("incoming");
        bob.does("decline 486");
        alice.wait("that call 2 is over", |event| event["event"] == "ended" && event["call"] == 2);
        alice.wait_event("unheld");
        hears_sipp(alice);
        alice.hang_up();
    });
}

/// Alice's owner gives it up.
#[test]
fn the_target_does_not_answer() {
    let script =
        [&*calls("a", ALICE), &*holds("a"), &*refers("a", BOB), &*is_told("a", 487), RESUMES].concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        bob.wait_event("incoming");
        alice.wait("that it rings", |event| event["event"] == "ringing" && event["call"] == 2);
        alice.does("hangup 2");
        bob.wait_event("ended");
        alice.wait_event("unheld");
        hears_sipp(alice);
        alice.hang_up();
    });
}

/// It asks what the target can do, as in figure 15, and leaves it.
#[test]
fn hands_over_to_whom_it_has_asked_and_left() {
    let options = "\nb > OPTIONS\nb < 200\nSupported: replaces";
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*calls("b", BOB),
        options,
        &*hangs_up("b"),
        &*refers("a", BOB),
        &*is_told("a", 200),
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Answers, &script, are_joined);
}

#[test]
fn hands_over_without_asking_after_a_420() {
    let asks = format!(
        "\nb > INVITE sdp to={BOB}\nRequire: replaces, privacy-of-tomorrow\nb < 100? 420\nUnsupported: privacy-of-tomorrow\nb > ACK"
    );
    let script =
        [&*calls("a", ALICE), &*holds("a"), &*asks, &*refers("a", BOB), &*is_told("a", 200), &*hangs_up("a")]
            .concat();
    hands_over(Manner::Answers, &script, are_joined);
}

#[test]
fn hands_over_to_whom_it_called_in_vain() {
    let in_vain = format!("\nb > INVITE sdp to={BOB}\nb < 100? 180\nb > CANCEL\nb < 200\nb < 487\nb > ACK");
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*in_vain,
        &*refers("a", BOB),
        &*is_told("a", 200),
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        bob.wait("that it was called in vain", |event| event["event"] == "ended" && event["call"] == 1);
        bob.wait_event("incoming");
        bob.does("answer");
        are_joined([alice, bob]);
    });
}

/// A REFER of one call that names the other in its Replaces; the other's end, and what is reported. The first report is
/// answered last: until then the next one waits, so that it is certain which comes first.
fn joins(first: &str, second: &str, target: &str) -> String {
    format!(
        "
        {first} > REFER
            Refer-To: <{target}?Replaces={{{second}.id}}%3Bto-tag%3D{{{second}.theirs}}%3Bfrom-tag%3D{{{second}.ours}}>
            Referred-By: <sip:sipp@127.0.0.1>
        {first} < 202
        {first} < NOTIFY
            body: ^SIP/2.0 100
        {second} < BYE
        {second} > 200
        {first} > 200 of=NOTIFY"
    )
}

#[test]
fn hands_over_to_whom_it_has_asked() {
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*calls("b", BOB),
        &*holds("b"),
        &*joins("a", "b", BOB),
        &*is_told("a", 200),
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Answers, &script, are_joined);
}

#[test]
fn hands_over_as_soon_as_the_target_answers() {
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*calls("b", BOB),
        &*joins("a", "b", BOB),
        &*is_told("a", 200),
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        bob.wait_event("incoming");
        bob.does("answer");
        are_joined([alice, bob]);
    });
}

/// It is bob who is asked to call, so that alice is not told where bob is.
#[test]
fn hands_the_target_over() {
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*calls("b", BOB),
        &*holds("b"),
        &*joins("b", "a", ALICE),
        &*is_told("b", 200),
        &*hangs_up("b"),
    ]
    .concat();
    hands_over(Manner::Answers, &script, |[alice, bob]| {
        bob.wait_event("referred");
        let taken = alice.wait_event("taken-over");
        assert_eq!(taken["replaces"], 1);
        bob.wait("that call 1 is over", |event| event["event"] == "ended" && event["call"] == 1);
        talking(alice, bob);
        bob.hang_up();
        alice.wait_idle();
    });
}

/// `SIPp` is held while alice talks with bob, and is taken from hold.
#[test]
fn somebody_is_asked_while_the_caller_waits() {
    let script = [
        &*calls("a", ALICE),
        "
        a > speaks
        a < INVITE
            body: a=sendonly
        a > 200 sdp=recvonly
        a < ACK
        a < INVITE
            body: a=sendrecv
        a > 200 sdp
        a < ACK",
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Answers, &script, |[alice, bob]| {
        alice.wait_established();
        hears_sipp(alice);
        alice.does(&format!("consult {BOB}"));
        bob.wait_established();
        alice.wait_established();
        talking(alice, bob);
        alice.does("hangup 2");
        bob.wait_idle();
        alice.does("resume");
        alice.wait("that call 1 is over", |event| event["event"] == "ended" && event["call"] == 1);
    });
}

fn reports(state: &str, piece: &str) -> String {
    format!("\na > NOTIFY\nEvent: refer\nSubscription-State: {state}\npiece: SIP/2.0 {piece}\na < 200")
}

#[test]
fn obeys_and_reports_each_step() {
    let refer = "\na < REFER\nRefer-To: sip:bob@127.0.0.1:5091\na > 202";
    let script = [
        &*calls("a", ALICE),
        refer,
        &*reports("active;expires=60", "100 Trying"),
        "\nc > INVITE sdp to=sip:bob@127.0.0.1:5091\nc < 100? 180",
        &*reports("active;expires=60", "180 Ringing"),
        "\nc < 200\nc > ACK\nc > speaks",
        &*reports("terminated;reason=noresource", "200 OK"),
        "\na < BYE\na > 200\nc < BYE\nc > 200",
    ]
    .concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        alice.wait_established();
        alice.say(&format!("transfer {BOB}"));
        for status in [100, 180] {
            let told = alice.wait_event("transfer-progress");
            assert_eq!(told["status"], status);
        }
        bob.wait_event("incoming");
        bob.does("answer");
        let ending = alice.wait_event("transferred");
        assert_eq!(ending["outcome"], "completed");
        alice.wait_event("ended");
        hears_sipp(bob);
        bob.hang_up();
    });
}

#[test]
fn obeys_in_vain_and_comes_back() {
    let refer = "\na < REFER\nRefer-To: sip:bob@127.0.0.1:5091\na > 202";
    let script = [
        &*calls("a", ALICE),
        refer,
        &*reports("active;expires=60", "100 Trying"),
        &*holds("a"),
        "\nc > INVITE sdp to=sip:bob@127.0.0.1:5091\nc < 100? 180\nc < 404\nc > ACK",
        &*reports("terminated;reason=noresource", "404 Not Found"),
        "\na > INVITE sdp\na < 100? 200\na > ACK\na > speaks\na < BYE\na > 200",
    ]
    .concat();
    hands_over(Manner::Rings, &script, |[alice, bob]| {
        alice.wait_established();
        alice.say(&format!("transfer {BOB} &"));
        alice.wait_event("held");
        bob.wait_event("incoming");
        bob.does("decline 404");
        let ending = alice.wait_event("transferred");
        assert_eq!(ending["outcome"], "target-not-found");
        alice.wait_event("unheld");
        hears_sipp(alice);
        alice.hang_up();
    });
}

#[test]
fn contacts_are_changed_listed_and_removed() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::served(place, &[]);
        let sipp = scene.sipp_at(
            "bob",
            "sip:example.test",
            "
            bad > REGISTER auth=401 wrong
                Contact: <sip:bob@127.0.0.1:5070>
            bad < 401
            new > REGISTER auth=401
                Contact: <sip:bob@127.0.0.1:5070>
            new < 200
                Contact: sip:bob@127.0.0.1:5070>;.*expires=
            more > REGISTER auth=401
                Contact: <mailto:bob@example.test>
            more < 200
            list > REGISTER auth=401
            list < 200
                Contact: sip:bob@127.0.0.1:5070
            none > REGISTER auth=401
                Contact: *
                Expires: 0
            none < 200
                no Contact",
        );
        sipp.expect_success();
        let verdict = scene.verdict();
        let complaints = verdict.complaints();
        assert!(complaints.is_empty() && verdict.challenged("REGISTER"), "{complaints:#?}");
    });
}

/// `SIPp` sends alice to bob; another `SIPp` calls her without a description, and answers hers in the ACK.
#[test]
fn a_call_is_redirected_and_its_answer_comes_in_the_ack() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers, Manner::Answers]);
        let elsewhere = scene.next_sipp("bob");
        let redirects =
            scene.sipp("redirects", 0, &format!("a < INVITE\na > 302\nContact: <{BOB}>\na < ACK"));
        redirects.wait_listening();
        let [alice, bob] = scene.phones();
        alice.dial(&elsewhere);
        let redirected = alice.wait_event("redirected");
        assert_eq!(redirected["to"], BOB);
        bob.wait_established();
        alice.wait_established();
        talking(alice, bob);
        alice.hang_up();
        bob.wait_idle();
        redirects.expect_success();
        let late = "
            a > INVITE
            a < 100? 180? 200
                body: m=audio
            a > ACK sdp
            a > speaks
            a < BYE
            a > 200";
        let sipp = scene.sipp("sipp", 0, late);
        let alice = scene.phone(0);
        alice.wait_established();
        hears_sipp(alice);
        alice.hang_up();
        sipp.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

#[test]
fn somebody_is_not_available() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers]);
        let whom = scene.next_sipp("bob");
        let sipp = scene.sipp("bob", 0, "a < INVITE\na > 180\na > 480\na < ACK");
        sipp.wait_listening();
        let alice = scene.phone(0);
        alice.dial(&whom);
        alice.wait_event("ringing");
        let ended = alice.wait_event("ended");
        assert_eq!((&ended["status"], &ended["by_peer"]), (&480.into(), &true.into()));
        sipp.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// `SIPp` asks bob in a message to take alice's call over. The link of RFC 5359 §2.6 has its tags swapped, and alice says so.
#[test]
fn the_link_is_followed_unless_its_tags_are_swapped() {
    let link = |name: &str, to: &str, from: &str| {
        format!(
            "
            {name} > MESSAGE to={BOB}
                text: take this call: {ALICE}?Replaces={{a.id}}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from}
            {name} < 200"
        )
    };
    let script = [
        &*calls("a", ALICE),
        &*link("wrong", "{a.ours}", "{a.theirs}"),
        &*link("right", "{a.theirs}", "{a.ours}"),
        "\na < BYE\na > 200",
    ]
    .concat();
    hands_over(Manner::Answers, &script, |[alice, bob]| {
        let link = |bob: &mut CordboardPhone| {
            let message = bob.wait_event("message");
            let text = message["text"].as_str().unwrap_or_default().trim();
            text.strip_prefix("take this call: ").expect("a link").to_owned()
        };
        let (wrong, right) = (link(bob), link(bob));
        alice.wait_established();
        bob.say(&format!("follow {wrong}"));
        let ended = bob.wait_event("ended");
        assert_eq!(ended["status"], 481);
        bob.say(&format!("follow {right}"));
        bob.wait_established();
        let taken = alice.wait_event("taken-over");
        assert_eq!(taken["replaces"], 1);
        alice.wait("that call 1 is over", |event| event["event"] == "ended" && event["call"] == 1);
        talking(alice, bob);
        bob.hang_up();
        alice.wait_idle();
    });
}

/// The CANCEL crosses the 200: the target is there after all, and can be asked.
#[test]
fn hands_over_to_whom_answered_the_cancelled_call() {
    let crosses = format!("\nb > INVITE sdp to={BOB}\nb < 100? 180? 200\nb > CANCEL\nb < 200\nb > ACK");
    let script = [
        &*calls("a", ALICE),
        &*holds("a"),
        &*crosses,
        &*holds("b"),
        &*joins("a", "b", BOB),
        &*is_told("a", 200),
        &*hangs_up("a"),
    ]
    .concat();
    hands_over(Manner::Answers, &script, are_joined);
}

/// RFC 3665 §3.7: what alice sends goes where the re-INVITE says.
#[test]
fn the_sound_moves_to_another_address() {
    let script = [
        &*calls("a", ALICE),
        "\na > speaks\na > INVITE sdp at=127.0.0.9\na < 100? 200\na > ACK",
        "\na < BYE\na > 200",
    ]
    .concat();
    hands_over(Manner::Answers, &script, |[alice, _]| {
        alice.wait_established();
        alice.wait("that the sound has moved", |event| {
            let remote = event["remote"].as_str().unwrap_or_default();
            event["event"] == "media" && remote.starts_with("127.0.0.9:")
        });
        alice.hang_up();
    });
}

/// Bob screens for alice, and hands her to carol; she hands `SIPp` on.
#[test]
fn is_handed_over_by_whom_it_was_handed_to() {
    isolated(&PROGRAMS, |place| {
        let mut scene = Scene::direct(place, &[Manner::Answers; 3]);
        let carol = scene.phone(2).account().uri();
        let script = [
            &*calls("a", ALICE),
            "\na < INVITE\nbody: a=sendonly\na > 200 sdp=recvonly\na < ACK",
            "\na < REFER\nRefer-To: sip:carol@127.0.0.1\na > 202",
            &*reports("active;expires=60", "100 Trying"),
            &format!("\nc > INVITE sdp to={carol}\nc < 100? 180? 200\nc > ACK\nc > speaks"),
            &*reports("terminated;reason=noresource", "200 OK"),
            "\na < BYE\na > 200\nc < BYE\nc > 200",
        ]
        .concat();
        let sipp = scene.sipp("sipp", 0, &script);
        let [alice, bob, recipient] = scene.phones();
        alice.wait_established();
        alice.does(&format!("consult {BOB}"));
        bob.wait_established();
        bob.does(&format!("consult {carol}"));
        recipient.wait_established();
        bob.wait_established();
        bob.does(&format!("transfer 1 {carol}"));
        recipient.wait_established();
        bob.does("hangup 2");
        alice.wait("that call 3 is up", |event| event["event"] == "established" && event["call"] == 3);
        talking(alice, recipient);
        alice.does("hold 3");
        alice.does(&format!("transfer 1 {carol}"));
        recipient.wait_established();
        alice.does("hangup 3");
        hears_sipp(recipient);
        recipient.does("hangup 3");
        sipp.expect_success();
        let complaints = scene.verdict().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}
