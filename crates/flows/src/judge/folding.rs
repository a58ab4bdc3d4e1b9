//! Taking a proxy out of a run that the drawing does not have, or not there: what it passed on went from end to end.
//!
//! Which hops belong together is read from the Via lines, as their ends do it: a request that goes on bears the branch
//! with which it came below that of the proxy (RFC 3261 §16.6 item 8), and so do its responses on their way back. Call,
//! tags and numbers do not tell: a request that forks, or that comes by twice, has the same everywhere.

use super::observed::{Observed, ObservedMessage};
use cordboard_sip::header::ViaRef;
use cordboard_sip::{Method, Name, Status, View};

/// What of a message tells its way.
struct Hop<'a> {
    view: View<'a>,
    from: &'a str,
    to: &'a str,
    /// The branches of its Via lines, the latest first.
    branches: Vec<&'a str>,
    /// The method of the transaction that it belongs to: a CANCEL, and the ACK of a failure, go from hop to hop as their
    /// INVITE did (RFC 3261 §9.1, §17.1.1.3).
    of: Method,
}

/// On which side of the proxy a hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Whence the request came.
    Before,
    /// Where it went on.
    Beyond,
}

impl Observed {
    /// The same run as if a proxy that is not drawn had not been there: what it passed on went from end to end.
    ///
    /// A client that cannot be called directly, as over WebSocket, needs one on the way. What the proxy says for
    /// itself, such as a challenge, stays its own; but of a CANCEL, which every proxy has to answer itself (RFC 3261
    /// §16.10), that of the next hop counts, and one that comes when the INVITE is answered there reached whom it
    /// was meant for. Requests are kept as the proxy sent them and responses as it got them, so that each response
    /// fits its request.
    #[must_use]
    pub fn without_proxy(&self, proxy: &str) -> Self {
        let hops = hops(&self.messages);
        self.folded(&Fold { proxy, hops: &hops }, |_| true)
    }

    /// The same run as if a proxy had not stayed in the route of the dialogs that it helped to make: what is sent in
    /// them went from end to end. Clients that cannot be called directly need it there, whatever is drawn.
    #[must_use]
    pub fn without_proxy_in_dialogs(&self, proxy: &str) -> Self {
        let hops = hops(&self.messages);
        let requests = hops.iter().flatten().filter(|hop| hop.view.is_request());
        let begins = |hop: &&Hop<'_>| hop.view.method() == hop.of && hop.view.to_tag().is_some();
        let inside: Vec<_> = requests.filter(begins).map(Hop::transaction).collect();
        self.folded(&Fold { proxy, hops: &hops }, |hop| inside.contains(&hop.transaction()))
    }

    /// Folds what a proxy passed on, as far as `which` says so.
    fn folded(&self, fold: &Fold<'_>, which: impl Fn(&Hop<'_>) -> bool) -> Self {
        let mut messages = Vec::new();
        for (message, hop) in self.messages.iter().zip(fold.hops) {
            let mut message = message.clone();
            let kept = match hop.as_ref().filter(|hop| which(hop)) {
                Some(hop) => fold.fold(hop, &mut message),
                None => true,
            };
            if kept {
                messages.push(message);
            }
        }
        Self { messages }
    }
}

/// A proxy, and everything that went by.
struct Fold<'a> {
    proxy: &'a str,
    hops: &'a [Option<Hop<'a>>],
}

impl Fold<'_> {
    /// Lets a message go from end to end. False if it is the other hop of one that does.
    fn fold(&self, hop: &Hop<'_>, message: &mut ObservedMessage) -> bool {
        match self.side(hop) {
            Some(Side::Beyond) => {
                if let Some(end) = self.whence(hop) {
                    let near = if hop.view.is_request() { &mut message.from } else { &mut message.to };
                    end.clone_into(near);
                }
            }
            Some(Side::Before) if self.goes_on(hop) => return false,
            Some(Side::Before) if hop.view.method() == Method::Cancel => {
                if let Some(end) = self.answered_already(hop) {
                    let far = if hop.view.is_request() { &mut message.to } else { &mut message.from };
                    end.clone_into(far);
                }
            }
            Some(Side::Before) | None => {}
        }
        true
    }

    fn side(&self, hop: &Hop<'_>) -> Option<Side> {
        match (hop.from == self.proxy, hop.to == self.proxy) {
            (true, false) => Some(if hop.view.is_request() { Side::Beyond } else { Side::Before }),
            (false, true) => Some(if hop.view.is_request() { Side::Before } else { Side::Beyond }),
            (true, true) | (false, false) => None,
        }
    }

    fn on(&self, side: Side) -> impl Iterator<Item = &Hop<'_>> {
        self.hops.iter().flatten().filter(move |hop| self.side(hop) == Some(side))
    }

    /// Who sent the proxy the request that this is the next hop of, or an answer to: the latest whose branch it bears.
    fn whence(&self, hop: &Hop<'_>) -> Option<&str> {
        let came = |branch: &&str| {
            let mut requests = self.on(Side::Before).filter(|other| other.view.is_request());
            requests.find(|other| other.of == hop.of && other.top() == Some(*branch)).map(|other| other.from)
        };
        hop.branches.iter().skip(1).find_map(came)
    }

    /// Whether the proxy passed this on, or what this answers if it is for a CANCEL.
    fn goes_on(&self, hop: &Hop<'_>) -> bool {
        let cancels = hop.view.method() == Method::Cancel;
        self.on(Side::Beyond).any(|beyond| {
            let alike = if cancels {
                beyond.view.is_request()
            } else {
                beyond.view.status().map(Status::code) == hop.view.status().map(Status::code)
            };
            alike && beyond.view.method() == hop.view.method() && beyond.came_as(hop)
        })
    }

    /// Whom the INVITE of a CANCEL had reached that had answered it for good by the time at which the proxy answered the
    /// CANCEL, which went no further.
    fn answered_already(&self, cancel: &Hop<'_>) -> Option<&str> {
        let answer = |hop: &Hop<'_>| {
            !hop.view.is_request() && hop.view.method() == Method::Cancel && hop.top() == cancel.top()
        };
        let answered = self.hops.iter().position(|hop| hop.as_ref().is_some_and(answer))?;
        let before = self.hops[..answered].iter().flatten();
        let mut finals = before.filter(|hop| {
            self.side(hop) == Some(Side::Beyond)
                && hop.view.method() == Method::Invite
                && hop.view.status().is_some_and(Status::is_final)
                && hop.came_as(cancel)
        });
        finals.next().map(|hop| hop.from)
    }
}

impl<'a> Hop<'a> {
    fn of(message: &'a ObservedMessage) -> Option<Self> {
        let view = View::parse(&message.bytes).ok()?;
        let vias = view.values(Name::VIA).filter_map(|value| ViaRef::parse(value.text).ok());
        let branches = vias.filter_map(|via| via.branch()).collect();
        let of = view.method();
        Some(Self { view, from: &message.from, to: &message.to, branches, of })
    }

    /// The branch of its transaction.
    fn top(&self) -> Option<&'a str> {
        self.branches.first().copied()
    }

    /// Both ends of its hop, whoever sends.
    fn ends(&self) -> [&'a str; 2] {
        [self.from.min(self.to), self.from.max(self.to)]
    }

    /// Whether it came to the proxy as that one did, on a hop before.
    fn came_as(&self, before: &Self) -> bool {
        before.top().is_some_and(|top| self.branches.iter().skip(1).any(|branch| *branch == top))
    }

    /// What stays the same on all hops.
    fn transaction(&self) -> (&'a str, Option<&'a str>, u32, Method) {
        (self.view.call_id(), self.view.from_tag(), self.view.cseq().0, self.of)
    }
}

/// The way of every message that can be read. What goes from hop to hop bears one branch only, and is given those of
/// its INVITE.
fn hops(messages: &[ObservedMessage]) -> Vec<Option<Hop<'_>>> {
    let mut hops: Vec<Option<Hop<'_>>> = messages.iter().map(Hop::of).collect();
    for at in 0..hops.len() {
        let Some(hop) = hops[at].as_ref().filter(|hop| matches!(hop.of, Method::Cancel | Method::Ack)) else {
            continue;
        };
        let invites = hops[..at].iter().flatten().filter(|other| other.view.is_request());
        let mut invites = invites.filter(|other| other.view.method() == Method::Invite);
        let invite = invites.find(|other| other.top() == hop.top() && other.ends() == hop.ends());
        let branches = invite.map(|invite| invite.branches.clone());
        if let (Some(branches), Some(hop)) = (branches, hops[at].as_mut()) {
            (hop.branches, hop.of) = (branches, Method::Invite);
        }
    }
    hops
}
