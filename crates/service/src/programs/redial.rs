//! Automatic redial as a service (RFC 5359 §2.17), for telephones that cannot do it themselves.
//!
//! Whoever has called somebody busy asks the server to be called back: by REFER, or by dialling its code. The server
//! watches the calls of whoever is wanted (RFC 4235); when these are over it calls the *asker*, and hands the call over to
//! whoever is *wanted*: by REFER, so that it is the asker's own call, or by a bridge where that does not work. Who wait for
//! the same party are served one after the other, in the order in which they asked.

use crate::call::{CallAction, CallEvent, CallName};
use crate::door::CommandId;
use crate::kept::{Purpose, Record, RecordError};
use crate::redials::{self, RedialAction, RedialAnswer};
use crate::settings;
use crate::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::body::dialog_info::State as RowState;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::uri::Uri;
use cordboard_sip::{Status, UriRef};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Redials that one server may have, and that one asker may.
const MAX_REDIALS: usize = 1_000;
const MAX_OF_ONE: usize = 16;

/// After a try that came to nothing, and after a call was handed over: until then whoever is wanted may seem free.
const REST: Duration = Duration::from_secs(5);

/// How long an asker who did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// After what time a party is watched again whose notifier has ended the subscription without a reason to give up.
const WATCHED_AGAIN: Duration = Duration::from_secs(30);

/// For how long at a time.
const WATCHED: Duration = Duration::from_hours(1);

/// How a redial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is being written down.
    Noting,
    /// Whoever is wanted is busy, or it is not its turn.
    Waiting,
    /// The asker is called.
    Calling,
    /// The asker is asked to call whoever is wanted.
    Handing,
    /// The asker has left the call in which it was asked: to call, or for good.
    HandingAlone,
    /// The asker cannot be asked that, and we call whoever is wanted.
    Dialling,
    /// The two are being bridged.
    Bridging,
    /// They are, and the server stays between them.
    Bridged,
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// It is written down.
    Noted,
    /// Whoever is wanted is free, and nobody comes first.
    Turn,
    AskerUp,
    AskerGone,
    /// The asker has whoever is wanted.
    Handed,
    /// Somebody else was first.
    Busy,
    /// The asker's telephone does not know how.
    Unable,
    /// It will not be tried again.
    Failed,
    WantedUp,
    /// The time is over, or nobody wants it any more.
    GivenUp,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Tell the asker that it is taken.
    Confirm,
    CallAsker,
    HandOver,
    CallWanted,
    Bridge,
    ReleaseAsker,
    ReleaseWanted,
    /// One try less; the last is the end.
    CountTry,
    Forget,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Noting, Noted)              => (Waiting,      &[Confirm]),
        (Waiting, Turn)              => (Calling,      &[CallAsker]),
        (Calling, AskerUp)           => (Handing,      &[HandOver]),
        (Calling, AskerGone)         => (Waiting,      &[CountTry]),
        (Handing, AskerGone)         => (HandingAlone, &[]),
        (Handing | HandingAlone, Handed) => (Over,     &[Forget]),
        (Handing, Busy)              => (Waiting,      &[ReleaseAsker, CountTry]),
        (HandingAlone, Busy)         => (Waiting,      &[CountTry]),
        (Handing, Unable)            => (Dialling,     &[CallWanted]),
        (Dialling, WantedUp)         => (Bridging,     &[Bridge]),
        (Dialling, Busy)             => (Waiting,      &[ReleaseAsker, CountTry]),
        (Bridging, Handed)           => (Bridged,      &[Forget]),
        (Noting | Waiting, GivenUp)  => (Over,         &[Forget]),
        (Calling, GivenUp)           => (Over,         &[ReleaseAsker, Forget]),
        (HandingAlone, Unable | Failed) => (Over,      &[Forget]),
        (Handing | Dialling, Failed) => (Over,         &[ReleaseAsker, Forget]),
        (Dialling, AskerGone)        => (Over,         &[ReleaseWanted, Forget]),
        (Bridging, AskerGone | Busy | Unable | Failed) => (Over, &[ReleaseAsker, ReleaseWanted, Forget]),
        // Each of the two calls ends when the other does.
        (Bridged, AskerGone | Failed) => (Over,        &[]),
        // What comes twice or too late. What has got so far goes on by itself.
        (Noting, Turn | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp)
        | (Waiting, Noted | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp)
        | (Calling, Noted | Turn | Handed | Busy | Unable | Failed | WantedUp)
        | (Handing | Bridging, Noted | Turn | AskerUp | WantedUp | GivenUp)
        | (HandingAlone, Noted | Turn | AskerUp | AskerGone | WantedUp | GivenUp)
        | (Dialling, Noted | Turn | AskerUp | Handed | Unable | GivenUp)
        | (Bridged, Noted | Turn | AskerUp | Handed | Busy | Unable | WantedUp | GivenUp)
        | (Over, Noted | Turn | AskerUp | AskerGone | Handed | Busy | Unable | Failed | WantedUp | GivenUp)
                                     => (state,        &[]),
    }
}

/// How the asker has asked, until that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// By REFER.
    ByRefer(CallName),
    /// By dialling.
    ByCall(CallName),
    /// By those who run the server.
    ByCommand(CommandId),
    /// Nobody waits for an answer.
    Before,
}

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
    /// The call with the asker.
    call: Option<CallName>,
    /// The call with whoever is wanted, where the server makes it.
    other: Option<CallName>,
}

/// Somebody who is wanted, by address.
#[derive(Debug)]
struct Party {
    /// Nothing while nobody tells us of their calls.
    watch: Option<WatchName>,
    free: bool,
    /// When to watch again, if nobody does.
    again_at: Option<Instant>,
    /// Until when nobody is served, for whoever is wanted may have a call that we have not been told of.
    rests_until: Instant,
}

/// The program.
#[derive(Debug)]
pub(crate) struct Redials {
    settings: settings::Redial,
    /// The user part of the server's own address, and its domain.
    user: Box<str>,
    domain: Box<str>,
    /// By number, so in the order in which they were asked for.
    waiting: BTreeMap<u64, Redial>,
    parties: BTreeMap<Box<str>, Party>,
    actions: VecDeque<CallAction>,
    answers: VecDeque<(CommandId, RedialAnswer)>,
    /// What is to be written down, or forgotten.
    notes: VecDeque<u64>,
    /// Calls whose only sense is to say that something is done.
    confirming: Vec<CallName>,
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
            waiting: BTreeMap::new(),
            parties: BTreeMap::new(),
            actions: VecDeque::new(),
            answers: VecDeque::new(),
            notes: VecDeque::new(),
            confirming: Vec::new(),
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
            CallEvent::Established(call) => match self.confirming.iter().position(|known| known == call) {
                Some(at) => self.actions.push_back(CallAction::HangUp(self.confirming.swap_remove(at))),
                None => self.happens(now, *call, Input::AskerUp, Input::WantedUp),
            },
            CallEvent::Ended { call, outcome, .. } => {
                self.confirming.retain(|known| known != call);
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
        let blind: Vec<Box<str>> = self
            .parties
            .iter()
            .filter(|(_, party)| party.again_at.is_some_and(|due| due <= now))
            .map(|(wanted, _)| wanted.clone())
            .collect();
        for wanted in blind {
            self.watch(&wanted);
        }
        self.turn(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.waiting.values().filter(|redial| redial.may_be_given_up()).map(|redial| redial.until);
        let watches = self.parties.values().filter_map(|party| party.again_at);
        let turns =
            self.parties.iter().filter_map(|(wanted, party)| self.next_turn(wanted, party)).map(|(at, _)| at);
        ends.chain(watches).chain(turns).min()
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
        self.numbers = self.numbers.max(*number);
        let redial = Redial {
            state: State::Waiting,
            asked: Asked::Before,
            asker: asker.clone(),
            wanted: wanted.clone(),
            until: record.due.unwrap_or(now + self.settings.within),
            tries: *tries,
            rests_until: now,
            call: None,
            other: None,
        };
        self.waiting.insert(*number, redial);
        self.begin_to_watch(wanted);
        Ok(*number)
    }

    /// Those who run the server want something.
    pub(super) fn command(&mut self, now: Instant, id: CommandId, action: RedialAction) {
        let answer = match action {
            RedialAction::List => RedialAnswer::Waiting(self.list(now)),
            RedialAction::Ask { asker, wanted } => match self.ask(now, &asker, &wanted, Asked::ByCommand(id))
            {
                // Told once it is written down.
                Ok(_) => return,
                Err(status) => RedialAnswer::Refused(status),
            },
            RedialAction::Cancel(number) => {
                let fits = self.waiting.get(&number).is_some_and(Redial::may_be_given_up);
                if fits {
                    self.advance(now, number, Input::GivenUp);
                    self.turn(now);
                }
                if fits { RedialAnswer::Cancelled } else { RedialAnswer::NoSuch }
            }
        };
        self.answers.push_back((id, answer));
    }

    pub(super) fn poll_answer(&mut self) -> Option<(CommandId, RedialAnswer)> {
        self.answers.pop_front()
    }

    /// Those that are not over.
    fn list(&self, now: Instant) -> Vec<redials::Redial> {
        let told = |(number, redial): (&u64, &Redial)| redials::Redial {
            number: *number,
            asker: redial.asker.clone(),
            wanted: redial.wanted.clone(),
            left: redial.until.since(now),
            tries: redial.tries,
        };
        self.waiting.iter().map(told).collect()
    }

    /// Takes a redial; asking for the same again begins its time anew.
    fn ask(&mut self, now: Instant, asker: &str, wanted: &str, asked: Asked) -> Result<u64, Status> {
        let asker = bare(asker).ok_or(Status::BAD_REQUEST)?;
        let wanted = bare(wanted).ok_or(Status::ADDRESS_INCOMPLETE)?;
        if asker == wanted {
            return Err(Status::LOOP_DETECTED);
        }
        let until = now + self.settings.within;
        let tries = self.settings.tries;
        let same = |redial: &Redial| redial.asker == asker && redial.wanted == wanted;
        if let Some((number, redial)) = self.waiting.iter_mut().find(|(_, redial)| same(redial)) {
            let number = *number;
            if !matches!(redial.state, State::Noting | State::Waiting) {
                return Err(Status::BUSY_HERE);
            }
            let before = std::mem::replace(&mut redial.asked, asked);
            let noting = redial.state == State::Noting;
            (redial.state, redial.until, redial.tries) = (State::Noting, until, tries);
            if noting {
                self.confirm(before, number);
            }
            self.notes.push_back(number);
            return Ok(number);
        }
        let of_one = self.waiting.values().filter(|redial| redial.asker == asker).count();
        if self.waiting.len() >= MAX_REDIALS || of_one >= MAX_OF_ONE {
            return Err(Status::TEMPORARILY_UNAVAILABLE);
        }
        self.numbers += 1;
        let redial = Redial {
            state: State::Noting,
            asked,
            asker,
            wanted,
            until,
            tries,
            rests_until: now,
            call: None,
            other: None,
        };
        self.waiting.insert(self.numbers, redial);
        self.notes.push_back(self.numbers);
        Ok(self.numbers)
    }

    /// Somebody dials the server: its code with whom they want after it, or nothing after it to give up what they wait for.
    fn dialled(&mut self, now: Instant, call: CallName, from: &str, at: &str, member: bool) {
        let asked = Asked::ByCall(call);
        if !member {
            return self.refuse(asked, Some(Status::FORBIDDEN));
        }
        let user = UriRef::parse(at).ok().and_then(|uri| Some(uri.user()?.to_owned())).unwrap_or_default();
        match user.strip_prefix(&*self.settings.code) {
            // Whoever was handed over in vain calls back (RFC 5359 §2.4), and waits on.
            _ if user == *self.user => self.refuse(asked, Some(Status::TEMPORARILY_UNAVAILABLE)),
            Some("") => self.gives_up_all(now, from, asked),
            Some(wanted) => {
                let wanted = format!("sip:{wanted}@{}", self.domain);
                let taken = self.ask(now, from, &wanted, asked);
                self.refuse(asked, taken.err());
            }
            None => self.refuse(asked, Some(Status::NOT_FOUND)),
        }
    }

    fn gives_up_all(&mut self, now: Instant, from: &str, asked: Asked) {
        let asker = bare(from).unwrap_or_default();
        let own = |redial: &Redial| redial.asker == asker && redial.may_be_given_up();
        let own: Vec<u64> =
            self.waiting.iter().filter(|(_, redial)| own(redial)).map(|(at, _)| *at).collect();
        if own.is_empty() {
            return self.refuse(asked, Some(Status::NOT_FOUND));
        }
        for at in own {
            self.advance(now, at, Input::GivenUp);
        }
        self.confirm(asked, 0);
    }

    fn confirm(&mut self, asked: Asked, number: u64) {
        match asked {
            Asked::ByCommand(id) => self.answers.push_back((id, RedialAnswer::Taken(number))),
            Asked::ByRefer(call) => self.actions.push_back(CallAction::Take(call)),
            Asked::ByCall(call) => {
                self.confirming.push(call);
                self.actions.push_back(CallAction::Answer(call));
            }
            Asked::Before => {}
        }
    }

    fn refuse(&mut self, asked: Asked, status: Option<Status>) {
        let Some(status) = status else { return };
        match asked {
            Asked::ByCommand(id) => self.answers.push_back((id, RedialAnswer::Refused(status))),
            Asked::ByRefer(call) => self.actions.push_back(CallAction::Refuse(call, status)),
            Asked::ByCall(call) => self.actions.push_back(CallAction::Decline(call, status)),
            Asked::Before => {}
        }
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

    /// Whoever is wanted is told of.
    fn watched(&mut self, now: Instant, event: &WatchEvent) {
        let watch = event.watch();
        let Some((wanted, party)) = self.parties.iter_mut().find(|(_, party)| party.watch == Some(watch))
        else {
            return;
        };
        if matches!(event, WatchEvent::Ended { .. } | WatchEvent::Impossible(_)) {
            (party.watch, party.free) = (None, false);
        }
        match event {
            WatchEvent::State { state, .. } => {
                if let Watched::Dialogs(rows) = &**state {
                    party.free = rows.iter().all(|row| row.state == RowState::Terminated);
                }
            }
            WatchEvent::Ended { status: None, again, .. } => {
                party.again_at = Some(now + again.unwrap_or(WATCHED_AGAIN));
            }
            // Nobody will ever tell us: there is nobody of that name, or they do not want us to know.
            WatchEvent::Ended { status: Some(status), .. } if !is_passing(*status) => {
                let wanted = wanted.clone();
                self.gives_up_party(now, &wanted);
            }
            WatchEvent::Ended { .. } | WatchEvent::Impossible(_) => {
                party.again_at = Some(now + WATCHED_AGAIN);
            }
            WatchEvent::Pending(_) | WatchEvent::Again { .. } => party.free = false,
        }
    }

    fn gives_up_party(&mut self, now: Instant, wanted: &str) {
        let of = |redial: &Redial| *redial.wanted == *wanted && redial.may_be_given_up();
        let given: Vec<u64> =
            self.waiting.iter().filter(|(_, redial)| of(redial)).map(|(at, _)| *at).collect();
        for at in given {
            self.advance(now, at, Input::GivenUp);
        }
    }

    /// Whose turn it is next with a party that is free, and from when on.
    fn next_turn(&self, wanted: &str, party: &Party) -> Option<(Instant, u64)> {
        let of_party = || self.waiting.iter().filter(|(_, redial)| *redial.wanted == *wanted);
        if !party.free || of_party().any(|(_, redial)| redial.is_served()) {
            return None;
        }
        let waits = of_party().filter(|(_, redial)| redial.state == State::Waiting);
        // Who asked first is first, unless they are left alone for a while.
        waits.map(|(number, redial)| (redial.rests_until.max(party.rests_until), *number)).min()
    }

    /// Serves those whose turn it is.
    fn turn(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .parties
            .iter()
            .filter_map(|(wanted, party)| self.next_turn(wanted, party))
            .filter(|(at, _)| *at <= now)
            .map(|(_, number)| number)
            .collect();
        for number in due {
            self.advance(now, number, Input::Turn);
        }
    }

    fn begin_to_watch(&mut self, wanted: &str) {
        if !self.parties.contains_key(wanted) {
            let party = Party { watch: None, free: false, again_at: None, rests_until: Instant::START };
            self.parties.insert(wanted.into(), party);
            self.watch(wanted);
        }
    }

    fn watch(&mut self, wanted: &str) {
        let Some(party) = self.parties.get_mut(wanted) else { return };
        self.watches += 1;
        let watch = WatchName(self.watches);
        party.watch = Some(watch);
        party.again_at = None;
        self.actions.push_back(CallAction::Watching(WatchAction::Begin {
            watch,
            whom: Whom::Address(format!("<{wanted}>").into()),
            package: Package::Dialog,
            expires: WATCHED,
        }));
    }

    /// Nobody waits for a party any more.
    fn end_to_watch(&mut self, wanted: &str) {
        if self.waiting.values().any(|redial| *redial.wanted == *wanted) {
            return;
        }
        if let Some(watch) = self.parties.remove(wanted).and_then(|party| party.watch) {
            self.actions.push_back(CallAction::Watching(WatchAction::End(watch)));
        }
    }

    /// Feeds the table and does what it says.
    fn advance(&mut self, now: Instant, number: u64, input: Input) {
        let Some(redial) = self.waiting.get_mut(&number) else { return };
        let before = redial.state;
        let (state, acts) = step(before, input);
        redial.state = state;
        let (asked, wanted) = (redial.asked, redial.wanted.clone());
        let mut spent = false;
        for act in acts {
            let Some(redial) = self.waiting.get_mut(&number) else { return };
            let action = match act {
                Act::Confirm => {
                    redial.asked = Asked::Before;
                    self.confirm(asked, number);
                    self.begin_to_watch(&wanted);
                    continue;
                }
                Act::CallAsker | Act::CallWanted => {
                    self.calls += 1;
                    let call = CallName(self.calls);
                    let to = if *act == Act::CallAsker { &redial.asker } else { &redial.wanted };
                    let dial = CallAction::Dial { call, to: to.clone(), offer: true };
                    let place = if *act == Act::CallAsker { &mut redial.call } else { &mut redial.other };
                    *place = Some(call);
                    Some(dial)
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

/// Whether it makes sense to ask again later after such a refusal.
const fn is_passing(status: Status) -> bool {
    matches!(status.code(), 408 | 480 | 481 | 486 | 500 | 503 | 504)
}

/// Whom an address or a URI names: scheme, user and host, and nothing else.
fn bare(address: &str) -> Option<Box<str>> {
    let bracketed;
    let address = if address.contains('<') {
        address
    } else {
        bracketed = format!("<{address}>");
        &bracketed
    };
    let mut uri: Uri = NameAddrRef::parse(address).ok()?.uri_text().parse().ok()?;
    let sip = uri.as_sip_mut()?;
    sip.params = cordboard_sip::uri::UriParams::default();
    sip.headers = cordboard_sip::uri::UriHeaders::default();
    sip.user().filter(|user| !user.is_empty())?;
    Some(uri.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 9] =
        [Noting, Waiting, Calling, Handing, HandingAlone, Dialling, Bridging, Bridged, Over];
    const INPUTS: [Input; 10] = [
        I::Noted,
        I::Turn,
        I::AskerUp,
        I::AskerGone,
        I::Handed,
        I::Busy,
        I::Unable,
        I::Failed,
        I::WantedUp,
        I::GivenUp,
    ];

    /// What is over is over on disk too, and nobody is left in a call that leads nowhere.
    #[test]
    fn an_end_is_written_down_and_leaves_nobody_alone() {
        for state in STATES.into_iter().filter(|state| !matches!(state, Bridged | Over)) {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                if next == Over || next == Bridged {
                    assert!(acts.contains(&Forget), "{state:?} {input:?}");
                }
                let asker_is_there = matches!(state, Calling | Handing | Dialling);
                let goes = input == I::AskerGone || input == I::Handed;
                if asker_is_there && !goes && matches!(next, Over | Waiting) {
                    assert!(acts.contains(&ReleaseAsker), "{state:?} {input:?}");
                }
            }
        }
    }

    /// Only somebody else's being first costs a try, or the asker's not being there.
    #[test]
    fn each_way_back_to_waiting_costs_a_try() {
        for state in STATES {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                let back = next == Waiting && !matches!(state, Noting | Waiting);
                assert_eq!(back, acts.contains(&CountTry), "{state:?} {input:?}");
            }
        }
    }

    #[test]
    fn nobody_is_called_before_it_is_written_down() {
        for input in INPUTS {
            let (next, acts) = step(Noting, input);
            assert!(!acts.contains(&CallAsker) && matches!(next, Noting | Waiting | Over), "{input:?}");
        }
    }

    #[test]
    fn whom_an_address_names() {
        assert_eq!(
            bare("Bob <sip:bob@Example.com;user=phone>;tag=1").as_deref(),
            Some("sip:bob@example.com")
        );
        assert_eq!(
            bare("sip:bob@example.com:5070;transport=tcp").as_deref(),
            Some("sip:bob@example.com:5070")
        );
        assert_eq!([bare("sip:example.com"), bare("tel:+1555"), bare("bob")], [None, None, None]);
    }
}
