//! Which transaction of the run is which of the drawing, and which dialog bears which label.

use super::dialogs::{Addresses, Dialogs};
use super::facts::{self, Known};
use super::wire::{Exchange, Wire};
use crate::golden::{Drawn, Golden, Part};
use cordboard_sip::Method;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is known of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) wires: &'a [Wire<'a>],
    pub(super) exchanges: &'a [Exchange],
    pub(super) dialogs: &'a Dialogs,
    pub(super) addresses: &'a Addresses,
}

/// A transaction of the drawing: its request, its responses and the ACK of a failure; without 100s and repeats.
#[derive(Debug)]
pub(super) struct DrawnExchange<'g> {
    pub(super) request: &'g Drawn,
    pub(super) responses: Vec<&'g Drawn>,
    pub(super) ack: Option<&'g Drawn>,
}

/// What is alike in transactions that may be one another.
type Kind<'a> = (&'a str, &'a str, &'a str);

/// The transactions of a drawing, in its order.
pub(super) fn drawn_exchanges(golden: &Golden) -> Vec<DrawnExchange<'_>> {
    let mut exchanges: Vec<DrawnExchange<'_>> = Vec::new();
    for drawn in &golden.messages {
        if drawn.stage != Part::Flow || drawn.retransmission || drawn.status() == Some(100) {
            continue;
        }
        match exchanges.iter_mut().find(|e| e.request.transaction == drawn.transaction) {
            None => exchanges.push(DrawnExchange { request: drawn, responses: Vec::new(), ack: None }),
            Some(exchange) if drawn.status().is_some() => exchange.responses.push(drawn),
            Some(exchange) => exchange.ack = Some(drawn),
        }
    }
    exchanges
}

impl<'g> DrawnExchange<'g> {
    fn kind(&self) -> Kind<'g> {
        (&self.request.from, &self.request.to, self.request.word())
    }

    fn final_status(&self) -> Option<u16> {
        self.responses.iter().filter_map(|response| response.status()).find(|status| *status >= 200)
    }

    /// Whether it is one that is to be tried again with credentials (RFC 3261 §22.2).
    fn is_challenged(&self) -> bool {
        matches!(self.final_status(), Some(401 | 407))
    }
}

impl<'a> Run<'a> {
    fn kind(&self, exchange: usize) -> Kind<'a> {
        let request = &self.wires[self.exchanges[exchange].request];
        (request.from, request.to, request.view.method_text())
    }

    /// The dialog of a transaction: that of its request.
    pub(super) fn dialog_of(&self, exchange: usize) -> usize {
        self.dialogs.dialog_of(self.exchanges[exchange].request)
    }

    fn final_status(&self, exchange: usize) -> Option<u16> {
        self.exchanges[exchange].final_status(self.wires)
    }

    /// Whether it was challenged, and its sender tried again with credentials (RFC 3261 §22.2).
    pub(super) fn is_challenged(&self, exchange: usize) -> bool {
        let request = &self.wires[self.exchanges[exchange].request];
        let again = |other: usize| {
            let later = &self.wires[self.exchanges[other].request];
            later.from == request.from
                && later.view.method_text() == request.view.method_text()
                && later.view.call_id() == request.view.call_id()
                && later.view.cseq().0 > request.view.cseq().0
        };
        let acked = request.view.method() != Method::Invite || self.exchanges[exchange].ack.is_some();
        matches!(self.final_status(exchange), Some(401 | 407))
            && acked
            && (exchange + 1..self.exchanges.len()).any(again)
    }
}

/// Gives each label the dialog that is most like it: the one with the most transactions in common.
pub(super) fn label<'g>(drawn: &[DrawnExchange<'g>], run: &Run<'_>) -> BTreeMap<&'g str, usize> {
    let mut labels: Vec<&str> = Vec::new();
    for label in drawn.iter().filter_map(|exchange| exchange.request.dialog.as_deref()) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    let mut choices = Vec::new();
    for (order, label) in labels.iter().enumerate() {
        for dialog in 0..run.dialogs.dialogs.len() {
            let score = likeness(drawn, label, run, dialog);
            if score > 0 {
                choices.push((std::cmp::Reverse(score), order, dialog));
            }
        }
    }
    choices.sort_unstable();
    let mut bound = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (_, order, dialog) in choices {
        if !bound.contains_key(labels[order]) && taken.insert(dialog) {
            bound.insert(labels[order], dialog);
        }
    }
    bound
}

/// How much a dialog is like a label: two for a transaction that has the same end too, one for another of its
/// kind, one off for each of either side alone. Nothing if they do not begin alike.
fn likeness(drawn: &[DrawnExchange<'_>], label: &str, run: &Run<'_>, dialog: usize) -> i32 {
    let wanted: Vec<_> = drawn.iter().filter(|e| e.request.dialog.as_deref() == Some(label)).collect();
    let mut found: Vec<usize> = (0..run.exchanges.len())
        .filter(|exchange| run.dialog_of(*exchange) == dialog && !run.is_challenged(*exchange))
        .collect();
    let begins_alike = wanted.first().map(|e| e.kind()) == found.first().map(|exchange| run.kind(*exchange));
    let mut score = if begins_alike { 4 } else { 0 };
    let mut common = 0;
    for exact in [true, false] {
        for exchange in &wanted {
            let like = |other: &usize| {
                run.kind(*other) == exchange.kind()
                    && (!exact || run.final_status(*other) == exchange.final_status())
            };
            if let Some(at) = found.iter().position(like) {
                found.remove(at);
                common += 1;
                score += if exact { 2 } else { 0 };
            }
        }
    }
    let alone = wanted.len().abs_diff(common) + found.len();
    if common == 0 { 0 } else { (score + 1).max(1) * 8 - i32::try_from(alone).unwrap_or(i32::MAX).min(7) }
}

/// Which transaction of the run is which of the drawing: of each kind, the likest first, earlier before later; the
/// ACKs last, for each belongs to an INVITE. By index into the drawing.
pub(super) fn pair(drawn: &[DrawnExchange<'_>], run: &Run<'_>, known: &Known<'_>) -> BTreeMap<usize, usize> {
    let mut pairs = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for acks in [false, true] {
        let mut choices = Vec::new();
        let of_turn =
            |(_, exchange): &(usize, &DrawnExchange<'_>)| (exchange.request.word() == "ACK") == acks;
        for (g, exchange) in drawn.iter().enumerate().filter(of_turn) {
            // A round of 401 or 407 is one of those only that are drawn as such.
            let is_drawn = exchange.is_challenged();
            let earlier = drawn[..g].iter().filter(|other| is_drawn || !other.is_challenged());
            let rank = earlier.filter(|other| other.kind() == exchange.kind()).count();
            let alike = (0..run.exchanges.len()).filter(|o| is_drawn || !run.is_challenged(*o));
            let alike = alike.filter(|o| run.kind(*o) == exchange.kind());
            for (other_rank, o) in alike.enumerate() {
                let foreign = acks && is_of_another_invite(drawn, g, run, o, &pairs);
                let cost = cost(exchange, run, o, known) + 8 * usize::from(foreign);
                choices.push((cost, rank.abs_diff(other_rank), g, o));
            }
        }
        choices.sort_unstable();
        for (_, _, g, o) in choices {
            if !pairs.contains_key(&g) && taken.insert(o) {
                pairs.insert(g, o);
            }
        }
    }
    pairs
}

/// Whether an ACK that was seen is not that of the INVITE to which the drawn one belongs (RFC 3261 §13.2.2.4: it
/// has its number).
fn is_of_another_invite(
    drawn: &[DrawnExchange<'_>],
    ack: usize,
    run: &Run<'_>,
    seen: usize,
    pairs: &BTreeMap<usize, usize>,
) -> bool {
    let wanted = drawn[ack].request;
    let number = |message: &Drawn| message.cseq.split(' ').next().map(str::to_owned);
    let is_its = |(_, other): &(usize, &DrawnExchange<'_>)| {
        let invite = other.request;
        invite.word() == "INVITE" && invite.dialog == wanted.dialog && number(invite) == number(wanted)
    };
    // Without a route for the dialog the ACK goes where no INVITE went.
    let nearness = |(_, other): &(usize, &DrawnExchange<'_>)| {
        usize::from(other.request.from == wanted.from) + usize::from(other.request.to == wanted.to)
    };
    let invite = drawn[..ack].iter().enumerate().filter(is_its).max_by_key(nearness);
    let Some(invite) = invite.and_then(|(g, _)| pairs.get(&g)) else { return false };
    let request = |exchange: usize| &run.wires[run.exchanges[exchange].request].view;
    let (invite, ack) = (request(*invite), request(seen));
    invite.call_id() != ack.call_id()
        || invite.cseq().0 != ack.cseq().0
        || invite.from_tag() != ack.from_tag()
}

/// How unlike they are.
fn cost(drawn: &DrawnExchange<'_>, run: &Run<'_>, exchange: usize, known: &Known<'_>) -> usize {
    let elsewhere =
        drawn.request.dialog.as_deref().is_some_and(|label| {
            known.labels.get(label).is_none_or(|dialog| *dialog != run.dialog_of(exchange))
        });
    let other_end = drawn.final_status() != run.final_status(exchange);
    let request = &run.wires[run.exchanges[exchange].request];
    8 * usize::from(elsewhere)
        + 6 * usize::from(other_end)
        + facts::differences(drawn.request, request, known).len()
}
