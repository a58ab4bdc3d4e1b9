//! Call pickup by a dialled code, for telephones that know neither SUBSCRIBE nor Replaces (RFC 5359 §2.16).
//!
//! The switchboard, which carries the ringing call, lets us ring beside whoever was called, and sends us the *dialler* under
//! the same key. We answer the caller, which withdraws the call from everybody else (RFC 3261 §16.7 step 5 and §16.10: the
//! first 2xx wins), then the dialler, to whom the caller is handed over: by REFER, or by a bridge where that does not work.

use crate::call::{CallAction, CallEvent, CallName};
use crate::settings;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Status, UriRef};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long one of the two waits for the other. Both come out of one request, so that this is long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What stands before the key of whoever has dialled the code, and before that of the call that rings.
pub(crate) const DIALLER: &str = "-d-";
pub(crate) const RINGING: &str = "-r-";

/// How a pickup stands. The *caller* is whose call rings, the *dialler* who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// One of them is here.
    DiallerAlone,
    CallerAlone,
    /// The caller is being answered.
    Answering,
    /// The dialler is.
    Joining,
    /// The dialler is asked to take the caller over.
    Handing,
    /// The dialler has left the call in which it was asked: because it has the caller, or for good.
    HandingAlone,
    /// That did not work, and the two are being bridged.
    Bridging,
    /// They have each other, through us or without us.
    Together,
    /// It has come to nothing.
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// The call that rings comes to us.
    CallerComes,
    /// So does whoever wants it.
    DiallerComes,
    CallerUp,
    DiallerUp,
    CallerGone,
    DiallerGone,
    /// The dialler has the caller.
    Handed,
    /// It has not.
    NotHanded,
    /// Nobody else came.
    TimeUp,
}

/// What we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    StopTimer,
    AnswerCaller,
    AnswerDialler,
    HandOver,
    Bridge,
    /// Nothing rings there.
    TurnDiallerAway,
    /// Somebody else has answered it.
    TooLate,
    ReleaseCaller,
    ReleaseDialler,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (DiallerAlone, CallerComes)       => (Answering,    &[StopTimer, AnswerCaller]),
        (CallerAlone, DiallerComes)       => (Answering,    &[StopTimer, AnswerCaller]),
        (DiallerAlone, TimeUp)            => (Over,         &[StopTimer, TurnDiallerAway]),
        (CallerAlone, TimeUp)             => (Over,         &[StopTimer, ReleaseCaller]),
        (Answering, CallerUp)             => (Joining,      &[AnswerDialler]),
        (Answering, CallerGone)           => (Over,         &[TooLate]),
        (Joining, DiallerUp)              => (Handing,      &[HandOver]),
        (Joining | Bridging, CallerGone)  => (Over,         &[ReleaseDialler]),
        (Answering | Joining | Bridging, DiallerGone)
                                          => (Over,         &[ReleaseCaller]),
        (Handing, Handed)                 => (Together,     &[]),
        (Handing, NotHanded)              => (Bridging,     &[Bridge]),
        (Handing, DiallerGone)            => (HandingAlone, &[]),
        (HandingAlone, Handed | CallerGone) => (Together,   &[]),
        (HandingAlone, NotHanded)         => (Over,         &[ReleaseCaller]),
        (Bridging, Handed)                => (Together,     &[]),
        (Bridging, NotHanded)             => (Over,         &[ReleaseCaller, ReleaseDialler]),
        (DiallerAlone, DiallerGone) | (CallerAlone, CallerGone)
                                          => (Over,         &[StopTimer]),
        // What comes twice, or too late; and how a handover ended is still to be told when the caller has gone.
        (DiallerAlone, DiallerComes | CallerUp | DiallerUp | CallerGone | Handed | NotHanded)
        | (CallerAlone, CallerComes | CallerUp | DiallerUp | DiallerGone | Handed | NotHanded)
        | (Answering, CallerComes | DiallerComes | DiallerUp | Handed | NotHanded | TimeUp)
        | (Joining, CallerComes | DiallerComes | CallerUp | Handed | NotHanded | TimeUp)
        | (Handing, CallerComes | DiallerComes | CallerUp | DiallerUp | CallerGone | TimeUp)
        | (HandingAlone, CallerComes | DiallerComes | CallerUp | DiallerUp | DiallerGone | TimeUp)
        | (Bridging, CallerComes | DiallerComes | CallerUp | DiallerUp | TimeUp)
        | (Together | Over, CallerComes | DiallerComes | CallerUp | DiallerUp | CallerGone | DiallerGone | Handed
            | NotHanded | TimeUp)         => (state,        &[]),
    }
}

/// One pickup.
#[derive(Debug)]
struct Pair {
    state: State,
    caller: Option<CallName>,
    dialler: Option<CallName>,
    due: Option<Instant>,
}

/// The program.
#[derive(Debug)]
pub(crate) struct Pickup {
    code: Box<str>,
    /// By key: no more than the calls that the telephone takes.
    pairs: BTreeMap<Box<str>, Pair>,
    actions: VecDeque<CallAction>,
}

impl Pickup {
    pub(super) fn new(settings: &settings::Pickup) -> Self {
        Self { code: settings.code.clone(), pairs: BTreeMap::new(), actions: VecDeque::new() }
    }

    /// Another code from now on.
    pub(super) fn change(&mut self, settings: &settings::Pickup) {
        self.code.clone_from(&settings.code);
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Incoming { call, at, .. } => self.called(now, *call, at),
            CallEvent::Established(call) => self.happens(*call, Input::CallerUp, Input::DiallerUp),
            CallEvent::Ended { call, .. } => self.gone(*call),
            CallEvent::Transferred { call, outcome, .. } => {
                let input = if *outcome == Outcome::Completed { Input::Handed } else { Input::NotHanded };
                self.happens(*call, input, input);
            }
            CallEvent::Impossible(call) => self.happens(*call, Input::NotHanded, Input::NotHanded),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let due = self.pairs.iter().filter(|(_, pair)| pair.due.is_some_and(|due| due <= now));
        for key in due.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.advance(&key, Input::TimeUp);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.pairs.values().filter_map(|pair| pair.due).min()
    }

    /// Somebody comes. Who they are is in the address that the switchboard has given them.
    fn called(&mut self, now: Instant, call: CallName, at: &str) {
        let user = UriRef::parse(at).ok().and_then(|uri| Some(unescape(uri.user()?)));
        let rest = user.as_deref().and_then(|user| user.strip_prefix(&*self.code));
        let key = |before: &str| rest.and_then(|rest| rest.strip_prefix(before)).map(Box::<str>::from);
        let (key, dials) = match (key(DIALLER), key(RINGING)) {
            (Some(key), _) => (key, true),
            (None, Some(key)) => (key, false),
            (None, None) => return self.actions.push_back(CallAction::Decline(call, Status::NOT_FOUND)),
        };
        let alone = if dials { State::DiallerAlone } else { State::CallerAlone };
        let known = self.pairs.contains_key(&key);
        let pair = self.pairs.entry(key.clone()).or_insert(Pair {
            state: alone,
            caller: None,
            dialler: None,
            due: Some(now + PATIENCE),
        });
        let place = if dials { &mut pair.dialler } else { &mut pair.caller };
        if place.is_some() {
            // Another call rang there too.
            return self.actions.push_back(CallAction::Decline(call, Status::BUSY_HERE));
        }
        *place = Some(call);
        if known {
            self.advance(&key, if dials { Input::DiallerComes } else { Input::CallerComes });
        }
    }

    fn key_of(&self, call: CallName) -> Option<(Box<str>, bool)> {
        let (key, pair) =
            self.pairs.iter().find(|(_, pair)| pair.caller == Some(call) || pair.dialler == Some(call))?;
        Some((key.clone(), pair.dialler == Some(call)))
    }

    fn happens(&mut self, call: CallName, to_caller: Input, to_dialler: Input) {
        if let Some((key, dials)) = self.key_of(call) {
            self.advance(&key, if dials { to_dialler } else { to_caller });
        }
    }

    fn gone(&mut self, call: CallName) {
        let Some((key, dials)) = self.key_of(call) else { return };
        self.advance(&key, if dials { Input::DiallerGone } else { Input::CallerGone });
        let Some(pair) = self.pairs.get_mut(&key) else { return };
        let place = if dials { &mut pair.dialler } else { &mut pair.caller };
        *place = None;
        if pair.caller.is_none() && pair.dialler.is_none() {
            self.pairs.remove(&key);
        }
    }

    fn advance(&mut self, key: &str, input: Input) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        let (state, acts) = step(pair.state, input);
        pair.state = state;
        for act in acts {
            let both = pair.dialler.zip(pair.caller);
            let action = match act {
                Act::StopTimer => {
                    pair.due = None;
                    None
                }
                Act::AnswerCaller => {
                    self.actions.extend(pair.caller.map(CallAction::Mute));
                    pair.caller.map(CallAction::Answer)
                }
                Act::AnswerDialler => {
                    self.actions.extend(pair.dialler.map(CallAction::Mute));
                    pair.dialler.map(CallAction::Answer)
                }
                Act::HandOver => both.map(|(call, target)| CallAction::TransferTo { call, target }),
                Act::Bridge => both.map(|(call, target)| CallAction::Bridge { call, target }),
                Act::TurnDiallerAway => {
                    pair.dialler.map(|call| CallAction::Decline(call, Status::TEMPORARILY_UNAVAILABLE))
                }
                Act::TooLate => pair.dialler.map(|call| CallAction::Decline(call, Status::BUSY_HERE)),
                Act::ReleaseCaller => pair.caller.map(CallAction::HangUp),
                Act::ReleaseDialler => pair.dialler.map(CallAction::HangUp),
            };
            self.actions.extend(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 9] =
        [DiallerAlone, CallerAlone, Answering, Joining, Handing, HandingAlone, Bridging, Together, Over];

    /// The caller is answered only when whoever wants the call is there, and never twice.
    #[test]
    fn nobody_is_answered_for_nobody() {
        for state in STATES {
            for input in [I::CallerComes, I::DiallerComes] {
                let answers = step(state, input).1.contains(&AnswerCaller);
                let completes =
                    matches!((state, input), (DiallerAlone, I::CallerComes) | (CallerAlone, I::DiallerComes));
                assert_eq!(answers, completes, "{state:?} {input:?}");
            }
        }
    }

    /// Whoever is left is not left for ever.
    #[test]
    fn who_is_left_is_released() {
        assert_eq!(step(Answering, I::CallerGone), (Over, &[TooLate][..]));
        for state in [Joining, Bridging] {
            assert_eq!(step(state, I::CallerGone), (Over, &[ReleaseDialler][..]), "{state:?}");
        }
        for state in [Answering, Joining, Bridging] {
            assert_eq!(step(state, I::DiallerGone), (Over, &[ReleaseCaller][..]), "{state:?}");
        }
        assert_eq!(step(HandingAlone, I::NotHanded), (Over, &[ReleaseCaller][..]));
        assert_eq!(step(Bridging, I::NotHanded), (Over, &[ReleaseCaller, ReleaseDialler][..]));
    }

    #[test]
    fn who_waits_alone_waits_for_a_while() {
        for (state, act) in [(DiallerAlone, TurnDiallerAway), (CallerAlone, ReleaseCaller)] {
            assert_eq!(step(state, I::TimeUp), (Over, &[StopTimer, act][..]));
        }
    }
}
