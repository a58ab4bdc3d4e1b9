//! Conference rooms (RFC 4579 §5): the focus of several conferences, each with a URI that is always the same.
//!
//! A party comes into a room by calling it (§5.1), by an INVITE whose Join names a call of it (§5.8), or by being called,
//! because somebody asks for that by REFER (§5.5) or the operator does. It leaves by its BYE, or because it is asked to be
//! removed (§5.11). All in one room hear each other, and nobody else; a room is there while somebody is in it.

use super::bare;
use crate::call::{CallAction, CallEvent, CallName};
use crate::door::{CommandId, Unchanged};
use crate::kept::{Purpose, Record, RecordError};
use crate::rooms::{self, RoomAction, RoomAnswer};
use crate::settings;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Status, UriRef};
use std::collections::VecDeque;

const NO_ROOM: (Status, &str) = (Status::NOT_FOUND, "there is no such room");
const FULL: (Status, &str) = (Status::BUSY_HERE, "the room has as many parties as it may");
const ALREADY_THERE: (Status, &str) = (Status::BUSY_HERE, "they are in the room already");
const NOT_THERE: (Status, &str) = (Status::NOT_FOUND, "nobody of that address is in the room");

/// How a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is not in the room.
    Outside,
    /// It has called, and is being answered.
    Entering,
    /// It is being called.
    Called,
    In,
    /// It is told to leave.
    Leaving,
}

impl State {
    /// As operators see it.
    const fn word(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Entering => "entering",
            Self::Called => "called",
            Self::In => "in",
            Self::Leaving => "leaving",
        }
    }
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// It calls, and there is room.
    Calls,
    /// Somebody asks by REFER that it be called.
    AskedFor,
    /// The operator wants it called.
    Invited,
    /// It was in the room before this process.
    WasIn,
    Up,
    /// It is not wanted there any more.
    Removed,
    /// Its call is over.
    Gone,
}

/// What the focus does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Answer it as part of the room.
    LetIn,
    /// Do what the REFER asks.
    Consent,
    Call,
    /// Tell whoever has invited it that it is there.
    Confirm,
    /// Tell them that it is not.
    Regret,
    Release,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Outside, Calls)             => (Entering, &[LetIn]),
        (Outside, AskedFor)          => (Called,   &[Consent]),
        (Outside, Invited)           => (Called,   &[Call]),
        (Outside, WasIn)             => (In,       &[LetIn]),
        (Entering, Up)               => (In,       &[]),
        (Called, Up)                 => (In,       &[Confirm]),
        (Entering | In, Removed)     => (Leaving,  &[Release]),
        (Called, Removed)            => (Leaving,  &[Release, Regret]),
        (Called, Gone)               => (Outside,  &[Regret]),
        (Entering | In | Leaving, Gone) => (Outside, &[]),
        // What comes twice, or too late.
        (Outside, Up | Removed | Gone)
        | (In | Leaving, Up)
        | (Leaving, Removed)
        | (Entering | Called | In | Leaving, Calls | AskedFor | Invited | WasIn)
                                     => (state,    &[]),
    }
}

/// One call of a room.
#[derive(Debug)]
struct Party {
    state: State,
    call: CallName,
    /// Which room.
    room: usize,
    who: Box<str>,
    since: Instant,
    /// The command that waits for it to be there.
    invited: Option<CommandId>,
}

/// The program.
#[derive(Debug)]
pub(crate) struct Focus {
    rooms: Vec<settings::Room>,
    /// No more than all rooms may have.
    parties: Vec<Party>,
    actions: VecDeque<CallAction>,
    answers: VecDeque<(CommandId, RoomAnswer)>,
    /// Calls that are there for something else than before.
    changed: VecDeque<CallName>,
    /// Calls of ours so far.
    dialled: u64,
}

impl Focus {
    pub(super) fn new(settings: &settings::Focus) -> Self {
        Self {
            rooms: settings.rooms.clone(),
            parties: Vec::new(),
            actions: VecDeque::new(),
            answers: VecDeque::new(),
            changed: VecDeque::new(),
            dialled: 0,
        }
    }

    /// Other rooms from now on. One in which somebody is stays, or nothing changes; who is in one that takes fewer now stays too.
    pub(super) fn change(&mut self, settings: &settings::Focus) -> Result<(), Unchanged> {
        let at = |room: usize| {
            let user = &self.rooms.get(room)?.user;
            settings.rooms.iter().position(|room| room.user == *user)
        };
        let moved: Option<Vec<usize>> = self.parties.iter().map(|party| at(party.room)).collect();
        let Some(moved) = moved else {
            let gone = self.parties.iter().find(|party| at(party.room).is_none());
            let room = gone.and_then(|party| self.rooms.get(party.room));
            return Err(Unchanged::Taken(room.map_or_else(Box::default, |room| room.user.clone())));
        };
        for (party, room) in self.parties.iter_mut().zip(moved) {
            party.room = room;
        }
        self.rooms.clone_from(&settings.rooms);
        Ok(())
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Incoming { call, from, at, .. } => {
                let who = bare(from).unwrap_or_else(|| from.clone());
                let placed = self.seat(at).map(|room| self.begin(now, *call, room, who, Input::Calls));
                self.turn_away(*call, placed);
            }
            CallEvent::Asked { call, to, at, .. } => {
                let who = bare(to).unwrap_or_else(|| to.clone());
                let placed = self.seat(at).and_then(|room| self.is_new(room, &who).map(|()| room));
                let placed = placed.map(|room| self.begin(now, *call, room, who, Input::AskedFor));
                self.turn_away(*call, placed);
            }
            CallEvent::AskedToRemove { call, who, at, .. } => {
                let removed = self.room(at).and_then(|room| self.remove(room, who));
                match removed {
                    Ok(_) => self.actions.push_back(CallAction::Done(*call)),
                    Err(why) => self.turn_away(*call, Err(why)),
                }
            }
            CallEvent::Established(call) => self.happens(*call, Input::Up, None),
            CallEvent::Ended { call, outcome, status, .. } => {
                self.happens(*call, Input::Gone, Some((*outcome, *status)));
            }
            CallEvent::Impossible(call) => self.happens(*call, Input::Gone, None),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    /// In which room a call is, as long as it is to be there.
    pub(super) fn purpose(&self, call: CallName) -> Option<Purpose> {
        let party = self.parties.iter().find(|party| party.call == call)?;
        match party.state {
            State::Entering | State::Called | State::In => {
                Some(Purpose::Room { room: self.rooms.get(party.room)?.user.clone() })
            }
            State::Outside | State::Leaving => None,
        }
    }

    pub(super) fn poll_changed(&mut self) -> Option<CallName> {
        self.changed.pop_front()
    }

    /// Somebody is in a room since before this process.
    pub(super) fn take_up(
        &mut self,
        now: Instant,
        record: &Record,
        call: CallName,
    ) -> Result<(), RecordError> {
        let Purpose::Room { room } = &record.purpose else { return Err(RecordError::NoPlace) };
        let room = self.rooms.iter().position(|known| known.user == *room).ok_or(RecordError::NoPlace)?;
        let who = record.call.as_ref().and_then(|call| bare(&call.dialog.remote)).unwrap_or_default();
        self.begin(now, call, room, who, Input::WasIn);
        Ok(())
    }

    /// The operator wants something.
    pub(super) fn command(&mut self, now: Instant, id: CommandId, action: RoomAction) {
        let answer = match action {
            RoomAction::List => RoomAnswer::Rooms(self.list()),
            RoomAction::Invite { room, who } => match self.named(&room) {
                None => RoomAnswer::NoRoom,
                Some(room) if self.is_new(room, bare(&who).as_deref().unwrap_or(&who)).is_err() => {
                    RoomAnswer::AlreadyThere
                }
                Some(room) if self.is_full(room) => RoomAnswer::Full,
                Some(room) => {
                    self.dialled += 1;
                    let call = CallName(self.dialled);
                    self.begin(now, call, room, bare(&who).unwrap_or(who), Input::Invited);
                    if let Some(party) = self.parties.last_mut() {
                        party.invited = Some(id);
                    }
                    return;
                }
            },
            RoomAction::Remove { room, who } => match self.named(&room).map(|room| self.remove(room, &who)) {
                None => RoomAnswer::NoRoom,
                Some(Err(_)) => RoomAnswer::NotThere,
                Some(Ok(left)) => RoomAnswer::Left(left),
            },
            RoomAction::End { room } => match self.named(&room) {
                None => RoomAnswer::NoRoom,
                Some(room) => RoomAnswer::Left(self.release(|party| party.room == room)),
            },
        };
        self.answers.push_back((id, answer));
    }

    /// Whoever has invited somebody has gone: they are not called any more. Who is in the room stays.
    pub(super) fn give_up(&mut self, id: CommandId) {
        let called = self.parties.iter().find(|party| party.invited == Some(id));
        if let Some(call) = called.map(|party| party.call) {
            self.happens(call, Input::Removed, None);
        }
    }

    pub(super) fn poll_answer(&mut self) -> Option<(CommandId, RoomAnswer)> {
        self.answers.pop_front()
    }

    fn list(&self) -> Vec<rooms::Room> {
        let party = |party: &Party| rooms::Party {
            who: party.who.clone(),
            state: party.state.word(),
            since: party.since,
        };
        let rooms = self.rooms.iter().enumerate().map(|(at, room)| rooms::Room {
            name: room.user.clone(),
            limit: room.limit,
            parties: self.parties.iter().filter(|party| party.room == at).map(party).collect(),
        });
        rooms.collect()
    }

    fn named(&self, user: &str) -> Option<usize> {
        self.rooms.iter().position(|room| *room.user == *user)
    }

    /// The room that a URI names.
    fn room(&self, uri: &str) -> Result<usize, (Status, &'static str)> {
        let user = UriRef::parse(uri).ok().and_then(|uri| Some(unescape(uri.user()?)));
        user.and_then(|user| self.named(&user)).ok_or(NO_ROOM)
    }

    /// The room that a URI names, if another party has room there.
    fn seat(&self, uri: &str) -> Result<usize, (Status, &'static str)> {
        self.room(uri).and_then(|room| if self.is_full(room) { Err(FULL) } else { Ok(room) })
    }

    /// Whoever leaves has their place until they have.
    fn is_full(&self, room: usize) -> bool {
        let taken = self.parties.iter().filter(|party| party.room == room).count();
        self.rooms.get(room).is_none_or(|room| taken >= room.limit)
    }

    /// Nobody is called who is in the room.
    fn is_new(&self, room: usize, who: &str) -> Result<(), (Status, &'static str)> {
        let there =
            self.parties.iter().any(|party| party.room == room && *party.who == *who && party.is_wanted());
        if there { Err(ALREADY_THERE) } else { Ok(()) }
    }

    fn begin(&mut self, now: Instant, call: CallName, room: usize, who: Box<str>, input: Input) {
        let state = State::Outside;
        self.parties.push(Party { state, call, room, who, since: now, invited: None });
        self.advance(self.parties.len() - 1, input, None);
    }

    fn turn_away(&mut self, call: CallName, placed: Result<(), (Status, &'static str)>) {
        if let Err((status, words)) = placed {
            self.actions.push_back(CallAction::TurnAway { call, status, words });
        }
    }

    /// Somebody is to leave a room: all their telephones. How many these are.
    fn remove(&mut self, room: usize, who: &str) -> Result<usize, (Status, &'static str)> {
        let who = bare(who).unwrap_or_else(|| who.into());
        match self.release(|party| party.room == room && party.who == who) {
            0 => Err(NOT_THERE),
            left => Ok(left),
        }
    }

    fn release(&mut self, whom: impl Fn(&Party) -> bool) -> usize {
        let calls: Vec<CallName> = self
            .parties
            .iter()
            .filter(|party| party.is_wanted() && whom(party))
            .map(|party| party.call)
            .collect();
        for call in &calls {
            self.happens(*call, Input::Removed, None);
        }
        calls.len()
    }

    fn happens(&mut self, call: CallName, input: Input, ending: Option<(Outcome, Option<Status>)>) {
        if let Some(at) = self.parties.iter().position(|party| party.call == call) {
            self.advance(at, input, ending);
        }
    }

    fn advance(&mut self, at: usize, input: Input, ending: Option<(Outcome, Option<Status>)>) {
        let Some(party) = self.parties.get_mut(at) else { return };
        let Some(room) = self.rooms.get(party.room).map(|room| room.user.clone()) else { return };
        let (state, acts) = step(party.state, input);
        party.state = state;
        let call = party.call;
        self.changed.push_back(call);
        for act in acts {
            match act {
                Act::LetIn => self.actions.push_back(CallAction::Enter { call, room: room.clone() }),
                Act::Consent => {
                    self.actions.push_back(CallAction::ConsentInto { call, room: room.clone() });
                }
                Act::Call => {
                    let to = party.who.clone();
                    self.actions.push_back(CallAction::CallInto { call, to, room: room.clone() });
                }
                Act::Confirm => {
                    self.answers.extend(party.invited.take().map(|id| (id, RoomAnswer::Entered)));
                }
                Act::Regret => {
                    let (outcome, status) = ending.unwrap_or((Outcome::Cancelled, None));
                    let answer = RoomAnswer::NotEntered(outcome, status);
                    self.answers.extend(party.invited.take().map(|id| (id, answer)));
                }
                Act::Release => self.actions.push_back(CallAction::HangUp(call)),
            }
        }
        if state == State::Outside {
            self.parties.remove(at);
        }
    }
}

impl Party {
    /// Whether it is to be in the room.
    const fn is_wanted(&self) -> bool {
        matches!(self.state, State::Entering | State::Called | State::In)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 5] = [Outside, Entering, Called, In, Leaving];
    const INPUTS: [Input; 7] = [I::Calls, I::AskedFor, I::Invited, I::WasIn, I::Up, I::Removed, I::Gone];

    /// Whose call is over is outside, whatever they were about to do; and whoever has invited them is told, once.
    #[test]
    fn whoever_is_gone_leaves_a_free_place() {
        for state in STATES {
            assert_eq!(step(state, I::Gone).0, Outside, "{state:?}");
        }
        for input in INPUTS {
            let told = step(Called, input).1.iter().filter(|act| matches!(act, Confirm | Regret)).count();
            assert_eq!(told, usize::from(step(Called, input).0 != Called), "{input:?}");
        }
    }

    /// Nobody comes in from anywhere but outside, and nobody who is told to leave stays.
    #[test]
    fn a_party_comes_in_once() {
        for state in STATES {
            for input in INPUTS {
                let (next, acts) = step(state, input);
                let begins = acts.iter().any(|act| matches!(act, LetIn | Consent | Call));
                assert_eq!(begins, state == Outside && next != Outside, "{state:?} {input:?}");
                assert_eq!(
                    acts.contains(&Release),
                    next == Leaving && state != Leaving,
                    "{state:?} {input:?}"
                );
            }
            assert!(
                state != Leaving || INPUTS.map(|input| step(state, input).0).iter().all(|next| *next != In)
            );
        }
    }

    /// The telephone of whoever was invited does not ring for nobody; and who has answered is not put out.
    #[test]
    fn an_invitation_that_nobody_waits_for_is_given_up() {
        for answers in [false, true] {
            let mut focus = focus();
            let invite = RoomAction::Invite { room: "801".into(), who: "sip:bob@h".into() };
            focus.command(Instant::START, CommandId(7), invite);
            let Some(CallAction::CallInto { call, .. }) = focus.poll_action() else { panic!("he is called") };
            if answers {
                focus.hears(Instant::START, &CallEvent::Established(call));
                assert_eq!(focus.poll_answer(), Some((CommandId(7), RoomAnswer::Entered)));
            }
            focus.give_up(CommandId(8));
            assert_eq!(focus.poll_action(), None, "somebody else's");
            focus.give_up(CommandId(7));
            let ends = (!answers).then_some(CallAction::HangUp(call));
            assert_eq!(focus.poll_action(), ends);
            let told = RoomAnswer::NotEntered(Outcome::Cancelled, None);
            assert_eq!(focus.poll_answer(), (!answers).then_some((CommandId(7), told)));
        }
    }

    fn focus() -> Focus {
        let rooms = [("800", 2), ("801", 3)]
            .map(|(user, limit)| settings::Room { user: user.into(), limit })
            .to_vec();
        Focus::new(&settings::Focus { rooms })
    }

    fn calls(focus: &mut Focus, n: u64, from: &str, room: &str) {
        focus.hears(
            Instant::START,
            &CallEvent::Incoming {
                call: CallName::incoming(n),
                from: from.into(),
                at: format!("sip:{room}@example.com").into(),
                referred_by: None,
                member: true,
            },
        );
    }

    fn commanded(focus: &mut Focus, action: RoomAction) -> Option<RoomAnswer> {
        focus.command(Instant::START, CommandId(7), action);
        let (id, answer) = focus.poll_answer()?;
        assert_eq!(id, CommandId(7));
        Some(answer)
    }

    #[test]
    fn a_room_takes_as_many_as_it_may_and_no_other_room_counts() {
        let mut focus = focus();
        calls(&mut focus, 0, "<sip:alice@example.com>;tag=1", "800");
        calls(&mut focus, 1, "<sip:bob@example.com>;tag=1", "801");
        calls(&mut focus, 2, "<sip:bob@example.com>;tag=1", "800");
        calls(&mut focus, 3, "<sip:carol@example.com>;tag=1", "800");
        calls(&mut focus, 4, "<sip:carol@example.com>;tag=1", "802");
        let acted: Vec<CallAction> = std::iter::from_fn(|| focus.poll_action()).collect();
        let enters = |n, room: &str| CallAction::Enter { call: CallName::incoming(n), room: room.into() };
        let away = |n, (status, words)| CallAction::TurnAway { call: CallName::incoming(n), status, words };
        assert_eq!(
            acted,
            [enters(0, "800"), enters(1, "801"), enters(2, "800"), away(3, FULL), away(4, NO_ROOM)]
        );
        // The place of whoever has hung up is free.
        let (outcome, status) = (Outcome::Answered, None);
        focus.hears(
            Instant::START,
            &CallEvent::Ended { call: CallName::incoming(0), outcome, status, by_peer: true },
        );
        calls(&mut focus, 5, "<sip:carol@example.com>;tag=1", "800");
        assert_eq!(focus.poll_action(), Some(enters(5, "800")));
    }

    #[test]
    fn the_operator_is_told_what_became_of_it() {
        let mut focus = focus();
        let [room, nowhere] = ["800", "900"].map(Box::<str>::from);
        let [alice, bob] = ["sip:alice@example.com", "sip:bob@example.com"].map(Box::<str>::from);
        let invite = |room: &str, who: &str| RoomAction::Invite { room: room.into(), who: who.into() };
        let remove = |room: &str, who: &str| RoomAction::Remove { room: room.into(), who: who.into() };
        calls(&mut focus, 0, "Alice <sip:alice@example.com>;tag=1", "800");
        focus.hears(Instant::START, &CallEvent::Established(CallName::incoming(0)));
        assert_eq!(commanded(&mut focus, invite(&nowhere, &bob)), Some(RoomAnswer::NoRoom));
        assert_eq!(commanded(&mut focus, remove(&nowhere, &bob)), Some(RoomAnswer::NoRoom));
        assert_eq!(commanded(&mut focus, invite(&room, &alice)), Some(RoomAnswer::AlreadyThere));
        assert_eq!(commanded(&mut focus, remove(&room, &bob)), Some(RoomAnswer::NotThere));
        assert_eq!(commanded(&mut focus, invite(&room, &bob)), None, "he is being called");
        assert_eq!(commanded(&mut focus, invite(&room, &bob)), Some(RoomAnswer::AlreadyThere));
        let carol = "sip:carol@example.com";
        assert_eq!(commanded(&mut focus, invite(&room, carol)), Some(RoomAnswer::Full));
        let (outcome, status) = (Outcome::Busy, Some(Status::BUSY_HERE));
        focus.hears(Instant::START, &CallEvent::Ended { call: CallName(1), outcome, status, by_peer: true });
        assert_eq!(focus.poll_answer(), Some((CommandId(7), RoomAnswer::NotEntered(outcome, status))));
        let Some(RoomAnswer::Rooms(rooms)) = commanded(&mut focus, RoomAction::List) else {
            panic!("no list")
        };
        let parties =
            |at: usize| rooms[at].parties.iter().map(|party| (&*party.who, party.state)).collect::<Vec<_>>();
        assert_eq!((parties(0), parties(1)), (vec![("sip:alice@example.com", "in")], vec![]));
        assert_eq!(commanded(&mut focus, RoomAction::End { room: room.clone() }), Some(RoomAnswer::Left(1)));
        assert_eq!(commanded(&mut focus, RoomAction::End { room }), Some(RoomAnswer::Left(0)));
    }

    /// Rooms come and go while it runs: who is in one stays there, and no room goes in which somebody is.
    #[test]
    fn a_room_in_which_somebody_is_stays() {
        let settings = |rooms: &[(&str, usize)]| settings::Focus {
            rooms: rooms
                .iter()
                .map(|(user, limit)| settings::Room { user: (*user).into(), limit: *limit })
                .collect(),
        };
        let mut focus = focus();
        calls(&mut focus, 0, "<sip:bob@example.com>;tag=1", "801");
        assert_eq!(focus.change(&settings(&[("800", 2)])), Err(Unchanged::Taken("801".into())));
        assert_eq!(focus.change(&settings(&[("801", 2), ("802", 4)])), Ok(()));
        let rooms = focus.list();
        let seen: Vec<(&str, usize, usize)> =
            rooms.iter().map(|room| (&*room.name, room.limit, room.parties.len())).collect();
        assert_eq!(seen, [("801", 2, 1), ("802", 4, 0)]);
        assert_eq!(focus.purpose(CallName::incoming(0)), Some(Purpose::Room { room: "801".into() }));
    }
}
