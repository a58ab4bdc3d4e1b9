//! Doctored runs: each differs, and for the reason for which it was doctored.

use crate::run::Run;
use bytes::Bytes;

const ATTENDED: &str = "5359-2.5";
const UNATTENDED: &str = "5359-2.4";

/// Holds that a run differs in just these ways: each is a part of one line, in the order of the messages.
#[track_caller]
fn differs(run: &Run, wanted: &[&str]) {
    let verdict = run.judged();
    let told: Vec<String> = verdict.differences().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), wanted.len(), "{}: {verdict}", run.golden.id);
    for (told, wanted) in told.iter().zip(wanted) {
        assert!(told.contains(wanted), "{}: `{told}` does not say `{wanted}`", run.golden.id);
    }
}

/// Another copy of a message with another branch: a transaction of its own.
fn copy(run: &Run, id: &str) -> Bytes {
    let text = String::from_utf8(run.bytes(id).to_vec()).unwrap();
    Bytes::from(text.replace("branch=z9hG4bK", "branch=z9hG4bKagain"))
}

#[test]
fn replaces_that_names_the_wrong_dialog() {
    let run = Run::of(ATTENDED).edit(
        "F19",
        "Replaces: d2@calls.example.com;to-tag=d2carol;from-tag=d2bob",
        "Replaces: d1@calls.example.com;to-tag=d1alice;from-tag=d1bob",
    );
    differs(&run, &["message 19 (INVITE alice -> carol, drawn as F19) differs: Replaces names d1, not d2"]);
}

#[test]
fn replaces_with_its_tags_swapped() {
    let run = Run::of(ATTENDED).edit("F19", "to-tag=d2carol;from-tag=d2bob", "to-tag=d2bob;from-tag=d2carol");
    differs(
        &run,
        &[
            "F19) differs: Replaces has its tags swapped: the recipient's own, carol's, is named as its peer's",
        ],
    );
}

#[test]
fn replaces_with_a_tag_that_was_never_seen() {
    let run = Run::of(ATTENDED).edit("F19", "to-tag=d2carol", "to-tag=zero");
    differs(&run, &["but the to-tag zero was never seen in it; it should name d2"]);
    let run = Run::of(ATTENDED).edit("F19", "from-tag=d2bob", "from-tag=zero");
    differs(&run, &["but the from-tag zero is not that of its other end; it should name d2"]);
}

#[test]
fn replaces_with_a_call_id_that_was_never_seen() {
    let run = Run::of(ATTENDED).edit("F19", "Replaces: d2@", "Replaces: d9@");
    differs(
        &run,
        &["Replaces names no dialog: the Call-ID d9@calls.example.com was never seen; it should name d2"],
    );
}

#[test]
fn invite_without_replaces() {
    let run = Run::of(ATTENDED).without_header("F19", "Replaces");
    differs(&run, &["F19) differs: has no Replaces, which should name d2"]);
}

#[test]
fn replaces_where_none_is_drawn() {
    let run = Run::of(UNATTENDED).edit(
        "F11",
        "Referred-By: ",
        "Replaces: d1@calls.example.com;to-tag=d1alice;from-tag=d1bob\r\nReferred-By: ",
    );
    differs(&run, &["F11) differs: has a Replaces, and should have none"]);
}

#[test]
fn replaces_that_cannot_be_read() {
    let run = Run::of(ATTENDED).edit("F19", ";from-tag=d2bob", "");
    differs(&run, &["F19) differs: has a Replaces that cannot be read"]);
}

#[test]
fn invite_that_does_not_require_replaces() {
    let run = Run::of(ATTENDED).without_header("F19", "Require");
    differs(&run, &["F19) differs: Require does not name replaces"]);
}

#[test]
fn hold_without_sendonly() {
    let run =
        Run::of("5359-2.1").edit("F10", "a=sendonly", "a=sendrecv").edit("F11", "a=sendonly", "a=sendrecv");
    let why = "differs: the direction of its SDP is sendrecv, not sendonly";
    differs(&run, &[&format!("F10) {why}"), &format!("F11) {why}")]);
}

#[test]
fn hold_of_which_the_direction_is_only_implied() {
    let run = Run::of(ATTENDED).edit("F5", "a=sendonly\r\n", "");
    differs(&run, &["F5) differs: the direction of its SDP is sendrecv, not sendonly"]);
}

#[test]
fn hold_that_still_renders() {
    let run = Run::of(ATTENDED).edit("F5", ";+sip.rendering=\"no\"", "");
    differs(&run, &["F5) differs: +sip.rendering is none, not no"]);
}

#[test]
fn resume_that_does_not_render() {
    let run =
        Run::of("5359-2.2").edit("F29", "contact.example.com>", "contact.example.com>;+sip.rendering=\"no\"");
    differs(&run, &["F29) differs: +sip.rendering is no, not none"]);
}

#[test]
fn answer_to_a_hold_that_goes_on_sending() {
    let run = Run::of(ATTENDED).edit("F13", "a=recvonly", "a=sendrecv");
    differs(&run, &["F13) differs: the direction of its SDP is sendrecv, not recvonly"]);
}

#[test]
fn focus_that_does_not_say_so() {
    let run = Run::of("5589-fig17").edit("F5", ";isfocus", "");
    differs(&run, &["F5) differs: the Contact lacks isfocus"]);
}

#[test]
fn notify_without_sipfrag() {
    let run = Run::of(UNATTENDED).without_body("F15");
    differs(&run, &["F15) differs: has no message/sipfrag, which should tell of 200"]);
}

#[test]
fn notify_with_the_wrong_status() {
    let run = Run::of(UNATTENDED).edit("F15", "SIP/2.0 200 OK\r\n", "SIP/2.0 180 Ringing\r\n");
    differs(&run, &["F15) differs: the status in its sipfrag is 180, not 200"]);
}

#[test]
fn notify_whose_body_is_no_sipfrag() {
    let run = Run::of(UNATTENDED).edit("F15", "message/sipfrag", "text/plain");
    differs(&run, &["F15) differs: has no message/sipfrag"]);
}

#[test]
fn notify_of_another_package() {
    let run = Run::of(UNATTENDED).edit("F7", "Event: refer", "Event: dialog");
    differs(&run, &["F7) differs: Event is dialog, not refer"]);
}

#[test]
fn last_notify_that_ends_nothing() {
    let run = Run::of(UNATTENDED).edit("F15", "terminated;reason=noresource", "active;expires=60");
    differs(&run, &["F15) differs: Subscription-State is active, not terminated;reason=noresource"]);
}

#[test]
fn last_notify_that_gives_another_reason() {
    let run = Run::of(UNATTENDED).edit("F15", "reason=noresource", "reason=timeout");
    differs(&run, &["Subscription-State is terminated;reason=timeout, not terminated;reason=noresource"]);
}

#[test]
fn notify_of_a_second_refer_without_its_id() {
    let run = Run::of("5589-fig10").edit("F33", "Event: refer;id=3", "Event: refer");
    differs(&run, &["F33) differs: the id of Event is absent, not 3"]);
}

#[test]
fn refer_without_refer_to() {
    let run = Run::of(ATTENDED).without_header("F15", "Refer-To");
    differs(&run, &["F15) differs: has no Refer-To, which should name carol"]);
}

#[test]
fn refer_to_without_replaces() {
    let run = Run::of(ATTENDED).edit(
        "F15",
        "?Replaces=d2%40calls.example.com%3Bto-tag%3Dd2carol%3Bfrom-tag%3Dd2bob",
        "",
    );
    differs(&run, &["F15) differs: Refer-To has no Replaces in it, which should name d2"]);
}

#[test]
fn refer_to_with_its_tags_swapped() {
    let run = Run::of("5589-fig7").edit(
        "F15",
        "to-tag%3Dd2target%3Bfrom-tag%3Dd2transferor",
        "to-tag%3Dd2transferor%3Bfrom-tag%3Dd2target",
    );
    differs(&run, &["F15) differs: the Replaces in Refer-To has its tags swapped"]);
}

#[test]
fn refer_to_in_place_of_the_wrong_call() {
    let run = Run::of("5589-fig6").edit(
        "F15",
        "Replaces=d1%40calls.example.com%3Bto-tag%3Dd1transferee%3Bfrom-tag%3Dd1transferor",
        "Replaces=d2%40calls.example.com%3Bto-tag%3Dd2target%3Bfrom-tag%3Dd2transferor",
    );
    differs(&run, &["F15) differs: the Replaces in Refer-To names d2, not d1"]);
}

#[test]
fn refer_to_somebody_else() {
    let run = Run::of(ATTENDED).edit("F15", "<sip:carol@carol.", "<sip:bob@bob.");
    differs(&run, &["F15) differs: Refer-To names bob, not carol"]);
    let run = Run::of(ATTENDED).edit("F15", "<sip:carol@carol.", "<sip:dave@dave.");
    differs(&run, &["which is nobody's address, not carol"]);
}

#[test]
fn refer_without_its_referrer() {
    let run = Run::of(UNATTENDED).without_header("F11", "Referred-By");
    differs(&run, &["F11) differs: has no Referred-By"]);
}

#[test]
fn refer_that_wants_a_subscription_that_is_not_drawn() {
    let run = Run::of("5359-2.18").edit("F1", "Refer-Sub: false", "Refer-Sub: true");
    differs(&run, &["F1) differs: Refer-Sub is true, not false"]);
}

#[test]
fn refer_in_the_call_where_one_outside_is_drawn() {
    let run =
        Run::of("5589-fig1").edit_all("d2@calls", "d1@calls").edit_all("tag=d2transfer", "tag=d1transfer");
    let told = run.judged();
    let first = told.differences().first().expect("it differs").to_string();
    assert!(
        first.contains("(REFER transferor -> transferee, drawn as F8) is sent in d1, not in d2"),
        "{told}"
    );
}

#[test]
fn target_dialog_of_another_call() {
    let run = Run::of("5589-fig7").edit(
        "F15",
        "Target-Dialog: d1@calls.example.com;local-tag=d1transferee;remote-tag=d1transferor",
        "Target-Dialog: d2@calls.example.com;local-tag=d2target;remote-tag=d2transferor",
    );
    differs(&run, &["F15) differs: Target-Dialog names d2, not d1"]);
}

/// RFC 4538 §3: as the recipient has them.
#[test]
fn target_dialog_as_its_sender_sees_it() {
    let run = Run::of("5589-fig7").edit(
        "F15",
        "local-tag=d1transferee;remote-tag=d1transferor",
        "local-tag=d1transferor;remote-tag=d1transferee",
    );
    differs(&run, &["F15) differs: Target-Dialog has its tags swapped"]);
}

/// RFC 5359 §2.6 prints it so.
#[test]
fn link_with_its_tags_swapped() {
    let run = Run::of("5359-2.6").edit(
        "F5",
        "to-tag%3Dd1alice%3Bfrom-tag%3Dd1bob",
        "to-tag%3Dd1bob%3Bfrom-tag%3Dd1alice",
    );
    differs(&run, &["F5) differs: the Replaces in the link has its tags swapped"]);
}

#[test]
fn message_without_a_link() {
    let run = Run::of("5359-2.6").without_body("F5");
    differs(&run, &["F5) differs: has no link in its body, which should lead to alice"]);
}

#[test]
fn missing_bye() {
    let run = Run::of(ATTENDED).drop(&["F26", "F27"]);
    differs(&run, &["F26 (BYE bob -> alice) is missing"]);
}

#[test]
fn missing_bye_of_the_replaced_call() {
    let run = Run::of(ATTENDED).drop(&["F22", "F23"]);
    differs(&run, &["F22 (BYE carol -> bob) is missing"]);
}

#[test]
fn missing_ack() {
    differs(&Run::of(ATTENDED).drop(&["F21"]), &["F21 (ACK alice -> carol) is missing"]);
}

#[test]
fn missing_ack_of_a_failure() {
    differs(&Run::of("5589-fig3").drop(&["F14"]), &["F14 (ACK transferee -> target) is missing"]);
}

#[test]
fn missing_answer() {
    differs(&Run::of(ATTENDED).drop(&["F25"]), &["F25 (200 OK to NOTIFY bob -> alice) is missing"]);
    differs(&Run::of(ATTENDED).drop(&["F16"]), &["F16 (202 Accepted to REFER alice -> bob) is missing"]);
}

#[test]
fn missing_ring() {
    differs(&Run::of(ATTENDED).drop(&["F9"]), &["F9 (180 Ringing to INVITE carol -> bob) is missing"]);
}

#[test]
fn missing_487() {
    let run = Run::of("5589-fig4").drop(&["F16", "F17"]);
    let ends = [
        "F16 (487 Request Terminated to INVITE target -> transferee) is missing",
        "F17 (ACK transferee -> target) is missing",
    ];
    differs(&run, &ends);
}

#[test]
fn missing_notify() {
    let run = Run::of(ATTENDED).drop(&["F17", "F18"]);
    differs(&run, &["F17 (NOTIFY alice -> bob) is missing"]);
}

#[test]
fn bye_from_the_wrong_side() {
    let other = Run::of("5589-fig1");
    // The target's BYE goes the other way: from the transferee.
    let text = String::from_utf8(other.bytes("F20").to_vec()).unwrap();
    let bye = text
        .replace("tag=d3transferee", "tag=X")
        .replace("tag=d3target", "tag=d3transferee")
        .replace("tag=X", "tag=d3target");
    let run =
        other.clone().drop(&["F20", "F21"]).insert("F19", "B1", "transferee", "target", Bytes::from(bye));
    let ok = run.answer("B1", 200);
    let run = run.insert("B1", "B2", "target", "transferee", ok);
    differs(&run, &["(BYE transferee -> target, drawn as F20) should go from target to transferee"]);
}

#[test]
fn request_with_the_tags_of_its_dialog_swapped() {
    let run = Run::of(ATTENDED)
        .edit("F26", "tag=d1bob", "tag=X")
        .edit("F26", "tag=d1alice", "tag=d1bob")
        .edit("F26", "tag=X", "tag=d1alice");
    differs(&run, &["F26) has its tags swapped: From bears d1alice, and bob's own is d1bob"]);
}

#[test]
fn bye_of_a_dialog_that_nobody_has() {
    let run = Run::of(ATTENDED).edit("F26", "Call-ID: d1@", "Call-ID: d9@").edit(
        "F27",
        "Call-ID: d1@",
        "Call-ID: d9@",
    );
    let why = "is sent in a dialog that is not drawn, not in d1";
    differs(&run, &[&format!("F26) {why}"), &format!("F27) {why}")]);
}

#[test]
fn notify_of_success_before_the_success() {
    let run = Run::of(ATTENDED).before("F24", "F19");
    differs(
        &run,
        &[
            "F24) comes too early: it has to follow F20 (200 OK to INVITE carol -> alice), which is message 21",
        ],
    );
}

#[test]
fn new_call_before_the_refer() {
    let run = Run::of(UNATTENDED).before("F11", "F5");
    differs(&run, &["F11) comes too early: it has to follow F5 (REFER alice -> bob)"]);
}

#[test]
fn bye_before_the_report_that_the_drawing_waits_for() {
    let run = Run::of(ATTENDED).before("F26", "F24").before("F27", "F24");
    differs(&run, &["F26) comes too early: it has to follow F24 (NOTIFY alice -> bob)"]);
}

#[test]
fn resume_before_the_target_refused() {
    let run = Run::of("blog-001").before("F17", "F13");
    differs(
        &run,
        &["F17) comes too early: it has to follow F13 (404 Not Found to INVITE target -> transferee)"],
    );
}

#[test]
fn proxy_that_answers_before_it_is_answered() {
    let run = Run::of("5359-2.1").before("F7", "F6");
    differs(&run, &["F7) comes too early: it has to follow F6"]);
}

#[test]
fn ring_after_the_answer() {
    let run = Run::of(ATTENDED).before("F10", "F9");
    differs(
        &run,
        &[
            "(180 Ringing to INVITE carol -> bob) is not drawn",
            "F9 (180 Ringing to INVITE carol -> bob) is missing",
        ],
    );
}

#[test]
fn methods_only() {
    let run = Run::of(ATTENDED).methods_only();
    let verdict = run.judged();
    let told = verdict.to_string();
    for why in [
        "F1) differs: the direction of its SDP is none, not sendrecv",
        "F5) differs: the direction of its SDP is none, not sendonly",
        "F15) differs: has no Refer-To",
        "F17) differs: has no message/sipfrag",
        "F19) differs: has no Replaces",
        "F24) differs: Subscription-State is absent",
    ] {
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn empty_bodies() {
    let mut run = Run::of(ATTENDED);
    for id in ["F1", "F3", "F8", "F10"] {
        run = run.without_body(id);
    }
    let why = "differs: the direction of its SDP is none, not sendrecv";
    let wanted = ["F1", "F3", "F8", "F10"].map(|id| format!("{id}) {why}"));
    differs(&run, &wanted.each_ref().map(String::as_str));
}

#[test]
fn extra_invite() {
    let run = Run::of(ATTENDED);
    let again = copy(&run, "F19");
    let run = run.insert("F20", "X1", "alice", "carol", again);
    differs(&run, &["message 21 (INVITE alice -> carol) is not drawn"]);
}

#[test]
fn extra_notify() {
    let run = Run::of(UNATTENDED);
    let text = String::from_utf8(copy(&run, "F7").to_vec()).unwrap();
    let ringing = text.replace("SIP/2.0 100 Trying", "SIP/2.0 180 Ringng").replace("CSeq: 2 ", "CSeq: 20 ");
    let run = run.insert("F12", "X1", "bob", "alice", Bytes::from(ringing));
    let ok = run.answer("X1", 200);
    let run = run.insert("X1", "X2", "alice", "bob", ok);
    differs(&run, &["message 13 (NOTIFY bob -> alice) is not drawn"]);
}

#[test]
fn wrong_final_status() {
    let run =
        Run::of("5589-fig3").edit("F13", "SIP/2.0 486 Busy Here", "SIP/2.0 480 Temporarily Unavailable");
    differs(&run, &["F13) should be 486 Busy Here"]);
    let run = Run::of(ATTENDED).edit("F16", "SIP/2.0 202 Accepted", "SIP/2.0 200 OK");
    differs(&run, &["(200 OK to REFER alice -> bob, drawn as F16) should be 202 Accepted"]);
}

#[test]
fn answer_from_the_wrong_actor() {
    let run = Run::of(ATTENDED).between("F16", "carol", "bob");
    differs(&run, &["(202 Accepted to REFER carol -> bob) answers what went to alice"]);
}

#[test]
fn answer_to_nothing() {
    let run = Run::of(ATTENDED).edit("F16", "branch=z9hG4bKt9", "branch=z9hG4bKelse");
    differs(&run, &["answers nothing that was seen", "F16 (202 Accepted to REFER alice -> bob) is missing"]);
}

#[test]
fn request_to_the_wrong_actor() {
    let run = Run::of("5359-2.6").between("F5", "bob", "alice").between("F6", "alice", "bob");
    let told = run.judged().to_string();
    assert!(told.contains("(MESSAGE bob -> alice, drawn as F5) should go from bob to carol"), "{told}");
}

#[test]
fn garbage() {
    let run = Run::of(ATTENDED);
    let run = run.insert("F27", "X1", "bob", "alice", Bytes::from_static(b"hello\r\n\r\n"));
    differs(&run, &["message 28 (9 octets bob -> alice) cannot be read as SIP"]);
}

#[test]
fn challenge_that_is_not_drawn_and_not_made_good() {
    let run = Run::of("blog-000");
    let refused = String::from_utf8(copy(&run, "F5").to_vec()).unwrap();
    let refused = Bytes::from(refused.replace("CSeq: 1 ", "CSeq: 20 "));
    let run = run.insert("F5", "X1", "transferor", "transferee", refused);
    let no = run.answer("X1", 407);
    let run = run.insert("X1", "X2", "transferee", "transferor", no);
    differs(&run, &["(REFER transferor -> transferee) is not drawn, and its 407 was not made good"]);
}

#[test]
fn nothing_at_all() {
    let golden = cordboard_flows::golden::find(UNATTENDED).unwrap();
    let verdict = cordboard_flows::judge::judge(golden, &cordboard_flows::judge::Observed::default());
    assert_eq!(verdict.differences().len(), 8, "{verdict}");
    assert_eq!(verdict.differences()[0].to_string(), "F1 (INVITE bob -> alice) is missing");
}

#[test]
fn another_flow() {
    let messages = Run::of("5589-fig2");
    assert!(messages.judged().is_match());
    for other in ["5589-fig1", "5589-fig3", "5589-fig13", "blog-000", "blog-001"] {
        assert!(!messages.judged_as(other).is_match(), "{other}");
    }
}
