//! Dialogs (RFC 3261 §12): what two user agents remember of each other between requests.
//!
//! A [`Dialog`] is made from the response that created it ([`Dialog::from_response`]), from the
//! request ([`Dialog::from_request`]), or from a NOTIFY ([`Dialog::from_notify`]); it says how a request inside it is addressed
//! ([`Dialog::way`]), numbers what is sent, and puts what comes in into order. What happens inside
//! is for usages, of which one dialog may have several (RFC 5057).

pub mod state;
mod way;
mod written;

pub use state::State;
pub use way::Way;
pub use written::{CSEQ_MARGIN, Written};

use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Malformed, Name, Status, View};

/// Elements that a route set may have: more than Max-Forwards lets a request pass are of no use.
pub const MAX_ROUTES: usize = 70;

/// What names a dialog at one of its ends (RFC 3261 §12).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialogId {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The other side's tag; empty for a peer of RFC 2543 (§12.1.1).
    pub remote_tag: Box<str>,
}

/// A request came after one that was sent later (RFC 3261 §12.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is older than one that is already here")]
pub struct OutOfOrder;

impl OutOfOrder {
    /// The response that tells the peer.
    pub const fn status(self) -> Status {
        Status::SERVER_INTERNAL_ERROR
    }
}

/// One end of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    id: DialogId,
    state: State,
    /// Our address with our tag: From of what we send.
    local: Box<str>,
    /// The other side's address with its tag: To of what we send.
    remote: Box<str>,
    /// The URI that the other side's Contact gave last.
    target: Box<str>,
    /// Route values in the order in which our requests pass them.
    routes: Box<[Box<str>]>,
    /// Of the last request sent.
    local_seq: u32,
    /// Of the last request received.
    remote_seq: Option<u32>,
    /// The `CSeq` of the request that created it.
    created_by: u32,
    /// Whether the route set waits for the 2xx to be settled (§13.2.2.4).
    routes_open: bool,
}

impl Dialog {
    /// The caller's end, from a response between 101 and 299 (§12.1.2). Early unless it is a 2xx.
    ///
    /// A Contact that is missing is replaced by the address called, so that a call that was answered
    /// carelessly can still be acknowledged and ended.
    ///
    /// # Errors
    /// The response has no To tag, or its Contact or route set cannot be read.
    pub fn from_response(response: &View<'_>) -> Result<Self, Malformed> {
        let remote_tag = response.to_tag().ok_or(Malformed::new("the response has no To tag"))?;
        let confirmed = response.status().is_some_and(Status::is_success);
        let cseq = response.cseq().0;
        Ok(Self {
            id: DialogId {
                call_id: response.call_id().into(),
                local_tag: response.from_tag().unwrap_or_default().into(),
                remote_tag: remote_tag.into(),
            },
            state: if confirmed { State::Confirmed } else { State::Early },
            local: response.value(Name::FROM).unwrap_or_default().into(),
            remote: response.value(Name::TO).unwrap_or_default().into(),
            target: contact(response)?.unwrap_or(response.to_uri()).into(),
            routes: recorded(response, true)?,
            local_seq: cseq,
            remote_seq: None,
            created_by: cseq,
            routes_open: !confirmed,
        })
    }

    /// The callee's end, early, from a request that creates a dialog and the tag that its responses
    /// will carry (§12.1.1).
    ///
    /// # Errors
    /// The Contact is missing, or it or the route set cannot be read.
    pub fn from_request(request: &View<'_>, local_tag: &str) -> Result<Self, Malformed> {
        let to = request.value(Name::TO).unwrap_or_default();
        let target = contact(request)?.ok_or(Malformed::new("the request has no Contact"))?;
        let cseq = request.cseq().0;
        Ok(Self {
            id: DialogId {
                call_id: request.call_id().into(),
                local_tag: local_tag.into(),
                remote_tag: request.from_tag().unwrap_or_default().into(),
            },
            state: State::Early,
            local: format!("{to};tag={local_tag}").into(),
            remote: request.value(Name::FROM).unwrap_or_default().into(),
            target: target.into(),
            routes: recorded(request, false)?,
            local_seq: 0,
            remote_seq: Some(cseq),
            created_by: cseq,
            routes_open: false,
        })
    }

    /// The subscriber's end, confirmed, from the first NOTIFY that its SUBSCRIBE with that `CSeq` number brought
    /// (RFC 6665 §4.4.1).
    ///
    /// # Errors
    /// The Contact or our tag is missing, or the Contact or the route set cannot be read.
    pub fn from_notify(notify: &View<'_>, subscribe: u32) -> Result<Self, Malformed> {
        let target = contact(notify)?.ok_or(Malformed::new("the NOTIFY has no Contact"))?;
        let local_tag = notify.to_tag().ok_or(Malformed::new("the NOTIFY has no To tag"))?;
        Ok(Self {
            id: DialogId {
                call_id: notify.call_id().into(),
                local_tag: local_tag.into(),
                remote_tag: notify.from_tag().unwrap_or_default().into(),
            },
            state: State::Confirmed,
            local: notify.value(Name::TO).unwrap_or_default().into(),
            remote: notify.value(Name::FROM).unwrap_or_default().into(),
            target: target.into(),
            routes: recorded(notify, false)?,
            local_seq: subscribe,
            remote_seq: Some(notify.cseq().0),
            created_by: subscribe,
            routes_open: false,
        })
    }

    /// What names it here.
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// How far it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// From of our requests.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// To of our requests.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Our address changes, not our tag (RFC 4916 §4.2): a URI in brackets, perhaps with a name before it.
    pub fn identify(&mut self, address: &str) {
        self.local = format!("{address};tag={}", self.id.local_tag).into();
    }

    /// Takes the address that the other side has in a request of this dialog; true if it is a new one (RFC 4916 §4.4).
    pub fn renamed(&mut self, request: &View<'_>) -> bool {
        let from = request.value(Name::FROM).unwrap_or_default();
        let new = *self.remote != *from;
        if new {
            self.remote = from.into();
        }
        new
    }

    /// Where the other side wants to be reached.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The `CSeq` number of the request that created it.
    pub const fn created_by(&self) -> u32 {
        self.created_by
    }

    /// Whether a message that came in belongs here: Call-ID and both tags fit (§12.2.2). In a request
    /// our tag stands in To, in a response in From.
    pub fn fits(&self, message: &View<'_>) -> bool {
        let (from, to) = (message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default());
        let (ours, theirs) = if message.is_request() { (to, from) } else { (from, to) };
        *self.id.call_id == *message.call_id()
            && *self.id.local_tag == *ours
            && *self.id.remote_tag == *theirs
    }

    /// Feeds the table of [`state::step`].
    pub fn advance(&mut self, input: state::Input) {
        self.state = state::step(self.state, input);
    }

    /// The caller's end learns from a 2xx: the dialog is confirmed, its route set is computed anew, and
    /// its target is the new Contact (§13.2.2.4). For a confirmed one only the target is refreshed
    /// (§12.2.1.2).
    ///
    /// # Errors
    /// The Contact or route set cannot be read; then they stay as they were.
    pub fn confirm(&mut self, response: &View<'_>) -> Result<(), Malformed> {
        self.advance(state::Input::Success);
        if std::mem::take(&mut self.routes_open) {
            self.routes = recorded(response, true)?;
        }
        self.refresh_target(response)
    }

    /// Takes the Contact of a target refresh request, or of the 2xx to one of ours (§12.2).
    ///
    /// # Errors
    /// The Contact cannot be read; then the target stays as it was.
    pub fn refresh_target(&mut self, message: &View<'_>) -> Result<(), Malformed> {
        if let Some(target) = contact(message)? {
            self.target = target.into();
        }
        Ok(())
    }

    /// Puts a request in order (§12.2.2). Not for ACK and CANCEL, whose numbers are those of an INVITE.
    ///
    /// # Errors
    /// The request is older than one that is already here.
    pub fn accept(&mut self, request: &View<'_>) -> Result<(), OutOfOrder> {
        let (number, _) = request.cseq();
        if self.remote_seq.is_some_and(|last| number < last) {
            return Err(OutOfOrder);
        }
        self.remote_seq = Some(number);
        Ok(())
    }

    /// The `CSeq` number of the next request that we send (§12.2.1.1).
    pub const fn next_cseq(&mut self) -> u32 {
        self.local_seq += 1;
        self.local_seq
    }

    /// The `CSeq` number of the last request that was sent.
    pub const fn last_cseq(&self) -> u32 {
        self.local_seq
    }

    /// Numbers used outside, by requests that were repeated with credentials or to another server.
    pub fn has_used(&mut self, cseq: u32) {
        self.local_seq = self.local_seq.max(cseq);
    }

    /// How a request inside the dialog is addressed (§12.2.1.1).
    pub fn way(&self) -> Way {
        Way::new(&self.target, &self.routes)
    }
}

/// The URI of a message's first Contact.
fn contact<'a>(message: &View<'a>) -> Result<Option<&'a str>, Malformed> {
    let Some(value) = message.contact() else { return Ok(None) };
    let address = NameAddrRef::parse(value)?;
    address.uri()?;
    Ok(Some(address.uri_text()))
}

/// The route set that the Record-Route of a message makes: as it stands for the callee, the other way
/// round for the caller (§12.1.1, §12.1.2).
fn recorded(message: &View<'_>, reversed: bool) -> Result<Box<[Box<str>]>, Malformed> {
    let mut routes = Vec::new();
    for value in message.values(Name::RECORD_ROUTE) {
        NameAddrRef::parse(value.text)?.uri()?;
        if routes.len() == MAX_ROUTES {
            return Err(Malformed::new("the route set has more elements than a request can pass"));
        }
        routes.push(Box::from(value.text));
    }
    if reversed {
        routes.reverse();
    }
    Ok(routes.into())
}

#[cfg(test)]
mod tests;
