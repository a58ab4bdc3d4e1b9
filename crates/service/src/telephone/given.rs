//! Giving the other side of a call to a server, and taking it back: music on hold (RFC 5359 §2.3) and park (§2.15).
//!
//! Both are one thing on the wire: a REFER outside the call, whose Refer-To names it, so that the server calls the other
//! side in our place. The report of success has the headers of the response (RFC 3420), which name the new dialog; with
//! them whoever gave the call away takes it back. From a server that reports no headers they are fetched.

use super::Telephone;
use super::call::Call;
use super::fetching::Wanted;
use super::referral::Retry;
use super::transferor::{Asking, Failing, Within, naming};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_ladder::Kind;
use cordboard_sip::Name;
use cordboard_sip::body::Sipfrag;
use cordboard_sip::header::{NameAddrRef, Replaces};
use std::collections::VecDeque;

/// Calls that a telephone remembers to have given away.
const MAX_GIVEN: usize = 64;

/// The dialog of which a report of success tells, as its two sides are named there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// As whom the server called: of a park server, the slot.
    from: Box<str>,
    /// The dialog, as the other side has it.
    replaces: Replaces,
}

/// Where the other side of a call is, to be called again when that call is over and forgotten.
#[derive(Clone)]
pub(super) struct Whereabouts {
    /// Where it is called to take it back.
    to: Box<str>,
    /// Its Contact.
    contact: Box<str>,
}

/// A call that a server has.
pub(super) struct Given {
    name: CallName,
    /// The server that was asked.
    server: Box<str>,
    other_side: Whereabouts,
    /// The server's dialog with it, if the server told.
    told: Option<Told>,
}

/// The calls that were given away, the latest last.
#[derive(Default)]
pub(super) struct GivenAway(VecDeque<Given>);

impl GivenAway {
    fn keep(&mut self, given: Given) {
        self.0.retain(|other| other.name != given.name);
        if self.0.len() == MAX_GIVEN {
            self.0.pop_front();
        }
        self.0.push_back(given);
    }

    fn take(&mut self, name: CallName) -> Option<Given> {
        let at = self.0.iter().position(|given| given.name == name)?;
        self.0.remove(at)
    }
}

impl Told {
    /// Reads a report: it names the dialog if it has From, To and Call-ID, each with what it should have.
    pub(super) fn of(piece: &Sipfrag<'_>) -> Option<Self> {
        let address = |name| NameAddrRef::parse(piece.head().value(name)?).ok();
        let (from, to) = (address(Name::FROM)?, address(Name::TO)?);
        let tag = |address: &NameAddrRef<'_>| address.params().get("tag")?.parse().ok();
        // RFC 3891 §3: the to-tag is that of whoever is called, who answered here.
        let replaces =
            Replaces::new(piece.head().value(Name::CALL_ID)?.parse().ok()?, tag(&to)?, tag(&from)?);
        Some(Self { from: from.uri_text().into(), replaces })
    }
}

impl Telephone {
    /// Asks a server to take over the other side of a call.
    pub(super) fn give(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        name: CallName,
        server: &str,
        failing: Failing,
    ) {
        match self.giving(name, server, Kind::Park, failing) {
            Some(asking) => self.refer(desk, now, asking),
            None => Self::tell(desk, CallEvent::Impossible(name)),
        }
    }

    /// The REFER that asks somebody to take over the other side of a call.
    pub(super) fn giving(&self, name: CallName, whom: &str, kind: Kind, failing: Failing) -> Option<Asking> {
        let at = self.to_be_handed_over(name)?;
        let whom = super::bracketed(whom);
        let address = NameAddrRef::parse(&whom).ok().filter(|address| address.uri().is_ok())?;
        let call = self.calls.get(at)?;
        let naming = naming(&call.legs.get(call.answered?)?.dialog);
        Some(Asking {
            name,
            kind,
            about: None,
            whom: address.uri_text().into(),
            refer_to: self.takeover(at, naming)?,
            target: Some(at),
            retry: Retry::Never,
            reports: true,
            within: Within::Either,
            failing,
            for_whom: None,
        })
    }

    /// A server has taken over the other side of a call, which was there: where it is to be found, and under which name.
    pub(super) fn given(
        &mut self,
        desk: &mut Desk,
        name: CallName,
        other_side: Whereabouts,
        server: Box<str>,
        told: Option<Told>,
    ) {
        let at = told.as_ref().map(|told| told.from.clone());
        self.given_away.keep(Given { name, server, other_side, told });
        Self::tell(desk, CallEvent::Parked { call: name, at });
    }

    /// Where the other side of a call is called by others than whoever has the call.
    pub(super) fn whereabouts(&self, at: u64) -> Option<Whereabouts> {
        let call: &Call = self.calls.get(at)?;
        let dialog = &call.legs.get(call.answered?)?.dialog;
        Some(Whereabouts { to: naming(dialog).of(dialog)?.into(), contact: dialog.target().into() })
    }

    /// Takes back whom we gave to a server.
    pub(super) fn take_back(&mut self, desk: &mut Desk, now: Instant, name: CallName, given: CallName) {
        let possible = !name.is_incoming() && !self.is_taken(name);
        let Some(given) = self.given_away.take(given).filter(|_| possible) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        match &given.told {
            Some(told) => {
                let (to, replaces) = (given.other_side.to.clone(), told.replaces.clone());
                self.call_instead(desk, now, name, &to, &replaces);
            }
            None => self.fetch(desk, now, name, &given.server, Wanted::With(given.other_side.contact)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5359 §2.15 F14.
    #[test]
    fn the_report_of_a_park_server_names_the_dialog() {
        let text = b"SIP/2.0 200 OK\r\n\
            Via: SIP/2.0/TLS server.example.com:5061\r\n ;branch=z9hG4bK74rf\r\n ;received=192.0.2.103\r\n\
            From: <sips:park@server.example.com>;tag=0111\r\n\
            To: <sips:a8342043f@atlanta.example.com;gr>;tag=098594\r\n\
            Call-ID: a5-75-34-12-76@server.example.com\r\n\
            CSeq: 1 INVITE\r\n\
            Contact: <sips:a8342043f@atlanta.example.com;gr>\r\n";
        let told = Told::of(&Sipfrag::parse(text).unwrap()).unwrap();
        assert_eq!(&*told.from, "sips:park@server.example.com");
        assert_eq!(
            told.replaces.to_string(),
            "a5-75-34-12-76@server.example.com;to-tag=098594;from-tag=0111"
        );
        let bare = Sipfrag::parse(b"SIP/2.0 200 OK\r\n").unwrap();
        assert_eq!(Told::of(&bare), None);
    }

    #[test]
    fn what_was_given_away_is_remembered_for_a_while() {
        let mut away = GivenAway::default();
        for name in 0..=MAX_GIVEN as u64 {
            away.keep(Given {
                name: CallName(name),
                server: "sip:park@h".into(),
                other_side: Whereabouts { to: "sip:a@h".into(), contact: "sip:a@h".into() },
                told: None,
            });
        }
        assert!(away.take(CallName(0)).is_none());
        assert!(away.take(CallName(1)).is_some() && away.take(CallName(1)).is_none());
    }
}
