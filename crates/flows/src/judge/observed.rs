//! What was seen on the wire, whoever saw it: a simulation, a socket, a capture.

use crate::golden::Part;
use bytes::Bytes;
use cordboard_sip::{Method, View};
use std::time::Duration;

/// A run, as somebody who taps the wire saw it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The messages in the order in which they were sent.
    pub messages: Vec<ObservedMessage>,
}

/// One message. What it says is read from its bytes; nothing else is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedMessage {
    /// When it was sent, since the run began.
    pub at: Duration,
    /// By whom: a name as the golden flow has it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The whole message, after decryption and deframing.
    pub bytes: Bytes,
    /// To which part of the play it belongs; only [`Part::Flow`] is judged.
    pub stage: Part,
    /// The same message went the same way before.
    pub retransmission: bool,
}

/// What stays the same of a message on all its hops.
#[derive(PartialEq, Eq)]
struct Journey {
    call_id: String,
    from_tag: Option<String>,
    number: u32,
    method: String,
    status: Option<u16>,
}

impl Observed {
    /// The same run as if a proxy that is not drawn had not been there: what it passed on went from end to end.
    ///
    /// A client that cannot be called directly, as over WebSocket, needs one on the way. What the proxy says for
    /// itself, such as a challenge, stays its own. Requests are kept as the proxy sent them and responses as it got
    /// them, so that each response fits its request.
    #[must_use]
    pub fn without_proxy(&self, proxy: &str) -> Self {
        self.folded(proxy, |_| true)
    }

    /// The same run as if a proxy had not stayed in the route of the dialogs that it helped to make: what is sent in
    /// them went from end to end. Clients that cannot be called directly need it there, whatever is drawn.
    #[must_use]
    pub fn without_proxy_in_dialogs(&self, proxy: &str) -> Self {
        let views: Vec<View<'_>> =
            self.messages.iter().filter_map(|message| View::parse(&message.bytes).ok()).collect();
        let has_an_invite = |of: &View<'_>| {
            let mut invites =
                views.iter().filter(|view| view.is_request() && view.method() == Method::Invite);
            invites.any(|invite| invite.top_via().branch == of.top_via().branch)
        };
        // RFC 3261 §17.1.1.3: the ACK of a failure has the branch of its INVITE, and goes hop by hop.
        let inside = |view: &&View<'_>| {
            let acknowledges_failure = view.method() == Method::Ack && has_an_invite(view);
            view.is_request() && view.to_tag().is_some() && !acknowledges_failure
        };
        let inside: Vec<Journey> = views.iter().filter(inside).map(Journey::new).collect();
        self.folded(proxy, |journey| inside.iter().any(|request| request.is_begun_as(journey)))
    }

    /// Folds what a proxy passed on, as far as `which` says so.
    fn folded(&self, proxy: &str, which: impl Fn(&Journey) -> bool) -> Self {
        let journeys: Vec<Option<Journey>> =
            self.messages.iter().map(Journey::of).map(|journey| journey.filter(&which)).collect();
        let other_hop = |at: usize, is_it: &dyn Fn(&ObservedMessage) -> bool| {
            journeys[at].as_ref()?;
            let mut hops = self.messages.iter().zip(&journeys);
            hops.find(|(message, journey)| is_it(message) && **journey == journeys[at])
                .map(|(message, _)| message)
        };
        let mut messages = Vec::new();
        for (at, message) in self.messages.iter().enumerate() {
            let is_request = journeys[at].as_ref().is_some_and(|journey| journey.status.is_none());
            let (from, to) = (message.from == proxy, message.to == proxy);
            let mut message = message.clone();
            if is_request && from {
                if let Some(up) = other_hop(at, &|other| other.to == proxy) {
                    message.from.clone_from(&up.from);
                }
            } else if !is_request && to {
                if let Some(up) = other_hop(at, &|other| other.from == proxy) {
                    message.to.clone_from(&up.to);
                }
            } else if (is_request && to && other_hop(at, &|other| other.from == proxy).is_some())
                || (!is_request && from && other_hop(at, &|other| other.to == proxy).is_some())
            {
                continue;
            }
            messages.push(message);
        }
        Self { messages }
    }
}

impl Journey {
    fn of(message: &ObservedMessage) -> Option<Self> {
        View::parse(&message.bytes).ok().map(|view| Self::new(&view))
    }

    fn new(view: &View<'_>) -> Self {
        Self {
            call_id: view.call_id().to_owned(),
            from_tag: view.from_tag().map(str::to_owned),
            number: view.cseq().0,
            method: view.method_text().to_owned(),
            status: view.status().map(cordboard_sip::Status::code),
        }
    }

    /// Whether the other is of the same transaction from end to end.
    fn is_begun_as(&self, other: &Self) -> bool {
        (&self.call_id, &self.from_tag, self.number, &self.method)
            == (&other.call_id, &other.from_tag, other.number, &other.method)
    }
}
