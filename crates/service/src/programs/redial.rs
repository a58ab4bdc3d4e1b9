//! Automatic redial as a service (RFC 5359 §2.17), for telephones that cannot do it themselves.
//!
//! Whoever has called somebody busy asks the server to be called back: by REFER, or by dialling its code. The server
//! watches the calls of whoever is wanted (RFC 4235); when these are over it calls the *asker*, and hands the call over to
//! whoever is *wanted*: by REFER, so that it is the asker's own call, or by a bridge where that does not work. Who wait for
//! the same party are served one after the other, in the order in which they asked.
//!
//! What becomes of one is the [table], how it is asked for [asking], and when whoever is wanted is free [watching].

mod asking;
mod table;
mod watching;

use super::TONE;
use crate::call::{CallAction, CallEvent, CallName};
use crate::directory::Directory;
use crate::door::CommandId;
use crate::kept::{Purpose, Record, RecordError};
use crate::redials::{MAX_REDIALS, RedialAnswer};
use crate::settings;
use asking::{Asked, bare};
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use table::{Act, Input, State, step};
use watching::Party;

/// After a try that came to nothing, and after a call was handed over: until then whoever is wanted may seem free.
const REST: Duration = Duration::from_secs(5);

/// How long an asker who did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// How long an asker's telephone rings.
const RINGS: Duration = Duration::from_mins(1);

/// One redial.
#[derive(Debug)]
struct Redial {
    state: State,
    asked: Asked,
    asker: Box<str>,
    wanted: Box<str>,
    until: Instant,
    tries: u8,
    /// When it may have a turn again.
    rests_until: Instant,
    /// Until when the asker is called, if nobody answers.
    rings_until: Option<Instant>,
    /// The call with the asker.
    call: Option<CallName>,
    /// The call with whoever is wanted, where the server makes it.
    other: Option<CallName>,
}

/// The program.
#[derive(Debug)]
pub(crate) struct Redials {
    settings: settings::Redial,
    /// The user part of the server's own address, and its domain.
    user: Box<str>,
    domain: Box<str>,
    /// Who there is, and whom the server serves. In that of its switchboard it stands itself.
    directory: Arc<Directory>,
    /// By number, so in the order in which they were asked for.
    waiting: BTreeMap<u64, Redial>,
    parties: BTreeMap<Box<str>, Party>,
    actions: VecDeque<CallAction>,
    answers: VecDeque<(CommandId, RedialAnswer)>,
    /// What is to be written down, or forgotten.
    notes: VecDeque<u64>,
    /// Calls whose only sense is to say that something is done, and how long they do.
    confirming: BTreeMap<CallName, Option<Instant>>,
    numbers: u64,
    calls: u64,
    watches: u64,
}

impl Redials {
    pub(super) fn new(settings: &settings::Redial, telephone: &settings::Telephone) -> Self {
        Self {
            settings: settings.clone(),
            user: telephone.user.clone(),
            domain: telephone.domain.clone(),
            directory: Arc::default(),
            waiting: BTreeMap::new(),
            parties: BTreeMap::new(),
            actions: VecDeque::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            confirming: BTreeMap::new(),
            numbers: 0,
            calls: 0,
            watches: 0,
        }
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Asked { call, from, to, .. } => {
                let asked = self.ask(now, from, to, Asked::ByRefer(*call));
                self.refuse(Asked::ByRefer(*call), asked.err());
            }
            CallEvent::Incoming { call, from, at, member, .. } => self.dialled(now, *call, from, at, *member),
            CallEvent::Established(call) => match self.confirming.get_mut(call) {
                Some(until) => *until = Some(now + TONE),
                None => self.happens(now, *call, Input::AskerUp, Input::WantedUp),
            },
            CallEvent::Ended { call, outcome, .. } => {
                self.confirming.remove(call);
                let wanted = if *outcome == Outcome::Busy { Input::Busy } else { Input::Failed };
                self.happens(now, *call, Input::AskerGone, wanted);
            }
            CallEvent::Transferred { call, outcome, status, .. } => {
                let input = handed(*outcome, *status);
                self.happens(now, *call, input, input);
            }
            CallEvent::Impossible(call) => self.happens_not(now, *call),
            CallEvent::Watching(event) => self.watched(now, event),
            _ => {}
        }
        self.turn(now);
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let over = |redial: &Redial| redial.until <= now && redial.may_be_given_up();
        let over: Vec<u64> =
            self.waiting.iter().filter(|(_, redial)| over(redial)).map(|(at, _)| *at).collect();
        for at in over {
            self.advance(now, at, Input::GivenUp);
        }
        for redial in self.waiting.values_mut() {
            if redial.rings_until.is_some_and(|until| until <= now) {
                redial.rings_until = None;
                self.actions.extend(redial.call.map(CallAction::HangUp));
            }
        }
        let said = self.confirming.iter().filter(|(_, until)| until.is_some_and(|until| until <= now));
        for call in said.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.confirming.remove(&call);
            self.actions.push_back(CallAction::HangUp(call));
        }
        self.watch_again(now);
        self.turn(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.waiting.values().filter(|redial| redial.may_be_given_up()).map(|redial| redial.until);
        let rings = self.waiting.values().filter_map(|redial| redial.rings_until);
        let tones = self.confirming.values().flatten().copied();
        ends.chain(rings).chain(tones).chain(self.next_look()).min()
    }

    /// The next that is to be written down, or to be forgotten.
    pub(super) fn poll_note(&mut self) -> Option<(u64, Option<(Purpose, Instant)>)> {
        let number = self.notes.pop_front()?;
        // What a bridge has connected is no redial any more.
        let waits = self.waiting.get(&number).filter(|redial| redial.state != State::Bridged);
        let redial = waits.map(|redial| {
            let purpose = Purpose::Redial {
                number,
                asker: redial.asker.clone(),
                wanted: redial.wanted.clone(),
                tries: redial.tries,
            };
            (purpose, redial.until)
        });
        Some((number, redial))
    }

    /// It is written down.
    pub(super) fn noted(&mut self, now: Instant, number: u64) {
        self.advance(now, number, Input::Noted);
    }

    /// A redial of the process before this one goes on: it waits, however far it was.
    pub(super) fn take_up(&mut self, now: Instant, record: &Record) -> Result<u64, RecordError> {
        let Purpose::Redial { number, asker, wanted, tries } = &record.purpose else {
            return Err(RecordError::NoPlace);
        };
        if self.waiting.len() >= MAX_REDIALS {
            return Err(RecordError::NoRoom);
        }
        if self.waiting.contains_key(number) || *tries == 0 {
            return Err(RecordError::Taken);
        }
        let known = |uri: &str| bare(uri).is_some_and(|bare| *bare == *uri);
        if !known(asker) || !known(wanted) {
            return Err(RecordError::Damaged(cordboard_sip::Malformed::new("an address cannot be read")));
        }
        if self.forbidden(asker, wanted).is_some() {
            return Err(RecordError::NoPlace);
        }
        self.numbers = self.numbers.max(*number);
        let redial = Redial {
            state: State::Waiting,
            asked: Asked::Before,
            asker: asker.clone(),
            wanted: wanted.clone(),
            until: record.due.unwrap_or(now + self.settings.within),
            tries: *tries,
            rests_until: now,
            rings_until: None,
            call: None,
            other: None,
        };
        self.waiting.insert(*number, redial);
        self.begin_to_watch(wanted, asker);
        Ok(*number)
    }

    /// There is a new directory: who is not served any more waits for nobody.
    pub(super) fn use_directory(&mut self, now: Instant, directory: &Arc<Directory>) {
        self.directory = Arc::clone(directory);
        let gone = |redial: &Redial| {
            redial.may_be_given_up() && self.forbidden(&redial.asker, &redial.wanted).is_some()
        };
        let gone: Vec<u64> =
            self.waiting.iter().filter(|(_, redial)| gone(redial)).map(|(at, _)| *at).collect();
        for at in gone {
            self.advance(now, at, Input::GivenUp);
        }
        self.turn(now);
    }

    pub(super) fn poll_answer(&mut self) -> Option<(CommandId, RedialAnswer)> {
        self.answers.pop_front()
    }

    /// Something has happened to a call of a redial.
    fn happens(&mut self, now: Instant, call: CallName, to_asker: Input, to_wanted: Input) {
        let of = |mine: fn(&Redial) -> Option<CallName>| {
            self.waiting.iter().find(|(_, redial)| mine(redial) == Some(call)).map(|(number, _)| *number)
        };
        if let Some(number) = of(|redial| redial.call) {
            self.advance(now, number, to_asker);
        } else if let Some(number) = of(|redial| redial.other) {
            self.advance(now, number, to_wanted);
        }
    }

    /// A button did not fit: what was to come of it does not come.
    fn happens_not(&mut self, now: Instant, call: CallName) {
        let of = |redial: &Redial| redial.call == Some(call) || redial.other == Some(call);
        let Some((number, redial)) = self.waiting.iter().find(|(_, redial)| of(redial)) else { return };
        let input = match redial.state {
            State::Calling => Input::AskerGone,
            State::Handing | State::HandingAlone => Input::Unable,
            State::Dialling | State::Bridging => Input::Failed,
            State::Noting | State::Waiting | State::Bridged | State::Over => return,
        };
        let number = *number;
        self.advance(now, number, input);
    }

    /// Feeds the table and does what it says.
    fn advance(&mut self, now: Instant, number: u64, input: Input) {
        let Some(redial) = self.waiting.get_mut(&number) else { return };
        let before = redial.state;
        let (state, acts) = step(before, input);
        redial.state = state;
        if state != State::Calling {
            redial.rings_until = None;
        }
        let (asked, asker, wanted) = (redial.asked, redial.asker.clone(), redial.wanted.clone());
        let mut spent = false;
        for act in acts {
            let Some(redial) = self.waiting.get_mut(&number) else { return };
            let action = match act {
                Act::Confirm => {
                    redial.asked = Asked::Before;
                    self.confirm(asked, number);
                    self.begin_to_watch(&wanted, &asker);
                    continue;
                }
                Act::CallAsker => {
                    redial.rings_until = Some(now + RINGS);
                    let call = next_call(&mut self.calls);
                    redial.call = Some(call);
                    let (to, whose) = (asker.clone(), asker.clone());
                    self.actions.push_back(CallAction::DialFor { call, to, whose });
                    Some(CallAction::Mute(call))
                }
                Act::CallWanted => {
                    let call = next_call(&mut self.calls);
                    redial.other = Some(call);
                    let (to, whose) = (wanted.clone(), asker.clone());
                    self.actions.push_back(CallAction::DialFor { call, to, whose });
                    Some(CallAction::Mute(call))
                }
                Act::HandOver => redial.call.map(|call| CallAction::Transfer { call, to: wanted.clone() }),
                Act::Bridge => {
                    redial.call.zip(redial.other).map(|(call, target)| CallAction::Bridge { call, target })
                }
                Act::ReleaseAsker => redial.call.take().map(CallAction::HangUp),
                Act::ReleaseWanted => redial.other.take().map(CallAction::HangUp),
                Act::CountTry => {
                    (redial.call, redial.other) = (None, None);
                    redial.tries = redial.tries.saturating_sub(1);
                    redial.rests_until = now + LEFT_ALONE;
                    spent = redial.tries == 0;
                    self.notes.push_back(number);
                    None
                }
                Act::Forget => {
                    self.notes.push_back(number);
                    None
                }
            };
            self.actions.extend(action);
        }
        if input == Input::Handed
            && let Some(party) = self.parties.get_mut(&wanted)
        {
            party.rests_until = now + REST;
        }
        if state == State::Over {
            if before == State::Noting {
                self.refuse(asked, Some(Status::TEMPORARILY_UNAVAILABLE));
            }
            self.waiting.remove(&number);
            self.end_to_watch(&wanted);
        } else if spent {
            self.advance(now, number, Input::GivenUp);
        }
    }
}

fn next_call(calls: &mut u64) -> CallName {
    *calls += 1;
    CallName(*calls)
}

impl Redial {
    /// Whether its end would leave nobody in the middle of something.
    const fn may_be_given_up(&self) -> bool {
        matches!(self.state, State::Noting | State::Waiting | State::Calling)
    }

    /// Whether somebody is called for it.
    const fn is_served(&self) -> bool {
        matches!(
            self.state,
            State::Calling | State::Handing | State::HandingAlone | State::Dialling | State::Bridging
        )
    }
}

/// What the end of a handover means for a redial.
const fn handed(outcome: Outcome, status: Option<Status>) -> Input {
    match (outcome, status) {
        (Outcome::Completed, _) => Input::Handed,
        (Outcome::TargetBusy, _) => Input::Busy,
        // Somebody has said no, where others do not know what is asked.
        (Outcome::Refused, Some(Status::DECLINE)) => Input::Failed,
        (Outcome::Refused, _) => Input::Unable,
        (_, _) => Input::Failed,
    }
}
