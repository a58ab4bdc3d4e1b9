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

use super::connecting::{Connecting, End};
use super::{TONE, bare};
use crate::call::{CallAction, CallEvent, CallName};
use crate::directory::Directory;
use crate::door::CommandId;
use crate::kept::{Purpose, Record, RecordError};
use crate::news::{RedialNews, RedialState};
use crate::operate::Needs;
use crate::redials::{MAX_REDIALS, RedialAnswer};
use crate::settings;
use asking::Asked;
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
    /// What came of it last.
    outcome: Outcome,
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
    /// Those who are served, by the same number.
    connecting: Connecting,
    actions: VecDeque<CallAction>,
    answers: VecDeque<(CommandId, RedialAnswer)>,
    /// What is to be written down, or forgotten.
    notes: VecDeque<u64>,
    /// What is told of them: no more than happens at once.
    news: VecDeque<RedialNews>,
    /// Calls whose only sense is to say that something is done, and how long they do.
    confirming: BTreeMap<CallName, Option<Instant>>,
    numbers: u64,
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
            connecting: Connecting::default(),
            actions: VecDeque::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            news: VecDeque::new(),
            confirming: BTreeMap::new(),
            numbers: 0,
            watches: 0,
        }
    }

    /// By other settings from now on; what waits goes on by those under which it was asked for.
    pub(super) fn change(&mut self, settings: &settings::Redial) {
        self.settings = settings.clone();
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Asked { call, from, to, .. } => {
                let asked = self.ask(now, from, to, Asked::ByRefer(*call));
                self.refuse(Asked::ByRefer(*call), asked.err());
            }
            CallEvent::Incoming { call, from, at, member, .. } => self.dialled(now, *call, from, at, *member),
            CallEvent::Established(call) if self.confirming.contains_key(call) => {
                self.confirming.insert(*call, Some(now + TONE));
            }
            CallEvent::Ended { call, .. } if self.confirming.remove(call).is_some() => {}
            CallEvent::Watching(event) => self.watched(now, event),
            event => self.connecting.hears(event),
        }
        self.learn(now);
        self.turn(now);
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front().or_else(|| self.connecting.poll_action())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for at in self.to_be_given_up(|redial| redial.until <= now) {
            self.gives_up(now, at, Outcome::TimedOut);
        }
        self.connecting.handle_timeout(now);
        let said = self.confirming.iter().filter(|(_, until)| until.is_some_and(|until| until <= now));
        for call in said.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.confirming.remove(&call);
            self.actions.push_back(CallAction::HangUp(call));
        }
        self.watch_again(now);
        self.turn(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let open = self.waiting.iter().filter(|(number, redial)| self.may_be_given_up(**number, redial));
        let ends = open.map(|(_, redial)| redial.until);
        let tones = self.confirming.values().flatten().copied();
        ends.chain(self.connecting.poll_timeout()).chain(tones).chain(self.next_look()).min()
    }

    /// The next that is to be written down, or to be forgotten.
    pub(super) fn poll_note(&mut self) -> Option<(u64, Option<(Purpose, Instant)>)> {
        let number = self.notes.pop_front()?;
        let redial = self.waiting.get(&number).map(|redial| {
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
            outcome: Outcome::Unfinished,
        };
        self.waiting.insert(*number, redial);
        self.begin_to_watch(wanted, asker);
        Ok(*number)
    }

    /// There is a new directory: who is not served any more waits for nobody.
    pub(super) fn use_directory(&mut self, now: Instant, directory: &Arc<Directory>) {
        self.directory = Arc::clone(directory);
        let gone = self.to_be_given_up(|redial| self.forbidden(&redial.asker, &redial.wanted).is_some());
        for at in gone {
            self.gives_up(now, at, Outcome::NotAllowed);
        }
        self.turn(now);
    }

    /// The next that is told of them.
    pub(super) fn poll_news(&mut self) -> Option<RedialNews> {
        self.news.pop_front()
    }

    pub(super) fn poll_answer(&mut self) -> Option<(CommandId, RedialAnswer)> {
        self.answers.pop_front()
    }

    /// Takes in which of those who were served are so no longer.
    fn learn(&mut self, now: Instant) {
        while let Some((number, ended)) = self.connecting.poll_ended() {
            let failed = || ended.report.as_ref().map_or(Outcome::Failed, |report| report.outcome);
            let (input, outcome) = match ended.end {
                End::Connected => (Input::Connected, Outcome::Completed),
                End::NoAsker => (Input::InVain, Outcome::NoAnswer),
                End::Busy => (Input::InVain, Outcome::TargetBusy),
                End::AskerLeft => (Input::Failed, Outcome::TransfereeLeft),
                End::Unable | End::Failed => (Input::Failed, failed()),
                End::GivenUp => (Input::GivenUp, Outcome::Cancelled),
            };
            if let Some(redial) = self.waiting.get_mut(&number) {
                redial.outcome = outcome;
            }
            self.advance(now, number, input);
        }
    }

    /// Whether the end of one would leave nobody in the middle of something.
    fn may_be_given_up(&self, number: u64, redial: &Redial) -> bool {
        match redial.state {
            State::Noting | State::Waiting => true,
            State::Served => self.connecting.only_calls(number),
            State::Over => false,
        }
    }

    /// Those of a kind that may be given up.
    fn to_be_given_up(&self, of: impl Fn(&Redial) -> bool) -> Vec<u64> {
        let fits = |(number, redial): &(&u64, &Redial)| of(redial) && self.may_be_given_up(**number, redial);
        self.waiting.iter().filter(fits).map(|(number, _)| *number).collect()
    }

    /// Nobody waits for it any more, and that came of it.
    fn gives_up(&mut self, now: Instant, number: u64, outcome: Outcome) {
        if let Some(redial) = self.waiting.get_mut(&number) {
            redial.outcome = outcome;
        }
        self.advance(now, number, Input::GivenUp);
    }

    /// Tells where a redial has got; of what was never kept nothing is told.
    fn tell(&mut self, number: u64, before: State) {
        let Some(redial) = self.waiting.get(&number) else { return };
        let state = match (before, redial.state) {
            (before, state) if before == state => return,
            (State::Noting, State::Over) | (_, State::Noting) => return,
            (_, State::Waiting) => RedialState::Waiting,
            (_, State::Served) => RedialState::Calling,
            (_, State::Over) => RedialState::Ended(redial.outcome),
        };
        let (asker, wanted) = (redial.asker.clone(), redial.wanted.clone());
        self.news.push_back(RedialNews { number, asker, wanted, state });
    }

    /// Feeds the table and does what it says.
    fn advance(&mut self, now: Instant, number: u64, input: Input) {
        let Some(redial) = self.waiting.get_mut(&number) else { return };
        let before = redial.state;
        let (state, acts) = step(before, input);
        redial.state = state;
        let (asked, asker, wanted) = (redial.asked, redial.asker.clone(), redial.wanted.clone());
        let mut spent = false;
        for act in acts {
            let Some(redial) = self.waiting.get_mut(&number) else { return };
            match act {
                Act::Confirm => {
                    redial.asked = Asked::Before;
                    self.confirm(asked, number);
                    self.begin_to_watch(&wanted, &asker);
                }
                Act::Connect => self.connecting.begin(now, number, (&asker, &wanted), Needs::Nothing),
                Act::Disconnect => self.connecting.give_up(number),
                Act::CountTry => {
                    redial.tries = redial.tries.saturating_sub(1);
                    redial.rests_until = now + LEFT_ALONE;
                    spent = redial.tries == 0;
                    self.notes.push_back(number);
                }
                Act::Forget => self.notes.push_back(number),
            }
        }
        if input == Input::Connected
            && let Some(party) = self.parties.get_mut(&wanted)
        {
            party.rests_until = now + REST;
        }
        if !spent {
            self.tell(number, before);
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
