//! The observed messages, parsed, and grouped into transactions (RFC 3261 §17).

use super::observed::Observed;
use super::{Difference, Place};
use crate::golden::Part;
use cordboard_sip::{Method, View};
use std::collections::BTreeSet;

/// A message that was seen.
#[derive(Debug)]
pub(super) struct Wire<'a> {
    /// Which one of the run, from 1.
    pub(super) n: usize,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) view: View<'a>,
}

/// A request with what answered it on one hop: places in the list of messages.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) request: usize,
    /// In the order seen, without 100s.
    pub(super) responses: Vec<usize>,
    /// The ACK of a failure, which belongs to its INVITE (RFC 3261 §17.1.1.3).
    pub(super) ack: Option<usize>,
}

impl<'a> Wire<'a> {
    pub(super) fn status(&self) -> Option<u16> {
        self.view.status().map(cordboard_sip::Status::code)
    }

    /// One line of what it is.
    pub(super) fn line(&self) -> String {
        let (from, to) = (self.from, self.to);
        match self.view.status() {
            Some(status) => {
                format!(
                    "{} {} to {} {from} -> {to}",
                    status.code(),
                    self.view.reason(),
                    self.view.method_text()
                )
            }
            None => format!("{} {from} -> {to}", self.view.method_text()),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { number: Some(self.n), id: None, line: self.line() }
    }

    /// What tells a repeat from another message.
    fn sameness(&self) -> impl Ord + use<'a> {
        let view = &self.view;
        (
            (self.from, self.to, self.status()),
            (view.method_text(), view.cseq().0, view.call_id()),
            (view.top_via().branch, view.from_tag(), view.to_tag()),
        )
    }

    /// What an ACK and the 2xx that it is for have in common (RFC 3261 §13.2.2.4).
    fn accepted(&self) -> impl Ord + use<'a> {
        (self.view.call_id(), self.view.cseq().0, self.view.from_tag(), self.view.to_tag())
    }

    fn accepts(&self) -> bool {
        self.view.method() == Method::Invite
            && self.status().is_some_and(|status| (200..300).contains(&status))
    }
}

/// Parses what belongs to the flow; drops 100s and repeats. What cannot be read is told. With a 2xx its ACK comes again, and a proxy
/// that passes it on gives that a branch of its own (RFC 3261 §13.2.2.4, §16.11).
pub(super) fn read<'a>(observed: &'a Observed, differences: &mut Vec<Difference>) -> Vec<Wire<'a>> {
    let mut wires = Vec::new();
    let mut seen = BTreeSet::new();
    let (mut accepted_again, mut acknowledged) = (BTreeSet::new(), BTreeSet::new());
    for (at, message) in observed.messages.iter().enumerate() {
        if message.stage != Part::Flow {
            continue;
        }
        match View::parse(&message.bytes) {
            Ok(view) => {
                let wire = Wire { n: at + 1, from: &message.from, to: &message.to, view };
                let repeats = message.retransmission || !seen.insert(wire.sameness());
                if repeats && wire.accepts() {
                    accepted_again.insert(wire.accepted());
                }
                let acknowledges_again = wire.view.method() == Method::Ack
                    && !acknowledged.insert((wire.from, wire.to, wire.accepted()))
                    && accepted_again.contains(&wire.accepted());
                // RFC 3261 §17.2.1: whether a 100 is sent depends on how long the rest takes.
                if wire.status() != Some(100) && !repeats && !acknowledges_again {
                    wires.push(wire);
                }
            }
            Err(_) if message.retransmission => {}
            Err(reject) => {
                let line = format!("{} octets {} -> {}", message.bytes.len(), message.from, message.to);
                let place = Place { number: Some(at + 1), id: None, line };
                differences.push(Difference { place, why: format!("cannot be read as SIP: {reject}") });
            }
        }
    }
    wires
}

/// Groups messages by hop, branch and method; responses that answer nothing are told.
pub(super) fn exchanges(wires: &[Wire<'_>], differences: &mut Vec<Difference>) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for (at, wire) in wires.iter().enumerate() {
        if wire.status().is_none() {
            if wire.view.method() == Method::Ack
                && let Some(invite) = exchanges.iter_mut().rev().find(|e| is_acked_by(e, wire, wires))
            {
                invite.ack = Some(at);
                continue;
            }
            exchanges.push(Exchange { request: at, responses: Vec::new(), ack: None });
            continue;
        }
        match exchanges.iter_mut().rev().find(|e| is_answered_by(&wires[e.request], wire)) {
            Some(exchange) => {
                let request = &wires[exchange.request];
                if request.to != wire.from {
                    let why = format!("answers what went to {}", request.to);
                    differences.push(Difference { place: wire.place(), why });
                }
                exchange.responses.push(at);
            }
            None => differences
                .push(Difference { place: wire.place(), why: "answers nothing that was seen".to_owned() }),
        }
    }
    exchanges
}

/// RFC 3261 §17.1.3: by branch and method; its sender gets it back.
fn is_answered_by(request: &Wire<'_>, response: &Wire<'_>) -> bool {
    let (one, other) = (&request.view, &response.view);
    request.from == response.to
        && one.method_text() == other.method_text()
        && one.cseq().0 == other.cseq().0
        && one.call_id() == other.call_id()
        && one.top_via().branch == other.top_via().branch
}

/// RFC 3261 §17.1.1.3: the ACK of a failure has the branch of its INVITE.
fn is_acked_by(exchange: &Exchange, ack: &Wire<'_>, wires: &[Wire<'_>]) -> bool {
    let request = &wires[exchange.request];
    let failed = exchange.responses.iter().any(|at| wires[*at].status().is_some_and(|status| status >= 300));
    request.view.method() == Method::Invite
        && failed
        && exchange.ack.is_none()
        && [request.from, request.to] == [ack.from, ack.to]
        && request.view.call_id() == ack.view.call_id()
        && request.view.cseq().0 == ack.view.cseq().0
        && request.view.top_via().branch == ack.view.top_via().branch
}

impl Exchange {
    /// The status that ended it.
    pub(super) fn final_status(&self, wires: &[Wire<'_>]) -> Option<u16> {
        self.responses.iter().filter_map(|at| wires[*at].status()).find(|status| *status >= 200)
    }
}
