//! What people have done by dialled codes whose telephones have no other way: forwarding switched on and off (RFC 5359 §2.7 to §2.9),
//! a call handed over (§2.4).
//!
//! We only say what whoever calls wants of their own calls; the driver has it done, and answers the call when that is so, or declines
//! it. Who hears the tone knows that it is done.

use super::TONE;
use crate::call::{CallAction, CallEvent, CallName};
use crate::door::{Deed, Wish};
use crate::settings::{self, ClerkCode};
use cordboard_core::time::Instant;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Status, UriRef};
use std::collections::{BTreeMap, VecDeque};

/// The program.
#[derive(Debug)]
pub(crate) struct Clerk {
    settings: settings::Clerk,
    wishes: VecDeque<Wish>,
    actions: VecDeque<CallAction>,
    /// Who hears the tone, and until when: no more than the calls that the telephone takes.
    until: BTreeMap<CallName, Instant>,
}

impl Clerk {
    pub(super) fn new(settings: &settings::Clerk) -> Self {
        Self {
            settings: settings.clone(),
            wishes: VecDeque::new(),
            actions: VecDeque::new(),
            until: BTreeMap::new(),
        }
    }

    /// Other codes from now on.
    pub(super) fn change(&mut self, settings: &settings::Clerk) {
        self.settings = settings.clone();
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Incoming { call, from, at, member, .. } => {
                match self.wish(*call, from, at).filter(|_| *member) {
                    Some(wish) => self.wishes.push_back(wish),
                    None => self.actions.push_back(CallAction::Decline(*call, Status::NOT_FOUND)),
                }
            }
            CallEvent::Established(call) => {
                self.until.insert(*call, now + TONE);
            }
            CallEvent::Ended { call, .. } => {
                self.until.remove(call);
            }
            _ => {}
        }
    }

    /// What somebody wants. From is who they have proved to be.
    fn wish(&self, call: CallName, from: &str, at: &str) -> Option<Wish> {
        let from = NameAddrRef::parse(from).ok()?;
        let user = unescape(UriRef::parse(from.uri_text()).ok()?.user()?).into_owned().into();
        let dialled = unescape(UriRef::parse(at).ok()?.user()?).into_owned();
        let mut codes = self.settings.codes.iter();
        let (code, rest) = codes.find_map(|(dials, code)| Some((*code, dialled.strip_prefix(&**dials)?)))?;
        let deed = match (code, rest) {
            (ClerkCode::ForwardOff(when), "") => Deed::Forward { when, to: None },
            (ClerkCode::ForwardOff(_), _) | (ClerkCode::Forward(_) | ClerkCode::Transfer, "") => return None,
            (ClerkCode::Forward(when), to) => Deed::Forward { when, to: Some(to.into()) },
            (ClerkCode::Transfer, to) => Deed::Transfer { to: to.into() },
        };
        Some(Wish { call, user, deed })
    }

    pub(super) fn poll_wish(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let over = self.until.iter().filter(|(_, until)| **until <= now);
        for call in over.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.until.remove(&call);
            self.actions.push_back(CallAction::HangUp(call));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.until.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Occasion::{Always, Busy};

    #[test]
    fn codes_say_what_is_wanted_of_ones_own_calls() {
        let codes = [
            ("*72", ClerkCode::Forward(Always)),
            ("*73", ClerkCode::ForwardOff(Always)),
            ("*90", ClerkCode::Forward(Busy)),
            ("*2", ClerkCode::Transfer),
        ];
        let codes = codes.map(|(dials, code)| (dials.into(), code)).to_vec();
        let clerk = Clerk::new(&settings::Clerk { codes });
        let wish = |at: &str| clerk.wish(CallName(1), "\"Bob\" <sip:bob@example.test>;tag=1", at);
        let wants = |deed| Some(Wish { call: CallName(1), user: "bob".into(), deed });
        let forwards = |when, to: Option<&str>| wants(Deed::Forward { when, to: to.map(Into::into) });
        assert_eq!(wish("sip:*72carol@example.test"), forwards(Always, Some("carol")));
        assert_eq!(wish("sip:%2A721001@example.test"), forwards(Always, Some("1001")));
        assert_eq!(wish("sip:*90carol@example.test"), forwards(Busy, Some("carol")));
        assert_eq!(wish("sip:*73@example.test"), forwards(Always, None));
        assert_eq!(wish("sip:*2701@example.test"), wants(Deed::Transfer { to: "701".into() }));
        for other in
            ["sip:*72@example.test", "sip:*731@example.test", "sip:*2@example.test", "sip:clerk@example.test"]
        {
            assert_eq!(wish(other), None, "{other}");
        }
    }
}
