//! The calls of a telephone as a person sees them: numbered from 1, each with somebody at its other end.

use cordboard_media::meter::Sound;
use cordboard_service::call::{CallEvent, CallName, ConferenceName};
use std::collections::{BTreeMap, VecDeque};

use super::address::uri_of;

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// We called, and nothing has come of it yet.
    Dialing,
    /// We called, and it rings there.
    RingingThere,
    /// It rings here.
    RingingHere,
    /// Somebody asks us to make it.
    Asked,
    /// Whom it is for is busy, and is called later.
    Waiting,
    /// Both talk, or one holds the other.
    Up,
}

impl Stage {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Dialing => "dialing",
            Self::RingingThere => "ringing-there",
            Self::RingingHere => "ringing",
            Self::Asked => "asked",
            Self::Waiting => "waiting",
            Self::Up => "up",
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: CallName,
    /// The URI of whoever is at its other end.
    pub(super) peer: String,
    pub(super) stage: Stage,
    /// Whether we hold the other side.
    pub(super) holds: bool,
    /// Whether the other side holds us.
    pub(super) held: bool,
    /// The conference of ours that it is part of.
    pub(super) conference: Option<ConferenceName>,
    /// What is heard now.
    pub(super) hears: Sound,
    /// The call that was held when somebody was asked about it.
    pub(super) asks_for: Option<u32>,
}

/// The calls that are not over, by number.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: BTreeMap<u32, Call>,
    numbers: BTreeMap<CallName, u32>,
    last: u32,
    dialed: u64,
    /// Calls whose other side a server has, the latest last.
    given: VecDeque<Given>,
    /// Who was at the other end of calls that are over, the latest last: a server may tell afterwards that it has them.
    over: VecDeque<(CallName, String)>,
}

/// A call whose other side a server has.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) number: u32,
    pub(super) name: CallName,
    pub(super) peer: String,
}

/// Calls that are remembered to have been given away, or to be over.
const MAX_GIVEN: usize = 64;

impl Calls {
    /// A name for a call that we are going to make.
    pub(super) const fn next_name(&mut self) -> CallName {
        self.dialed += 1;
        CallName(self.dialed)
    }

    /// Numbers a new call.
    pub(super) fn add(&mut self, name: CallName, peer: &str, stage: Stage) -> u32 {
        self.last += 1;
        let peer = uri_of(peer).to_owned();
        let call = Call {
            name,
            peer,
            stage,
            holds: false,
            held: false,
            conference: None,
            hears: Sound::Silence,
            asks_for: None,
        };
        self.open.insert(self.last, call);
        self.numbers.insert(name, self.last);
        self.last
    }

    /// The number of a call; 0 for one that nobody has told of.
    pub(super) fn number(&self, name: CallName) -> u32 {
        self.numbers.get(&name).copied().unwrap_or(0)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Call> {
        self.open.get(&number)
    }

    /// All of them, in the order of their numbers.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (u32, &Call)> {
        self.open.iter().map(|(number, call)| (*number, call))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The call that a verb without a number means: the newest that `fits`.
    pub(super) fn newest(&self, fits: impl Fn(&Call) -> bool) -> Option<u32> {
        self.iter().rev().find(|(_, call)| fits(call)).map(|(number, _)| number)
    }

    /// Takes note of what the telephone told. Calls that it began itself are numbered; the number of the call that
    /// it is about stays known until it has been reported.
    pub(super) fn follow(&mut self, event: &CallEvent) {
        match event {
            CallEvent::Incoming { call, from, .. } => {
                self.add(*call, from, Stage::RingingHere);
            }
            CallEvent::TakenOver { call, from, .. } => {
                self.add(*call, from, Stage::RingingHere);
            }
            CallEvent::Joined { call, joins, from, conference } => {
                self.add(*call, from, Stage::RingingHere);
                for call in joins.iter().chain([call]) {
                    self.change(*call, |call| call.conference = Some(*conference));
                }
            }
            CallEvent::InConference { call, conference } => {
                self.change(*call, |call| call.conference = Some(*conference));
            }
            CallEvent::Found { call, to } => {
                self.change(*call, |call| uri_of(to).clone_into(&mut call.peer));
            }
            CallEvent::RedialWaits(call) => self.change(*call, |call| call.stage = Stage::Waiting),
            CallEvent::Redialling(call) => self.change(*call, |call| call.stage = Stage::Dialing),
            CallEvent::Parked { call, .. } => self.give_away(*call),
            CallEvent::TakenUp { call, with } => {
                self.add(*call, with, Stage::Up);
            }
            CallEvent::Asked { call, to, .. } => {
                self.add(*call, to, Stage::Asked);
            }
            // To which we had to consent first.
            CallEvent::Referred { new, .. } if self.numbers.contains_key(new) => {
                self.change(*new, |call| call.stage = Stage::Dialing);
            }
            CallEvent::Referred { new, to, .. } => {
                self.add(*new, to, Stage::Dialing);
            }
            CallEvent::CalledBack { call, to } => {
                self.add(*call, to, Stage::Dialing);
            }
            CallEvent::Ringing(call) => self.change(*call, |call| call.stage = Stage::RingingThere),
            CallEvent::Established(call) => self.change(*call, |call| call.stage = Stage::Up),
            CallEvent::Identity { call, address, .. } => {
                self.change(*call, |call| uri_of(address).clone_into(&mut call.peer));
            }
            CallEvent::HeldByPeer(call, held) => self.change(*call, |call| call.held = *held),
            CallEvent::HoldChanged(call, holds) => self.change(*call, |call| call.holds = *holds),
            // A telephone of a person has no rooms.
            CallEvent::AskedToRemove { .. }
            | CallEvent::Registered { .. }
            | CallEvent::NotRegistered(_)
            | CallEvent::Refused { .. }
            | CallEvent::Redirected(..)
            | CallEvent::Media(..)
            | CallEvent::Moved(_)
            | CallEvent::OfferAnswered(_)
            | CallEvent::Identified(_)
            | CallEvent::ChangeRefused(..)
            | CallEvent::Options { .. }
            | CallEvent::DigitSignalled { .. }
            | CallEvent::DigitAnswered(..)
            | CallEvent::ErrorInfo(..)
            | CallEvent::PeerFeatures(..)
            | CallEvent::TransferProgress(..)
            | CallEvent::Transferred { .. }
            | CallEvent::Dialog { .. }
            | CallEvent::Abilities { .. }
            | CallEvent::MessageReceived { .. }
            | CallEvent::MessageSent { .. }
            | CallEvent::Watching(_)
            | CallEvent::Impossible(_)
            | CallEvent::Ended { .. } => {}
        }
    }

    fn give_away(&mut self, name: CallName) {
        let number = self.number(name);
        let over = || self.over.iter().find(|(over, _)| *over == name).map(|(_, peer)| peer.clone());
        let Some(peer) = self.get(number).map(|call| call.peer.clone()).or_else(over) else { return };
        if self.given.len() == MAX_GIVEN {
            self.given.pop_front();
        }
        self.given.push_back(Given { number, name, peer });
    }

    /// Takes back a call that a server has: this one, or the one that it got last.
    pub(super) fn take_back(&mut self, number: Option<u32>) -> Option<Given> {
        let at = match number {
            Some(number) => self.given.iter().position(|given| given.number == number)?,
            None => self.given.len().checked_sub(1)?,
        };
        self.given.remove(at)
    }

    /// Forgets a call that is over.
    pub(super) fn remove(&mut self, name: CallName) {
        let Some(call) = self.numbers.get(&name).and_then(|number| self.open.remove(number)) else { return };
        if self.over.len() == MAX_GIVEN {
            self.over.pop_front();
        }
        self.over.push_back((name, call.peer));
    }

    pub(super) fn change(&mut self, name: CallName, act: impl FnOnce(&mut Call)) {
        if let Some(call) = self.numbers.get(&name).and_then(|number| self.open.get_mut(number)) {
            act(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_ladder::Outcome;

    /// The BYE of whoever was parked may overtake the report that they are.
    #[test]
    fn what_a_server_has_can_be_taken_back_also_if_the_call_ended_first() {
        let mut calls = Calls::default();
        let name = calls.next_name();
        calls.add(name, "sip:bob@example.com", Stage::Up);
        calls.remove(name);
        calls.follow(&CallEvent::Parked { call: name, at: None });
        let given = calls.take_back(None).unwrap();
        assert_eq!((given.number, &*given.peer), (1, "sip:bob@example.com"));
        assert!(calls.take_back(Some(1)).is_none());
    }

    #[test]
    fn calls_are_numbered_in_the_order_in_which_they_come() {
        let mut calls = Calls::default();
        let dialed = calls.next_name();
        assert_eq!(calls.add(dialed, "sip:bob@example.com", Stage::Dialing), 1);
        let from = "\"Carol\" <sip:carol@example.com>;tag=9".into();
        let at = "sip:alice@example.com".into();
        let call = CallName::incoming(0);
        calls.follow(&CallEvent::Incoming { call, from, at, referred_by: None, member: false });
        assert_eq!(calls.get(2).map(|call| call.peer.as_str()), Some("sip:carol@example.com"));
        calls.follow(&CallEvent::Established(CallName::incoming(0)));
        assert_eq!(calls.newest(|call| call.stage == Stage::Up), Some(2));
        assert_eq!(calls.newest(|_| true), Some(2));
        calls.remove(CallName::incoming(0));
        assert_eq!((calls.newest(|_| true), calls.number(CallName::incoming(0))), (Some(1), 2));
        let to = "sip:dave@example.com".into();
        calls.follow(&CallEvent::Referred { call: Some(dialed), new: CallName::incoming(1), to });
        assert_eq!(calls.number(CallName::incoming(1)), 3, "numbers are not used again");
        let over = CallEvent::Ended { call: dialed, outcome: Outcome::Busy, status: None, by_peer: true };
        calls.follow(&over);
        assert!(calls.get(1).is_some(), "it is still there to be reported");
    }
}
