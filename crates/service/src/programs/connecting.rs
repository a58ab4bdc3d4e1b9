//! Connecting two people by calling one of them (RFC 5359 §2.17, §2.18).
//!
//! The *asker* is called, and that call is handed over to whoever is *wanted*: by REFER, so that it is the asker's own
//! call, or by a bridge where the asker's telephone knows no REFER. Whoever wants such a thing done names it by a number,
//! and is told how it ended.

use crate::call::{CallAction, CallEvent, CallName};
use crate::operate::Needs;
use crate::telephone::verdict::target_outcome;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::Status;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How long the asker's telephone rings.
const RINGS: Duration = Duration::from_mins(1);

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The asker is called.
    Calling,
    /// The asker's telephone is asked what it knows.
    Asking,
    /// The asker is asked to call whoever is wanted.
    Handing,
    /// The asker has left the call in which it was asked: to call, or for good.
    HandingAlone,
    /// The asker cannot be asked that, and we call whoever is wanted.
    Dialling,
    /// The two are being bridged.
    Bridging,
    /// They are, and we stay between them.
    Bridged,
    Over,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    AskerUp,
    /// The same, where it must be known first whether their telephone can do what it will be asked.
    AskerUpToTell,
    /// It can.
    Able,
    AskerGone,
    /// The asker has whoever is wanted.
    Handed,
    /// Whoever is wanted is busy.
    Busy,
    /// The asker's telephone does not know how.
    Unable,
    /// It will not come about.
    Failed,
    WantedUp,
    /// Nobody wants it any more.
    GivenUp,
}

/// What we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    AskAbilities,
    HandOver,
    CallWanted,
    Bridge,
    ReleaseAsker,
    ReleaseWanted,
    Tell(End),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The two have each other.
    Connected,
    /// The asker was not reached.
    NoAsker,
    /// The asker hung up before the other was there.
    AskerLeft,
    /// Their telephone does not know what it would be asked to do.
    Unable,
    /// Whoever is wanted is busy.
    Busy,
    /// Whoever is wanted was not reached, or not asked.
    Failed,
    /// It was given up in time.
    GivenUp,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Calling, AskerUp)           => (Handing,      &[HandOver]),
        (Calling, AskerUpToTell)     => (Asking,       &[AskAbilities]),
        (Asking, Able)               => (Handing,      &[HandOver]),
        (Asking, Unable | Failed)    => (Over,         &[ReleaseAsker, Tell(End::Unable)]),
        (Asking, AskerGone)          => (Over,         &[Tell(End::AskerLeft)]),
        (Asking, GivenUp)            => (Over,         &[ReleaseAsker, Tell(End::GivenUp)]),
        (Calling, AskerGone)         => (Over,         &[Tell(End::NoAsker)]),
        (Calling, GivenUp)           => (Over,         &[ReleaseAsker, Tell(End::GivenUp)]),
        (Handing, AskerGone)         => (HandingAlone, &[]),
        (Handing | HandingAlone, Handed) => (Over,     &[Tell(End::Connected)]),
        (Handing, Busy)              => (Over,         &[ReleaseAsker, Tell(End::Busy)]),
        (HandingAlone, Busy)         => (Over,         &[Tell(End::Busy)]),
        (Handing, Unable)            => (Dialling,     &[CallWanted]),
        (Dialling, WantedUp)         => (Bridging,     &[Bridge]),
        (Dialling, Busy)             => (Over,         &[ReleaseAsker, Tell(End::Busy)]),
        (Bridging, Handed)           => (Bridged,      &[Tell(End::Connected)]),
        (HandingAlone, Unable | Failed) => (Over,      &[Tell(End::Failed)]),
        (Handing | Dialling, Failed) => (Over,         &[ReleaseAsker, Tell(End::Failed)]),
        (Dialling, AskerGone)        => (Over,         &[ReleaseWanted, Tell(End::AskerLeft)]),
        (Dialling, GivenUp)          => (Over,         &[ReleaseAsker, ReleaseWanted, Tell(End::GivenUp)]),
        (Bridging, AskerGone)        => (Over,         &[ReleaseWanted, Tell(End::AskerLeft)]),
        (Bridging, Busy | Unable | Failed) => (Over,   &[ReleaseAsker, ReleaseWanted, Tell(End::Failed)]),
        // Each of the two calls ends when the other does.
        (Bridged, AskerGone | Failed) => (Over,        &[]),
        // What comes twice or too late. What has got so far goes on by itself.
        (Calling, Able | Handed | Busy | Unable | Failed | WantedUp)
        | (Asking, AskerUp | AskerUpToTell | Handed | Busy | WantedUp)
        | (Handing | Bridging, AskerUp | AskerUpToTell | Able | WantedUp | GivenUp)
        | (HandingAlone, AskerUp | AskerUpToTell | Able | AskerGone | WantedUp | GivenUp)
        | (Dialling, AskerUp | AskerUpToTell | Able | Handed | Unable)
        | (Bridged, AskerUp | AskerUpToTell | Able | Handed | Busy | Unable | WantedUp | GivenUp)
        | (Over, AskerUp | AskerUpToTell | Able | AskerGone | Handed | Busy | Unable | Failed | WantedUp | GivenUp)
                                     => (state,        &[]),
    }
}

/// How it ended, with what was said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) end: End,
    /// Of the call with the asker if that was not reached, else of the call with whoever is wanted. None if there was no
    /// room for a call.
    pub(super) report: Option<Report>,
}

/// What was told last of either call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) outcome: Outcome,
    pub(super) status: Option<Status>,
    /// In a sentence, if the asker's telephone has reported it.
    pub(super) says: Option<Box<str>>,
}

#[derive(Debug)]
struct Connection {
    state: State,
    asker: Box<str>,
    wanted: Box<str>,
    needs: Needs,
    /// Until when the asker is called, if nobody answers.
    rings_until: Option<Instant>,
    /// The call with the asker.
    call: Option<CallName>,
    /// The call with whoever is wanted, where we make it.
    other: Option<CallName>,
    report: Option<Report>,
}

/// All of them, by number.
#[derive(Debug, Default)]
pub(super) struct Connecting {
    table: BTreeMap<u64, Connection>,
    actions: VecDeque<CallAction>,
    ended: VecDeque<(u64, Ended)>,
    calls: u64,
}

impl Connecting {
    /// Calls the asker. Nobody else may have that number; nothing bounds how many there are but whoever numbers them, and
    /// how many calls the telephone has room for.
    pub(super) fn begin(&mut self, now: Instant, number: u64, (asker, wanted): (&str, &str), needs: Needs) {
        self.calls += 1;
        let call = CallName(self.calls);
        let connection = Connection {
            state: State::Calling,
            asker: asker.into(),
            wanted: wanted.into(),
            needs,
            rings_until: Some(now + RINGS),
            call: Some(call),
            other: None,
            report: None,
        };
        self.table.insert(number, connection);
        self.actions.push_back(CallAction::DialFor { call, to: asker.into(), whose: asker.into() });
        self.actions.push_back(CallAction::Mute(call));
    }

    /// Nobody wants it any more, as far as that can still be helped.
    pub(super) fn give_up(&mut self, number: u64) {
        self.advance(number, Input::GivenUp);
    }

    /// Whether its end would leave nobody in the middle of something.
    pub(super) fn only_calls(&self, number: u64) -> bool {
        self.table.get(&number).is_some_and(|connection| connection.state == State::Calling)
    }

    /// How many there are, those that stay between two included.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn hears(&mut self, event: &CallEvent) {
        match event {
            CallEvent::Established(call) => {
                let up = match self.needs(*call) {
                    Needs::Nothing => Input::AskerUp,
                    Needs::Join => Input::AskerUpToTell,
                };
                self.happens(*call, up, Input::WantedUp, None);
            }
            CallEvent::Abilities { call, supported, .. } => {
                let knows = supported.split(", ").any(|option| option.eq_ignore_ascii_case("join"));
                let input = if knows { Input::Able } else { Input::Unable };
                self.happens(*call, input, input, None);
            }
            CallEvent::Ended { call, outcome, status, .. } => {
                let wanted = if *outcome == Outcome::Busy { Input::Busy } else { Input::Failed };
                let report = Report { outcome: *outcome, status: *status, says: None };
                self.happens(*call, Input::AskerGone, wanted, Some(report));
            }
            CallEvent::Transferred { call, outcome, status, says, .. } => {
                let input = match (handed(*outcome, *status), self.needs(*call)) {
                    // Only their own telephone can join a call for them.
                    (Input::Unable, Needs::Join) => Input::Failed,
                    (input, _) => input,
                };
                let report = Report { outcome: *outcome, status: *status, says: Some(says.clone()) };
                self.happens(*call, input, input, Some(report));
            }
            CallEvent::Impossible(call) => self.happens_not(*call),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    /// The next that has ended, by its number.
    pub(super) fn poll_ended(&mut self) -> Option<(u64, Ended)> {
        self.ended.pop_front()
    }

    /// Gives up the calls that nobody answers.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for connection in self.table.values_mut() {
            if connection.rings_until.take_if(|until| *until <= now).is_some() {
                // Its end is told, as that of any other.
                self.actions.extend(connection.call.map(CallAction::HangUp));
            }
        }
    }

    /// When it wants to look again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.table.values().filter_map(|connection| connection.rings_until).min()
    }

    fn number_of(&self, call: CallName) -> Option<u64> {
        let has = |connection: &Connection| [connection.call, connection.other].contains(&Some(call));
        self.table.iter().find(|(_, connection)| has(connection)).map(|(number, _)| *number)
    }

    fn needs(&self, call: CallName) -> Needs {
        let connection = self.number_of(call).and_then(|number| self.table.get(&number));
        connection.map_or(Needs::Nothing, |connection| connection.needs)
    }

    fn happens(&mut self, call: CallName, to_asker: Input, to_wanted: Input, report: Option<Report>) {
        let Some(number) = self.number_of(call) else { return };
        let Some(connection) = self.table.get_mut(&number) else { return };
        let is_asker = connection.call == Some(call);
        if let Some(mut report) = report {
            if !is_asker && report.says.is_none() {
                report.outcome = report.status.map_or(Outcome::TargetNoAnswer, |s| target_outcome(s.code()));
            }
            connection.report = Some(report);
        }
        self.advance(number, if is_asker { to_asker } else { to_wanted });
    }

    /// A button did not fit: what was to come of it does not come.
    fn happens_not(&mut self, call: CallName) {
        let Some(number) = self.number_of(call) else { return };
        let input = match self.table.get(&number).map(|connection| connection.state) {
            Some(State::Calling) => Input::AskerGone,
            Some(State::Asking) => Input::Unable,
            Some(State::Handing | State::HandingAlone) if self.needs(call) == Needs::Join => Input::Failed,
            Some(State::Handing | State::HandingAlone) => Input::Unable,
            Some(State::Dialling | State::Bridging) => Input::Failed,
            Some(State::Bridged | State::Over) | None => return,
        };
        self.advance(number, input);
    }

    fn advance(&mut self, number: u64, input: Input) {
        let Some(connection) = self.table.get_mut(&number) else { return };
        let (state, acts) = step(connection.state, input);
        connection.state = state;
        if state != State::Calling {
            connection.rings_until = None;
        }
        for act in acts {
            let both = connection.call.zip(connection.other);
            let action = match act {
                Act::AskAbilities => connection.call.map(CallAction::AskAbilities),
                Act::HandOver => {
                    let to = connection.wanted.clone();
                    connection.call.map(|call| CallAction::Transfer { call, to })
                }
                Act::CallWanted => {
                    self.calls += 1;
                    let call = CallName(self.calls);
                    connection.other = Some(call);
                    let (to, whose) = (connection.wanted.clone(), connection.asker.clone());
                    self.actions.push_back(CallAction::DialFor { call, to, whose });
                    Some(CallAction::Mute(call))
                }
                Act::Bridge => both.map(|(call, target)| CallAction::Bridge { call, target }),
                Act::ReleaseAsker => connection.call.take().map(CallAction::HangUp),
                Act::ReleaseWanted => connection.other.take().map(CallAction::HangUp),
                Act::Tell(end) => {
                    self.ended.push_back((number, Ended { end: *end, report: connection.report.take() }));
                    None
                }
            };
            self.actions.extend(action);
        }
        if state == State::Over {
            self.table.remove(&number);
        }
    }
}

/// What the end of a handover means.
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

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 8] = [Calling, Asking, Handing, HandingAlone, Dialling, Bridging, Bridged, Over];
    const INPUTS: [Input; 10] = [
        I::AskerUp,
        I::AskerUpToTell,
        I::Able,
        I::AskerGone,
        I::Handed,
        I::Busy,
        I::Unable,
        I::Failed,
        I::WantedUp,
        I::GivenUp,
    ];

    /// Each end is told, once, and nobody is left in a call that leads nowhere.
    #[test]
    fn an_end_is_told_and_leaves_nobody_alone() {
        for state in STATES {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                let told = acts.iter().filter(|act| matches!(act, Tell(_))).count();
                let open = !matches!(state, Bridged | Over);
                let ends = open && matches!(next, Bridged | Over);
                assert_eq!(told, usize::from(ends), "{state:?} {input:?}");
                let asker_is_there = matches!(state, Calling | Asking | Handing | Dialling | Bridging);
                let goes = matches!(input, I::AskerGone | I::Handed);
                assert_eq!(
                    acts.contains(&ReleaseAsker),
                    next == Over && asker_is_there && !goes,
                    "{state:?} {input:?}"
                );
                let wanted_is_there =
                    matches!((state, input), (Bridging, _) | (Dialling, I::AskerGone | I::GivenUp));
                assert_eq!(
                    acts.contains(&ReleaseWanted),
                    next == Over && wanted_is_there,
                    "{state:?} {input:?}"
                );
            }
        }
    }

    /// Who has somebody, or is being given somebody, is not interrupted.
    #[test]
    fn what_has_got_far_is_not_given_up() {
        for state in STATES {
            let (next, acts) = step(state, I::GivenUp);
            let may = matches!(state, Calling | Asking | Dialling);
            assert_eq!((next == state, acts.is_empty()), (!may, !may), "{state:?}");
        }
    }
}
