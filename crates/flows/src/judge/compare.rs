//! Holding each transaction against the drawing, and the order of messages against its edges.

use super::dialogs::Dialog;
use super::facts::{self, Known};
use super::pairing::{DrawnExchange, Run, drawn_exchanges, label, pair};
use super::wire::Wire;
use super::{Difference, Place};
use crate::golden::{Drawn, Golden};
use cordboard_sip::Method;
use std::collections::{BTreeMap, BTreeSet};

/// Where the messages of the drawing were found: places in the list of messages.
type Found<'g> = BTreeMap<&'g str, usize>;

/// Tells in what a run differs from its drawing.
pub(super) fn compare(golden: &Golden, run: &Run<'_>, differences: &mut Vec<Difference>) {
    let drawn = drawn_exchanges(golden);
    let mut known = Known {
        dialogs: run.dialogs,
        addresses: run.addresses,
        labels: label(&drawn, run),
        numbers: BTreeMap::new(),
    };
    let pairs = pair(&drawn, run, &known);
    for (g, o) in &pairs {
        let request = &run.wires[run.exchanges[*o].request];
        known.numbers.insert(&drawn[*g].request.transaction, request.view.cseq().0);
    }
    let mut found = Found::new();
    let mut told = Telling { run, known: &known, differences };
    for (g, exchange) in drawn.iter().enumerate() {
        if let Some(o) = pairs.get(&g) {
            told.exchange(exchange, *o, &mut found);
        }
    }
    told.strangers(&drawn, &pairs);
    told.order(golden, &found);
}

struct Telling<'r, 'k> {
    run: &'r Run<'r>,
    known: &'r Known<'k>,
    differences: &'r mut Vec<Difference>,
}

impl Telling<'_, '_> {
    fn tell(&mut self, place: Place, why: impl Into<String>) {
        let difference = Difference { place, why: why.into() };
        if !self.differences.contains(&difference) {
            self.differences.push(difference);
        }
    }

    /// A transaction: its request, its responses in order, the ACK of its failure.
    fn exchange<'g>(&mut self, drawn: &DrawnExchange<'g>, index: usize, found: &mut Found<'g>) {
        let exchange = &self.run.exchanges[index];
        self.message(drawn.request, exchange.request, found);
        self.responses(&drawn.responses, &exchange.responses, found);
        match (drawn.ack, exchange.ack) {
            (Some(ack), Some(at)) => self.message(ack, at, found),
            (Some(ack), None) if !ack.optional => self.tell(place_of(ack), "is missing"),
            (None, Some(at)) => self.tell(self.run.wires[at].place(), "is not drawn"),
            _ => {}
        }
    }

    /// Responses in order. Where they part, whatever comes again later tells which side has one too many.
    fn responses<'g>(&mut self, mut drawn: &[&'g Drawn], mut seen: &[usize], found: &mut Found<'g>) {
        loop {
            match (drawn, seen) {
                ([], []) => return,
                ([missing, rest @ ..], []) => {
                    if !missing.optional {
                        self.tell(place_of(missing), "is missing");
                    }
                    drawn = rest;
                }
                ([], [at, rest @ ..]) => {
                    self.tell(self.run.wires[*at].place(), "is not drawn");
                    seen = rest;
                }
                ([wanted, later @ ..], [at, rest @ ..]) => {
                    let wire = &self.run.wires[*at];
                    if wire.status() == wanted.status() {
                        self.message(wanted, *at, found);
                        (drawn, seen) = (later, rest);
                    } else if wanted.optional || later.iter().any(|l| l.status() == wire.status()) {
                        if !wanted.optional {
                            self.tell(place_of(wanted), "is missing");
                        }
                        drawn = later;
                    } else if rest.iter().any(|r| self.run.wires[*r].status() == wanted.status()) {
                        self.tell(wire.place(), "is not drawn");
                        seen = rest;
                    } else {
                        self.tell(drawn_as(wire, wanted), format!("should be {}", wanted.start));
                        found.insert(&wanted.id, *at);
                        (drawn, seen) = (later, rest);
                    }
                }
            }
        }
    }

    /// One message: its dialog and its facts.
    fn message<'g>(&mut self, drawn: &'g Drawn, at: usize, found: &mut Found<'g>) {
        let run = self.run;
        let wire = &run.wires[at];
        found.insert(&drawn.id, at);
        if let Some(label) = &drawn.dialog {
            self.dialog(drawn, label, at);
        }
        for why in facts::differences(drawn, wire, self.known) {
            self.tell(drawn_as(wire, drawn), format!("differs: {why}"));
        }
    }

    fn dialog(&mut self, drawn: &Drawn, label: &str, at: usize) {
        let wire = &self.run.wires[at];
        let own = self.run.dialogs.dialog_of(at);
        let labels = &self.known.labels;
        let bound = labels.get(label);
        // What begins a dialog, and what answers that, may begin several; the ACK of a failure goes with its INVITE.
        let acks_failure = self.run.exchanges.iter().any(|exchange| exchange.ack == Some(at));
        let begins = wire.view.to_tag().is_none() || wire.status().is_some() || acks_failure;
        if begins && bound.is_some_and(|bound| self.run.dialogs.are_forks(*bound, own)) {
            return;
        }
        if bound != Some(&own) {
            let other = labels.iter().find(|(_, dialog)| **dialog == own).map(|(label, _)| *label);
            let where_it_is = other.unwrap_or("a dialog that is not drawn");
            self.tell(drawn_as(wire, drawn), format!("is sent in {where_it_is}, not in {label}"));
        } else if let Some(why) = wrong_tags(wire, &self.run.dialogs.dialogs[own]) {
            self.tell(drawn_as(wire, drawn), why);
        }
    }

    /// What is drawn and was not seen, and what was seen and is not drawn. Two of a method are one that went
    /// another way.
    fn strangers(&mut self, drawn: &[DrawnExchange<'_>], pairs: &BTreeMap<usize, usize>) {
        let run = self.run;
        let paired: BTreeSet<usize> = pairs.values().copied().collect();
        let strange = |o: &usize| !paired.contains(o) && !run.is_challenged(*o);
        let mut strangers: Vec<usize> = (0..run.exchanges.len()).filter(strange).collect();
        for (g, exchange) in drawn.iter().enumerate() {
            if pairs.contains_key(&g) || exchange.request.optional {
                continue;
            }
            let request = exchange.request;
            let another_way = strangers.iter().position(|o| {
                let wire = &run.wires[run.exchanges[*o].request];
                let label = request.dialog.as_deref();
                let bound = label.and_then(|label| self.known.labels.get(label));
                wire.view.method_text() == request.word()
                    && (bound.is_none() || bound == Some(&run.dialog_of(*o)))
            });
            match another_way.map(|position| strangers.remove(position)) {
                Some(o) => {
                    let wire = &run.wires[run.exchanges[o].request];
                    let why = format!("should go from {} to {}", request.from, request.to);
                    self.tell(drawn_as(wire, request), why);
                }
                None => self.tell(place_of(request), "is missing"),
            }
        }
        for o in strangers {
            let wire = &run.wires[run.exchanges[o].request];
            let why = match run.exchanges[o].final_status(run.wires) {
                Some(status @ (401 | 407)) => format!("is not drawn, and its {status} was not made good"),
                _ => "is not drawn".to_owned(),
            };
            self.tell(wire.place(), why);
        }
    }

    fn order(&mut self, golden: &Golden, found: &Found<'_>) {
        for drawn in &golden.messages {
            let Some(at) = found.get(drawn.id.as_str()) else { continue };
            for before in
                drawn.after.iter().filter_map(|id| Some((golden.message(id)?, found.get(id.as_str())?)))
            {
                let (earlier, earlier_at) = before;
                if earlier_at > at {
                    let other = &self.run.wires[*earlier_at];
                    let why = format!(
                        "comes too early: it has to follow {} ({}), which is message {}",
                        earlier.id,
                        other.line(),
                        other.n
                    );
                    self.tell(drawn_as(&self.run.wires[*at], drawn), why);
                }
            }
        }
    }
}

/// RFC 3261 §12.2.1.1: a request in a dialog bears its sender's own tag in From.
fn wrong_tags(wire: &Wire<'_>, dialog: &Dialog) -> Option<String> {
    if wire.status().is_some() || wire.view.method() == Method::Cancel {
        return None;
    }
    let own = dialog.tag_of(wire.from)?;
    let from = wire.view.from_tag().unwrap_or_default();
    (wire.view.to_tag().is_some() && own != from)
        .then(|| format!("has its tags swapped: From bears {from}, and {}'s own is {own}", wire.from))
}

/// A message of the drawing that was not seen.
fn place_of(drawn: &Drawn) -> Place {
    let line = match drawn.status() {
        Some(_) => format!("{} to {} {} -> {}", drawn.start, drawn.method(), drawn.from, drawn.to),
        None => format!("{} {} -> {}", drawn.start, drawn.from, drawn.to),
    };
    Place { number: None, id: Some(drawn.id.clone()), line }
}

/// A message that was seen, and which of the drawing it is.
fn drawn_as(wire: &Wire<'_>, drawn: &Drawn) -> Place {
    Place { id: Some(drawn.id.clone()), ..wire.place() }
}
