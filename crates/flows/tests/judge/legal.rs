//! What the drawings leave open matches.

use crate::run::Run;
use bytes::Bytes;
use cordboard_flows::golden::{self, Part};

#[track_caller]
fn matches(run: &Run) {
    let verdict = run.judged();
    assert!(verdict.is_match(), "{}: {verdict}", run.golden.id);
}

#[test]
fn notify_before_the_202_of_its_refer() {
    matches(&Run::of("5359-2.4").before("F7", "F6"));
    matches(&Run::of("5359-2.5").before("F17", "F16").before("F18", "F16"));
}

/// RFC 3515 §2.4.4: the NOTIFY makes the dialog then.
#[test]
fn notify_before_the_202_of_a_refer_outside_a_dialog() {
    matches(&Run::of("5589-fig1").before("F10", "F9").before("F11", "F9"));
}

/// RFC 6665 §4.1.2.4.
#[test]
fn notify_before_the_200_of_its_subscribe() {
    matches(&Run::of("5589-fig17").before("F10", "F9").before("F18", "F17"));
}

#[test]
fn end_of_the_invite_before_the_200_of_its_cancel() {
    matches(&Run::of("5589-fig4").before("F16", "F15").before("F17", "F15"));
    matches(&Run::of("5589-fig12").before("F12", "F11").before("F13", "F11"));
    matches(&Run::of("3665-3.8").before("F15", "F14"));
    // The call that was answered in spite of its CANCEL.
    matches(&Run::of("5589-fig13").before("F12", "F11"));
}

#[test]
fn bye_and_notify_in_either_order() {
    // Carol's BYE does not wait for Alice's report.
    matches(&Run::of("5359-2.5").before("F24", "F22"));
    matches(&Run::of("5359-2.5").before("F24", "F22").before("F25", "F22"));
    // The transferor may leave at any time after the 202.
    matches(&Run::of("5359-2.4").before("F9", "F7"));
    matches(&Run::of("5359-2.4").last("F9").last("F10"));
    matches(&Run::of("5589-fig6").before("F24", "F22"));
}

#[test]
fn bye_of_the_replaced_call_before_the_ack_of_the_new_one() {
    matches(&Run::of("5359-2.5").before("F22", "F21"));
    matches(&Run::of("5359-2.6").before("F10", "F9"));
}

#[test]
fn new_call_before_the_first_report() {
    matches(&Run::of("5359-2.4").before("F11", "F6"));
    matches(&Run::of("blog-001").before("F12", "F9"));
}

#[test]
fn report_that_crosses_the_resume() {
    matches(&Run::of("blog-001").before("F17", "F15"));
}

#[test]
fn answers_of_a_bye_in_any_order() {
    matches(&Run::of("5359-2.2").before("F29", "F26"));
}

#[test]
fn rings_that_may_be_absent() {
    for (flow, rings) in [("5589-fig1", &["F2", "F13"][..]), ("3665-3.3", &["F15a", "F15b", "F15c"])] {
        matches(&Run::of(flow).drop(rings));
    }
}

/// RFC 3261 §12.1.2: one telephone rings and another answers.
#[test]
fn a_ring_may_come_from_another_fork() {
    matches(&Run::of("blog-000").edit("F10", "tag=d2target", "tag=d2other"));
    matches(&Run::of("5359-2.1").edit("F4", "tag=d1bob", "tag=d1other").edit(
        "F5",
        "tag=d1bob",
        "tag=d1other",
    ));
}

#[test]
fn a_100_may_come() {
    let run = Run::of("5359-2.5");
    let trying = run.answer("F8", 100);
    matches(&run.insert("F8", "T1", "carol", "bob", trying));
}

#[test]
fn repeats_are_folded() {
    let run = Run::of("5359-2.5");
    matches(&run.clone().again("F15", "F15").again("F10", "F11").again("F11", "F11"));
    matches(&run.again("F24", "F26").repeated("F24\'"));
}

/// RFC 3261 §13.2.2.4, §16.11: it comes with every repeat of its 200, and a proxy gives each a branch of its own.
#[test]
fn an_ack_that_a_proxy_passes_on_again_is_folded() {
    let run = Run::of("5359-2.1");
    let ack = String::from_utf8(run.bytes("F9").to_vec()).expect("it is text");
    let again = Bytes::from(ack.replacen("branch=z9hG4bK", "branch=z9hG4bKagain", 1));
    assert_ne!(again, run.bytes("F9"));
    matches(&run.clone().again("F6", "F9").insert("F6'", "X", "proxy", "bob", again.clone()));
    // Of one that nothing has asked for it is told.
    assert!(!run.insert("F9", "X", "proxy", "bob", again).judged().is_match());
}

/// A request that comes first without credentials, is refused, and so comes again with a higher number
/// (RFC 3261 §22.2).
fn challenged(run: Run, id: &str, [from, to]: [&str; 2], code: u16) -> Run {
    let [c1, c2, c3] = [1, 2, 3].map(|n| format!("{id}C{n}"));
    let text = String::from_utf8(run.bytes(id).to_vec()).unwrap();
    let number = text.lines().find(|line| line.starts_with("CSeq: ")).unwrap().to_owned();
    let method = number.rsplit(' ').next().unwrap();
    let text = text.replace("branch=z9hG4bK", "branch=z9hG4bKfirst");
    let first = Bytes::from(text.replace(&number, &format!("CSeq: 0 {method}")));
    let run = run.insert(id, &c1, from, to, first.clone());
    let refusal = run.answer(&c1, code);
    let run = run.insert(&c1, &c2, to, from, refusal);
    let run = run.before(&c1, id).before(&c2, id);
    if method != "INVITE" {
        return run;
    }
    let ack = String::from_utf8(first.to_vec()).unwrap().replace("INVITE", "ACK");
    run.insert(&c2, &c3, from, to, Bytes::from(ack))
}

#[test]
fn challenges_that_are_made_good_are_folded() {
    matches(&challenged(Run::of("5359-2.5"), "F15", ["bob", "alice"], 401));
    matches(&challenged(Run::of("5359-2.5"), "F8", ["bob", "carol"], 407));
    matches(&challenged(Run::of("5359-2.1"), "F1", ["alice", "proxy"], 407));
}

#[test]
fn challenges_of_a_proxy_that_is_not_drawn_are_folded() {
    let run = Run::of("5359-2.5").relayed("switchboard");
    let run = challenged(run, "F1", ["alice", "switchboard"], 407);
    let run = challenged(run, "F15", ["bob", "switchboard"], 407);
    let verdict = cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
    assert!(verdict.is_match(), "{verdict}");
}

#[test]
fn what_is_not_the_flow_is_not_judged() {
    let run = Run::of("5359-2.5");
    let noise = Run::of("3665-2.2");
    let run = run.insert("F1", "S1", "alice", "bob", noise.bytes("F1")).on_stage("S1", Part::Setup);
    let run = run.insert("F27", "S2", "alice", "bob", Bytes::from_static(b"hello")).on_stage("S2", Part::Off);
    let run = run.insert("S2", "S3", "bob", "alice", noise.bytes("F2")).on_stage("S3", Part::Teardown);
    matches(&run);
}

/// A WebSocket client is called by way of its proxy, which the drawing does not have.
#[test]
fn a_proxy_that_is_not_drawn_is_taken_out() {
    let run = Run::of("3665-3.7");
    let direct = run.observed().without_proxy("proxy2");
    assert!(direct.messages.iter().all(|m| m.from != "proxy2" && m.to != "proxy2"));
    let words = direct.messages.iter().map(|m| {
        let word = String::from_utf8_lossy(&m.bytes).split(' ').take(2).collect::<Vec<_>>().join(" ");
        let word = word.trim_start_matches("SIP/2.0 ").split(' ').next().unwrap().to_owned();
        format!("{word} {}", m.from)
    });
    let wanted = [
        "INVITE alice",
        "180 bob",
        "200 bob",
        "ACK alice",
        "INVITE bob",
        "200 alice",
        "ACK bob",
        "BYE alice",
        "200 bob",
    ];
    assert_eq!(words.collect::<Vec<_>>(), wanted);
}

/// The attended transfer with everything relayed is the attended transfer.
#[test]
fn a_relayed_attended_transfer_matches() {
    let run = Run::of("5359-2.5").relayed("switchboard");
    assert!(!run.judged().is_match());
    let verdict = cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
    assert!(verdict.is_match(), "{verdict}");
}

#[test]
fn every_flow_that_is_drawn_direct_matches_relayed() {
    let direct = golden::all().iter().filter(|flow| flow.actors.iter().all(|actor| !actor.contains("proxy")));
    for flow in direct.filter(|flow| !flow.id.starts_with("3665-")) {
        let run = Run::of(&flow.id).relayed("switchboard");
        let verdict = cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
        assert!(verdict.is_match(), "{}: {verdict}", flow.id);
    }
}

/// What a drawn proxy passes on comes by the other one once more, with the same Call-ID, tags and numbers.
#[test]
fn every_flow_that_is_drawn_with_proxies_matches_relayed() {
    let with_proxies =
        golden::all().iter().filter(|flow| flow.actors.iter().any(|actor| actor.contains("proxy")));
    for flow in with_proxies {
        let run = Run::of(&flow.id).relayed("switchboard");
        let verdict = cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
        assert!(verdict.is_match(), "{}: {verdict}", flow.id);
    }
}

/// A request that a proxy sends to two: each hop is one of its own from end to end, and so is what answers it, though the
/// proxy passes on only the best response (RFC 3261 §16.7).
#[test]
fn a_fork_of_a_proxy_that_is_not_drawn_goes_to_each_of_its_ends() {
    let run = Run::of("5359-2.18").relayed("switchboard");
    let refer = String::from_utf8(run.bytes("F1+").to_vec()).unwrap().replace("t1proxy", "t1other");
    let run = run.insert("F1+", "F1b", "switchboard", "desk", Bytes::from(refer));
    let refusal = run.answer("F1b", 486);
    let run = run.insert("F1b", "F2b", "desk", "switchboard", refusal);
    let direct = run.observed().without_proxy("switchboard");
    let ends: Vec<[&str; 2]> = direct.messages.iter().map(|m| [&*m.from, &*m.to]).take(4).collect();
    assert_eq!(ends, [["pc", "bob"], ["pc", "desk"], ["desk", "pc"], ["bob", "pc"]]);
    let verdict = cordboard_flows::judge::judge(run.golden, &direct).to_string();
    let words = "(REFER pc -> desk) is not drawn";
    assert!(verdict.contains(words) && verdict.lines().count() == 2, "{verdict}");
}

/// A proxy answers a CANCEL itself, whatever comes of it beyond (RFC 3261 §16.10).
#[test]
fn of_a_cancel_that_a_proxy_passes_on_the_next_hop_counts() {
    let judged =
        |run: &Run| cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
    let run = Run::of("5589-fig13").relayed("switchboard").before("F11+", "F10+");
    assert!(judged(&run).is_match(), "{}", judged(&run));
    // The target does not know what is to be cancelled.
    let unknown =
        Bytes::from(String::from_utf8(run.bytes("F11").to_vec()).unwrap().replace("200 OK", "481 None"));
    let run = run.drop(&["F11"]).insert("F10+", "F11", "target", "switchboard", unknown);
    assert!(judged(&run).to_string().contains("should be 200 OK"), "{}", judged(&run));
}

/// The answer was quicker: then there is nothing left to cancel, and the CANCEL ends at the proxy.
#[test]
fn a_cancel_that_crosses_the_answer_at_a_proxy_that_is_not_drawn_matches() {
    let judged =
        |run: &Run| cordboard_flows::judge::judge(run.golden, &run.observed().without_proxy("switchboard"));
    let run = Run::of("5589-fig13").relayed("switchboard").drop(&["F10+", "F11"]);
    let crossed = run.clone().before("F12", "F10");
    assert!(judged(&crossed).is_match(), "{}", judged(&crossed));
    // But one that the proxy keeps to itself while nobody has answered is missed.
    assert!(judged(&run).to_string().contains("should go from transferor to target"), "{}", judged(&run));
}
