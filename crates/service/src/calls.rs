//! Calls as the message ring shows them: the proxy keeps nothing of a call that is up, so what it
//! can tell follows from the messages that passed.

use crate::door::{CallSummary, Recorded};
use crate::proxy::target::uri_of;
use crate::ring::Ring;
use cordboard_sip::{Method, Name, View};
use std::collections::BTreeMap;

/// The calls of which the ring still has an INVITE, oldest first.
pub(crate) fn summaries(ring: &Ring) -> Vec<CallSummary> {
    let mut calls: BTreeMap<Box<str>, CallSummary> = BTreeMap::new();
    for (at, received, _, bytes) in ring.iter() {
        let Ok(message) = View::parse(bytes) else { continue };
        let call_id = message.call_id();
        if let Some(call) = calls.get_mut(call_id) {
            call.messages += 1;
            if received {
                advance(call, &message);
            }
        } else if message.is_request() && message.method() == Method::Invite {
            let party = |name| uri_of(message.value(name).unwrap_or_default()).into();
            let call = CallSummary {
                call_id: call_id.into(),
                from: party(Name::FROM),
                to: party(Name::TO),
                since: at,
                state: "calling".into(),
                messages: 1,
            };
            calls.insert(call_id.into(), call);
        }
    }
    let mut calls: Vec<_> = calls.into_values().collect();
    calls.sort_by_key(|call| call.since);
    calls
}

/// The messages of one call, oldest first.
pub(crate) fn messages(ring: &Ring, call_id: &str) -> Vec<Recorded> {
    ring.select(|bytes| View::parse(bytes).is_ok_and(|message| message.call_id() == call_id))
}

fn advance(call: &mut CallSummary, message: &View<'_>) {
    let (_, method) = message.cseq();
    let state = match (message.status(), method) {
        (None, Method::Bye) => "ended".into(),
        (None, Method::Cancel) if &*call.state != "answered" => "cancelled".into(),
        (Some(status), Method::Invite) if matches!(&*call.state, "calling" | "ringing") => {
            match status.code() {
                100 => return,
                101..=199 => "ringing".into(),
                200..=299 => "answered".into(),
                401 | 407 => "calling".into(),
                code => format!("failed {code}").into(),
            }
        }
        _ => return,
    };
    call.state = state;
}
