//! The dialogs that were seen, and who is who: RFC 3261 §12.

use super::wire::{Exchange, Wire};
use cordboard_sip::Method;
use cordboard_sip::header::{Contact, ReferTo};
use cordboard_sip::uri::{Uri, UriRef};
use std::collections::{BTreeMap, BTreeSet};

/// One end of a dialog: its tag, and who wrote it first.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) tag: String,
    pub(super) actor: String,
}

/// A dialog, or the beginning of one that never came to be.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    pub(super) call_id: String,
    pub(super) initiator: End,
    pub(super) responder: Option<End>,
}

/// Every dialog that was seen, and to which each message belongs.
#[derive(Debug, Default)]
pub(super) struct Dialogs {
    pub(super) dialogs: Vec<Dialog>,
    /// By message.
    of: Vec<usize>,
}

/// What a header that names a dialog comes to.
#[derive(Debug)]
pub(super) enum Resolved<'a> {
    /// That dialog, and whose the tags are.
    Dialog { index: usize, to_tag: &'a str, from_tag: &'a str },
    /// None, and why.
    Nothing(String),
}

impl End {
    fn new(tag: &str, actor: &str) -> Self {
        Self { tag: tag.to_owned(), actor: actor.to_owned() }
    }
}

impl Dialogs {
    /// Follows the messages in order. The ACK of a failure bears the failure's tag, and belongs where its INVITE does.
    pub(super) fn of(wires: &[Wire<'_>], exchanges: &[Exchange]) -> Self {
        let mut dialogs = Self::default();
        for (at, wire) in wires.iter().enumerate() {
            let acked = exchanges.iter().find(|exchange| exchange.ack == Some(at));
            let index = match acked {
                Some(exchange) => dialogs.dialog_of(exchange.request),
                None => dialogs.follow(wire),
            };
            dialogs.of.push(index);
        }
        // Of the forks that a request began, it belongs to the one that was answered.
        for exchange in exchanges.iter().filter(|exchange| wires[exchange.request].view.to_tag().is_none()) {
            let is_success =
                |at: &&usize| wires[**at].view.status().is_some_and(cordboard_sip::Status::is_success);
            if let Some(answer) = exchange.responses.iter().find(is_success) {
                dialogs.of[exchange.request] = dialogs.of[*answer];
            }
        }
        dialogs
    }

    /// Whether two dialogs were begun by one request (RFC 3261 §12.1.2).
    pub(super) fn are_forks(&self, one: usize, other: usize) -> bool {
        let [one, other] = [&self.dialogs[one], &self.dialogs[other]];
        one.call_id == other.call_id && one.initiator.tag == other.initiator.tag
    }

    /// The dialog of a message.
    pub(super) fn dialog_of(&self, wire: usize) -> usize {
        self.of[wire]
    }

    fn follow(&mut self, wire: &Wire<'_>) -> usize {
        let view = &wire.view;
        let (call_id, from, to) = (view.call_id(), view.from_tag().unwrap_or_default(), view.to_tag());
        let response = wire.status();
        if let Some(to) = to
            && let Some(known) = self.position(|d| d.call_id == call_id && d.has_tags(from, to))
        {
            return known;
        }
        let Some(to) = to.filter(|_| response.is_none_or(|status| makes_a_dialog(view.method(), status)))
        else {
            return self
                .position(|d| d.call_id == call_id && d.ends().any(|end| end.tag == from))
                .unwrap_or_else(|| self.begin(wire, from));
        };
        // The responder's tag comes with a response, or with a NOTIFY that overtook it (RFC 6665 §4.4.1).
        let (mine, theirs) = if response.is_some() { (from, to) } else { (to, from) };
        let brings_a_tag = response.is_some() || view.method() == Method::Notify;
        let begun = self.position(|d| d.call_id == call_id && d.initiator.tag == mine);
        let Some(begun) = begun.filter(|_| brings_a_tag) else {
            // Of this dialog nothing was seen before.
            let [caller, callee] =
                if response.is_some() { [wire.to, wire.from] } else { [wire.from, wire.to] };
            return self.push(call_id, End::new(from, caller), Some(End::new(to, callee)));
        };
        let responder = Some(End::new(theirs, wire.from));
        let dialog = &mut self.dialogs[begun];
        if dialog.responder.is_none() {
            dialog.responder = responder;
            return begun;
        }
        // The request was forked.
        let initiator = dialog.initiator.clone();
        self.push(call_id, initiator, responder)
    }

    /// A request that begins a dialog, perhaps; or a response to one that was not seen.
    fn begin(&mut self, wire: &Wire<'_>, tag: &str) -> usize {
        let actor = if wire.status().is_some() { wire.to } else { wire.from };
        self.push(wire.view.call_id(), End::new(tag, actor), None)
    }

    fn push(&mut self, call_id: &str, initiator: End, responder: Option<End>) -> usize {
        self.dialogs.push(Dialog { call_id: call_id.to_owned(), initiator, responder });
        self.dialogs.len() - 1
    }

    fn position(&self, is: impl Fn(&Dialog) -> bool) -> Option<usize> {
        self.dialogs.iter().position(is)
    }

    /// What Replaces, Join or Target-Dialog names: RFC 3891 §3.
    pub(super) fn resolve(&self, call_id: &str, to_tag: &str, from_tag: &str) -> Resolved<'_> {
        let mut same_call = self.dialogs.iter().enumerate().filter(|(_, d)| d.call_id == call_id).peekable();
        if same_call.peek().is_none() {
            return Resolved::Nothing(format!("no dialog: the Call-ID {call_id} was never seen"));
        }
        let mut missing = "neither of its tags was ever seen in it".to_owned();
        for (index, dialog) in same_call {
            let (to, from) = (dialog.owner(to_tag), dialog.owner(from_tag));
            match (to, from) {
                (Some(to_tag), Some(from_tag)) if to_tag != from_tag => {
                    return Resolved::Dialog { index, to_tag, from_tag };
                }
                (Some(_), _) => missing = format!("the from-tag {from_tag} is not that of its other end"),
                (None, Some(_)) => missing = format!("the to-tag {to_tag} was never seen in it"),
                (None, None) => {}
            }
        }
        Resolved::Nothing(format!("no dialog: the Call-ID {call_id} was seen, but {missing}"))
    }
}

impl Dialog {
    fn ends(&self) -> impl Iterator<Item = &End> {
        [Some(&self.initiator), self.responder.as_ref()].into_iter().flatten()
    }

    fn has_tags(&self, one: &str, other: &str) -> bool {
        let has = |tag: &str| self.ends().any(|end| end.tag == tag);
        one != other && has(one) && has(other)
    }

    /// Whose tag that is.
    fn owner(&self, tag: &str) -> Option<&str> {
        self.ends().find(|end| end.tag == tag).map(|end| end.actor.as_str())
    }

    /// The tag of one of its ends, by who that is.
    pub(super) fn tag_of(&self, actor: &str) -> Option<&str> {
        self.ends().find(|end| end.actor == actor).map(|end| end.tag.as_str())
    }
}

/// Who answers to which address, as the traffic shows it.
#[derive(Debug, Default)]
pub(super) struct Addresses(BTreeMap<String, BTreeSet<String>>);

impl Addresses {
    /// Learns from whoever is the first to send a request, and the last to get it.
    pub(super) fn of(wires: &[Wire<'_>], exchanges: &[Exchange]) -> Self {
        let mut addresses = Self::default();
        for exchange in exchanges {
            let request = &wires[exchange.request];
            if !came_in(request, wires, exchanges) {
                addresses.learn(request.view.from_uri(), request.from);
                addresses.learn_contacts(request, request.from);
            }
            if goes_on(request, wires, exchanges) {
                continue;
            }
            for uri in [request.view.request_uri(), request.view.to_uri()] {
                addresses.learn(uri, request.to);
            }
            for at in &exchange.responses {
                // RFC 3261 §8.1.3.4: a redirect's Contacts are others.
                if wires[*at].status().is_some_and(|status| status < 300) {
                    addresses.learn_contacts(&wires[*at], request.to);
                }
            }
        }
        addresses
    }

    fn learn_contacts(&mut self, wire: &Wire<'_>, actor: &str) {
        for contact in wire.view.headers::<Contact>().flatten() {
            if let Some(contact) = contact.addr() {
                self.learn(&contact.addr.uri.to_string(), actor);
            }
        }
    }

    fn learn(&mut self, uri: &str, actor: &str) {
        self.0.entry(key(uri)).or_default().insert(actor.to_owned());
    }

    /// Who that is; several if several share it.
    pub(super) fn who(&self, uri: &Uri) -> Vec<&str> {
        self.0.get(&key(&uri.to_string())).into_iter().flatten().map(String::as_str).collect()
    }
}

/// RFC 3261 §12.1, RFC 6665 §4.1.2.4, RFC 3515 §2.4.4. The tag of any other response is forgotten, and so is that of a
/// 181: it is a proxy that says it (RFC 5359 §2.7), to whom nobody can speak.
const fn makes_a_dialog(method: Method, status: u16) -> bool {
    100 < status && status < 300 && status != 181 && method.creates_dialog()
}

/// Whether whoever sent the request had got it before.
fn came_in(request: &Wire<'_>, wires: &[Wire<'_>], exchanges: &[Exchange]) -> bool {
    let mut requests = exchanges.iter().map(|exchange| &wires[exchange.request]);
    requests.any(|other| other.to == request.from && is_another_hop(other, request))
}

/// Whether whoever got the request sent it on.
fn goes_on(request: &Wire<'_>, wires: &[Wire<'_>], exchanges: &[Exchange]) -> bool {
    let mut requests = exchanges.iter().map(|exchange| &wires[exchange.request]);
    requests.any(|other| other.from == request.to && is_another_hop(other, request))
}

/// The same request on its way: only the ends of the call write these.
fn is_another_hop(one: &Wire<'_>, other: &Wire<'_>) -> bool {
    one.view.call_id() == other.view.call_id()
        && one.view.from_tag() == other.view.from_tag()
        && one.view.cseq().0 == other.view.cseq().0
        && one.view.method_text() == other.view.method_text()
}

/// One spelling for an address, without scheme, parameters and headers.
fn key(uri: &str) -> String {
    let mut aor = String::new();
    match UriRef::parse(uri) {
        Ok(parsed) if parsed.write_aor(&mut aor).is_ok() => {
            aor.split_once(':').map_or(aor.clone(), |(_, rest)| rest.to_owned())
        }
        _ => uri.to_owned(),
    }
}

/// The link that a message offers: the first SIP URI of a reference in its body.
pub(super) fn link(body: &str) -> Option<ReferTo> {
    let start = body.find("\"sip").or_else(|| body.find("'sip"))? + 1;
    let quote = body.as_bytes()[start - 1] as char;
    let text = &body[start..start + body[start..].find(quote)?];
    Uri::parse(&text.replace("&amp;", "&")).ok().map(ReferTo::new)
}
