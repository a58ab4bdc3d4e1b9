//! The numbers of requests, whatever flow it is: a response bears that of its request (RFC 3261 §8.2.6.2), and in a dialog
//! those of each side rise (§12.2.1.1). Whoever stands in a dialog and has a say in it has to count for both.
//!
//! Each hop is looked at by itself, for whoever is at its end knows no other. What was overtaken on the hop before, or while
//! its own sender looked for the way, comes after what has a higher number; it stays below that, so that its recipient sees it
//! (§12.2.2), and nothing else has its number.

use super::Difference;
use super::observed::Observed;
use super::wire::Wire;
use cordboard_sip::header::ViaRef;
use cordboard_sip::{Method, Name, View};
use std::collections::{BTreeMap, BTreeSet};

/// What wrote the numbers of a run wrong; of every part of it, not of the flow alone.
pub fn numbers(observed: &Observed) -> Vec<Difference> {
    let mut counted = Counted::default();
    let mut differences = Vec::new();
    for (message, n) in observed.messages.iter().zip(1..) {
        let Ok(view) = View::parse(&message.bytes) else { continue };
        let wire = Wire { n, from: &message.from, to: &message.to, view };
        let why = if wire.status().is_some() { counted.response(&wire) } else { counted.request(&wire) };
        differences.extend(why.map(|why| Difference { place: wire.place(), why }));
    }
    differences
}

/// A request on one hop: who sent it to whom, its branch, and its method, for a CANCEL shares the branch of its INVITE
/// (RFC 3261 §9.1).
type Transaction<'a> = (&'a str, &'a str, &'a str, &'a str);

/// What one side of a dialog says on one hop: who sent it to whom, the Call-ID, and the tags of both.
type Direction<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

/// What was seen so far.
#[derive(Default)]
struct Counted<'a> {
    numbers: BTreeMap<Transaction<'a>, u32>,
    /// What was passed on: by its own hop, and the branch with which it came there.
    passed: BTreeMap<Transaction<'a>, u32>,
    directions: BTreeMap<Direction<'a>, Side>,
    /// The numbers of the INVITEs of one side, on one hop: for their ACKs.
    invites: BTreeMap<(&'a str, &'a str, &'a str, &'a str), BTreeSet<u32>>,
}

/// How far one side has come.
#[derive(Default)]
struct Side {
    /// The numbers with which its requests were sent on this hop.
    sent: BTreeSet<u32>,
    /// The highest with which one came on the hop before, if any was passed on.
    came: Option<u32>,
}

/// When a request comes on a hop.
enum Turn {
    /// After those that were written before it.
    InOrder,
    /// Another came to whoever passes it on that was written later.
    Overtaken,
    /// By whoever wrote all of them, and may have looked longer for the way of this one.
    Own,
}

impl<'a> Counted<'a> {
    /// What is wrong with the number of a response, if anything is.
    fn response(&self, wire: &Wire<'a>) -> Option<String> {
        let number = wire.view.cseq().0;
        match self.numbers.get(&transaction([wire.to, wire.from], &wire.view)?) {
            Some(asked) if *asked == number => None,
            Some(asked) => Some(format!("bears the number {number}, and its request {asked}")),
            None => Some("answers nothing that was seen".to_owned()),
        }
    }

    /// What is wrong with the number of a request, if anything is.
    fn request(&mut self, wire: &Wire<'a>) -> Option<String> {
        let view = &wire.view;
        let number = view.cseq().0;
        let transaction = transaction([wire.from, wire.to], view)?;
        let below = below(wire);
        let again = below.and_then(|below| self.passed.insert(below, number));
        if let Some(before) = self.numbers.insert(transaction, number).or(again) {
            return (before != number)
                .then(|| format!("is a repeat, and bears {number} instead of {before}"));
        }
        let side = (wire.from, wire.to, view.call_id(), view.from_tag()?);
        match view.method() {
            // §13.2.2.4, §9.1. An ACK may go another way than its INVITE.
            Method::Ack | Method::Cancel => {
                let invites = self.invites.get(&side)?;
                return (!invites.contains(&number))
                    .then(|| format!("bears the number {number} of no INVITE"));
            }
            Method::Invite => {
                self.invites.entry(side).or_default().insert(number);
            }
            _ => {}
        }
        let came = below.and_then(|below| self.came_as(below));
        let direction = (wire.from, wire.to, view.call_id(), view.from_tag()?, view.to_tag()?);
        let side = self.directions.entry(direction).or_default();
        let turn = match (came, side.came) {
            (Some(came), Some(before)) if came < before => Turn::Overtaken,
            (None, None) => Turn::Own,
            _ => Turn::InOrder,
        };
        side.came = side.came.max(came);
        let last = side.sent.last().copied().unwrap_or_default();
        if !side.sent.insert(number) {
            return Some(format!("bears {number} as a request before it does"));
        }
        match turn {
            Turn::InOrder if number < last => {
                Some(format!("bears {number}, which is not above the {last} of the request before it"))
            }
            Turn::Overtaken if number > last => {
                Some(format!("was overtaken, and bears {number}, which is not below {last}"))
            }
            Turn::InOrder | Turn::Overtaken | Turn::Own => None,
        }
    }

    /// The number with which it came to whoever passed it on.
    fn came_as(&self, (by, _, branch, method): Transaction<'a>) -> Option<u32> {
        let came = |(_, to, at, of): &Transaction<'_>| (*to, *at, *of) == (by, branch, method);
        self.numbers.iter().find(|(transaction, _)| came(transaction)).map(|(_, number)| *number)
    }
}

/// A request that was passed on, by the branch with which it came: one that is repeated after its transaction is forgotten
/// goes on with another of its own (RFC 3261 §17.2.2).
fn below<'a>(wire: &Wire<'a>) -> Option<Transaction<'a>> {
    let via = wire.view.values(Name::VIA).nth(1)?;
    Some((wire.from, wire.to, ViaRef::parse(via.text).ok()?.branch()?, wire.view.method_text()))
}

/// The transaction of a request from one to the other; none if it has no branch, as in RFC 2543's time.
fn transaction<'a>([from, to]: [&'a str; 2], view: &View<'a>) -> Option<Transaction<'a>> {
    Some((from, to, view.top_via().branch?, view.method_text()))
}
