//! Doctoring by rule: nothing in a golden flow is idle.

use crate::run::Run;
use bytes::Bytes;
use cordboard_flows::golden::{self, Drawn, Golden};

/// The messages of a flow that have to be there.
fn needed(flow: &'static Golden) -> impl Iterator<Item = &'static Drawn> {
    flow.messages.iter().filter(|m| !m.optional && !m.retransmission && m.status() != Some(100))
}

#[test]
fn no_message_may_be_absent() {
    for flow in golden::all() {
        for drawn in needed(flow) {
            let verdict = Run::of(&flow.id).drop(&[&drawn.id]).judged();
            // Of two alike in one transaction nobody can tell which is missing.
            let alike = |m: &&Drawn| m.transaction == drawn.transaction && m.start == drawn.start;
            let told: Vec<_> = flow.messages.iter().filter(alike).map(|m| format!("{} (", m.id)).collect();
            let orphans = verdict.differences().iter().any(|d| d.to_string().contains("answers nothing"));
            let missed =
                verdict.differences().iter().any(|d| told.iter().any(|told| d.to_string().starts_with(told)));
            assert!(
                !verdict.is_match() && (missed || orphans),
                "{} without {}: {verdict}",
                flow.id,
                drawn.id
            );
        }
    }
}

#[test]
fn no_message_may_go_the_other_way() {
    for flow in golden::all() {
        for drawn in needed(flow) {
            let run = Run::of(&flow.id).between(&drawn.id, &drawn.to, &drawn.from);
            assert!(!run.judged().is_match(), "{} with {} turned round", flow.id, drawn.id);
        }
    }
}

#[test]
fn no_edge_may_be_broken() {
    let mut broken = 0;
    for flow in golden::all() {
        for drawn in needed(flow) {
            for before in drawn.after.iter().filter(|id| flow.message(id).is_some_and(|m| !m.optional)) {
                let verdict = Run::of(&flow.id).before(&drawn.id, before).judged();
                assert!(!verdict.is_match(), "{} with {} before {before}", flow.id, drawn.id);
                broken += 1;
            }
        }
    }
    assert!(broken > 400, "{broken}");
}

#[test]
fn no_body_may_be_empty() {
    for flow in golden::all() {
        for drawn in needed(flow) {
            let facts = &drawn.facts;
            let has_sdp = facts.sdp.as_deref().is_some_and(|sdp| sdp != "none");
            if has_sdp || facts.sipfrag.is_some() || facts.link_to.is_some() || facts.content.is_some() {
                let verdict = Run::of(&flow.id).without_body(&drawn.id).judged();
                assert!(!verdict.is_match(), "{} with {} empty", flow.id, drawn.id);
            }
        }
    }
}

#[test]
fn no_status_may_be_another() {
    for flow in golden::all() {
        for drawn in needed(flow) {
            let Some(status) = drawn.status() else { continue };
            let other = if status < 200 { "SIP/2.0 183 Session Progress" } else { "SIP/2.0 599 Else" };
            let old = format!("SIP/2.0 {status} ");
            let run = Run::of(&flow.id);
            let text = String::from_utf8(run.bytes(&drawn.id).to_vec()).unwrap();
            let line = text.lines().next().unwrap();
            assert!(line.starts_with(&old));
            let verdict = run.clone().edit(&drawn.id, line, other).judged();
            assert!(!verdict.is_match(), "{} with {} as {other}", flow.id, drawn.id);
        }
    }
}

#[test]
fn no_request_may_come_twice() {
    for flow in golden::all() {
        for drawn in needed(flow).filter(|m| m.status().is_none()) {
            let run = Run::of(&flow.id);
            let text = String::from_utf8(run.bytes(&drawn.id).to_vec()).unwrap();
            let again = Bytes::from(text.replace("branch=z9hG4bK", "branch=z9hG4bKtwice"));
            let verdict = run.insert(&drawn.id, "X", &drawn.from, &drawn.to, again).judged();
            let told = verdict.to_string();
            assert!(told.contains("is not drawn"), "{} with {} twice: {told}", flow.id, drawn.id);
        }
    }
}

/// A dialog's messages are all in it.
#[test]
fn no_message_may_be_in_a_dialog_of_its_own() {
    for flow in golden::all() {
        for drawn in needed(flow).filter(|m| m.dialog.is_some() && m.status().is_none()) {
            let own: Vec<_> = flow.messages.iter().filter(|m| m.dialog == drawn.dialog).collect();
            // Of a single request nobody can tell.
            if own.iter().filter(|m| m.status().is_none() && m.word() != "ACK").count() < 2 {
                continue;
            }
            let label = drawn.dialog.as_deref().unwrap();
            let mut run = Run::of(&flow.id);
            let first = own.iter().find(|m| m.transaction == drawn.transaction).unwrap();
            if first.id != drawn.id {
                continue;
            }
            for m in needed(flow).filter(|m| m.transaction == drawn.transaction) {
                run = run.edit(&m.id, &format!("Call-ID: {label}@"), "Call-ID: stray@");
            }
            assert!(!run.judged().is_match(), "{} with {} astray", flow.id, drawn.id);
        }
    }
}

/// Whatever is on the wire, the judge says something.
#[test]
fn no_message_is_too_short_or_too_odd() {
    let run = Run::of("5359-2.6");
    for drawn in needed(run.golden) {
        let bytes = run.bytes(&drawn.id);
        for length in 0..bytes.len() {
            let short = run.clone().drop(&[&drawn.id]);
            let short = short.with(&drawn.id, &drawn.from, &drawn.to, bytes.slice(..length));
            assert!(!short.judged().is_match(), "{} of {length} octets", drawn.id);
            let mut odd = bytes.to_vec();
            odd[length] = 0xff;
            let odd =
                run.clone().drop(&[&drawn.id]).with(&drawn.id, &drawn.from, &drawn.to, Bytes::from(odd));
            // Where nothing is compared, nothing differs; there is only no panic.
            let _ = odd.judged();
        }
    }
}

/// `flows run --json` prints the differences so.
#[test]
fn a_verdict_can_be_told_as_json() {
    let verdict = Run::of("5359-2.5").edit("F19", "to-tag=d2carol", "to-tag=zero").judged();
    let told = serde_json::to_value(verdict.differences()).unwrap();
    assert_eq!((&told[0]["n"], &told[0]["id"]), (&19.into(), &"F19".into()));
    assert_eq!(told[0]["line"], "INVITE alice -> carol");
    assert!(told[0]["why"].as_str().unwrap().contains("the to-tag zero was never seen"), "{told}");
}
