//! The park server of RFC 5359 §2.15: slots in which calls wait until somebody retrieves them.
//!
//! A call comes into a slot by REFER, or by being handed over to the slot's address. It leaves it when its other side
//! answers an INVITE with Replaces, of which the server only sees the BYE; or when somebody dials the slot, to whom the
//! server hands it over, by REFER, or by a bridge where that does not work. Whoever parked it is called when it has
//! waited for too long.

use crate::call::{CallAction, CallEvent, CallName};
use crate::door::{self, CommandId, Unchanged};
use crate::kept::{Purpose, Record, RecordError};
use crate::news::{ParkNews, ParkState};
use crate::settings;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::uri::unescape;
use cordboard_sip::{Status, UriRef};
use std::collections::VecDeque;
use std::time::Duration;

/// How a slot stands. The *parkee* is who waits in it, the *partner* whoever is to have the parkee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// The parkee is called, or comes in.
    Parking,
    Parked,
    /// The parkee has waited for too long, and whoever parked it is called.
    RingingBack,
    /// Somebody has dialled the slot.
    Retrieving,
    /// The partner is asked to take the parkee over.
    Handing,
    /// The partner has left the call in which it was asked: because it has the parkee, or for good.
    HandingAlone,
    /// That did not work, and the two are being bridged.
    Bridging,
    /// They are, and the server stays between them.
    Bridged,
    /// The parkee is taken over, and ends its call with us.
    Released,
    /// The parkee has gone while it was handed over, to the partner or altogether.
    Settling,
}

impl State {
    /// Whether it is open who will have the parkee.
    const fn is_open(self) -> bool {
        match self {
            Self::Retrieving | Self::Handing | Self::HandingAlone | Self::Bridging | Self::Settling => true,
            Self::Free
            | Self::Parking
            | Self::Parked
            | Self::RingingBack
            | Self::Bridged
            | Self::Released => false,
        }
    }

    /// For those who ask how it stands.
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Free => None,
            Self::Parking => Some("parking"),
            Self::Parked => Some("parked"),
            Self::RingingBack => Some("ringing-back"),
            Self::Retrieving | Self::Handing | Self::HandingAlone | Self::Bridging => Some("retrieving"),
            Self::Bridged | Self::Released | Self::Settling => Some("retrieved"),
        }
    }
}

/// Those who may wait at a time until it is known what becomes of a slot; more are told how it stands.
const MAX_AWAITING: usize = 64;

/// What happens to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// Somebody asks us to call the parkee.
    Asked,
    /// The parkee calls.
    Called,
    /// The parkee is here.
    Up,
    /// The parkee is not here any more.
    Gone,
    /// The parkee has waited for too long.
    TimeUp,
    /// Somebody dials the slot.
    Dialled,
    /// The partner is there.
    PartnerUp,
    /// The partner is not there any more, or never was.
    PartnerGone,
    /// The partner has the parkee.
    Handed,
    /// The partner has not.
    NotHanded,
}

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Call the parkee, as was asked.
    Consent,
    /// Answer the parkee.
    Answer,
    StartTimer,
    StopTimer,
    /// Call whoever parked.
    RingBack,
    /// Answer whoever dials the slot, who is the partner now.
    AnswerPartner,
    /// Ask the partner to take the parkee over.
    HandOver,
    /// Connect the two.
    Bridge,
    /// End the call with the partner.
    ReleasePartner,
    /// Decline whoever dials the slot.
    TurnAway,
}

#[rustfmt::skip]
const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Free, Asked)                     => (Parking,      &[Consent]),
        (Free, Called)                    => (Parking,      &[Answer]),
        (Parking, Up)                     => (Parked,       &[StartTimer]),
        (Parking, Gone)                   => (Free,         &[]),
        (Parked, TimeUp)                  => (RingingBack,  &[StopTimer, RingBack]),
        (Parked, Dialled)                 => (Retrieving,   &[StopTimer, AnswerPartner]),
        (Parked, Gone)                    => (Free,         &[StopTimer]),
        (RingingBack, PartnerUp)          => (Handing,      &[HandOver]),
        (RingingBack, PartnerGone)        => (Parked,       &[StartTimer]),
        (RingingBack, Dialled)            => (Retrieving,   &[ReleasePartner, AnswerPartner]),
        (Retrieving, PartnerUp)           => (Handing,      &[HandOver]),
        (Retrieving, PartnerGone)         => (Parked,       &[StartTimer]),
        (RingingBack | Retrieving, Gone)  => (Free,         &[ReleasePartner]),
        (Handing, Handed)                 => (Released,     &[]),
        (Handing, NotHanded)              => (Bridging,     &[Bridge]),
        (Handing, PartnerGone)            => (HandingAlone, &[]),
        (HandingAlone, Handed)            => (Released,     &[]),
        (HandingAlone, NotHanded)         => (Parked,       &[StartTimer]),
        (Bridging, Handed)                => (Bridged,      &[]),
        (Bridging, NotHanded)             => (Parked,       &[ReleasePartner, StartTimer]),
        (Bridging, PartnerGone)           => (Parked,       &[StartTimer]),
        (HandingAlone | Released | Bridged, Gone) => (Free, &[]),
        // How it ended is still to be told.
        (Handing | Bridging, Gone)        => (Settling,     &[]),
        (Settling, NotHanded)             => (Free,         &[ReleasePartner]),
        (Settling, Handed | PartnerGone)  => (Free,         &[]),
        // A slot has room for one, and who waits is taken over by one.
        (Free | Parking | Retrieving | Handing | HandingAlone | Bridging | Bridged | Released | Settling, Dialled)
                                          => (state,        &[TurnAway]),
        (Parking | Parked | RingingBack | Retrieving | Handing | HandingAlone | Bridging | Bridged | Released
            | Settling, Asked | Called)
        // What comes twice, or too late.
        | (Free, Up | Gone | TimeUp | PartnerUp | PartnerGone | Handed | NotHanded)
        | (Parking, TimeUp | PartnerUp | PartnerGone | Handed | NotHanded)
        | (Parked, Up | PartnerUp | PartnerGone | Handed | NotHanded)
        | (RingingBack | Retrieving, Up | TimeUp | Handed | NotHanded)
        | (Handing | Bridging, Up | TimeUp | PartnerUp)
        | (HandingAlone, Up | TimeUp | PartnerUp | PartnerGone)
        | (Settling, Up | TimeUp | PartnerUp | Gone)
        | (Bridged | Released, Up | TimeUp | PartnerUp | PartnerGone | Handed | NotHanded)
                                          => (state,        &[]),
    }
}

/// One slot.
#[derive(Debug)]
struct Slot {
    /// The user part of its address.
    user: Box<str>,
    state: State,
    parkee: Option<CallName>,
    partner: Option<CallName>,
    /// Who has dialled it last.
    caller: Option<CallName>,
    /// Who is called when the parkee has waited for too long.
    parker: Option<Box<str>>,
    due: Option<Instant>,
    /// Whom it was taken for, and when.
    taken: Option<(Box<str>, Instant)>,
}

impl Slot {
    fn free(user: &str) -> Self {
        Self {
            user: user.into(),
            state: State::Free,
            parkee: None,
            partner: None,
            caller: None,
            parker: None,
            due: None,
            taken: None,
        }
    }
}

/// The program.
#[derive(Debug)]
pub(crate) struct Park {
    /// The user part of the server's own address.
    user: Box<str>,
    slots: Vec<Slot>,
    rings_back_after: Duration,
    /// Calls whose slots have changed.
    changed: VecDeque<CallName>,
    news: VecDeque<ParkNews>,
    actions: VecDeque<CallAction>,
    /// Who waits until it is known what becomes of a slot, and of which.
    awaiting: Vec<(CommandId, Box<str>)>,
    settled: VecDeque<CommandId>,
    /// Calls of ours so far.
    dialled: u64,
}

impl Park {
    pub(super) fn new(settings: &settings::Park, user: &str) -> Self {
        Self {
            user: user.into(),
            slots: settings.slots.iter().map(|user| Slot::free(user)).collect(),
            rings_back_after: settings.rings_back_after,
            changed: VecDeque::new(),
            news: VecDeque::new(),
            actions: VecDeque::new(),
            awaiting: Vec::new(),
            settled: VecDeque::new(),
            dialled: 0,
        }
    }

    /// Other slots from now on. One that is not free stays, or nothing changes. Who waits already is rung back when it was due.
    pub(super) fn change(&mut self, settings: &settings::Park) -> Result<(), Unchanged> {
        let goes = |slot: &&Slot| slot.state != State::Free && !settings.slots.contains(&slot.user);
        if let Some(taken) = self.slots.iter().find(goes) {
            return Err(Unchanged::Taken(taken.user.clone()));
        }
        let mut before = std::mem::take(&mut self.slots);
        let mut slot = |user: &str| match before.iter().position(|slot| *slot.user == *user) {
            Some(at) => before.swap_remove(at),
            None => Slot::free(user),
        };
        self.slots = settings.slots.iter().map(|user| slot(user)).collect();
        self.rings_back_after = settings.rings_back_after;
        Ok(())
    }

    pub(super) fn hears(&mut self, now: Instant, event: &CallEvent) {
        match event {
            CallEvent::Asked { call, from, to, at } => match self.free_slot(at) {
                Ok(at) => {
                    self.slots[at].parkee = Some(*call);
                    self.slots[at].taken = Some((to.clone(), now));
                    self.slots[at].parker = uri_of(from);
                    self.advance(now, at, Input::Asked);
                }
                Err(status) => self.actions.push_back(CallAction::Refuse(*call, status)),
            },
            CallEvent::Incoming { call, from, at, referred_by, member } => {
                self.called(now, *call, (from, at), referred_by.as_deref(), *member);
            }
            CallEvent::Established(call) => self.happens(now, *call, Input::Up, Input::PartnerUp),
            CallEvent::Ended { call, .. } => self.happens(now, *call, Input::Gone, Input::PartnerGone),
            CallEvent::Transferred { call, outcome, .. } => self.handed(now, *call, *outcome),
            CallEvent::Impossible(call) => self.happens_not(now, *call),
            _ => {}
        }
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front()
    }

    /// For which slot a call is there, as long as it waits in it, and when whoever parked it is called: at once, if that is
    /// being done; never, if somebody is about to have it.
    pub(super) fn purpose(&self, call: CallName) -> Option<(Purpose, Option<Instant>)> {
        let slot = self.slots.iter().find(|slot| slot.parkee == Some(call))?;
        let due = match slot.state {
            State::Parking | State::Parked => slot.due,
            State::RingingBack => Some(Instant::START),
            State::Retrieving | State::Handing | State::HandingAlone | State::Bridging => None,
            State::Free | State::Bridged | State::Released | State::Settling => return None,
        };
        Some((Purpose::Slot { slot: slot.user.clone(), parker: slot.parker.clone() }, due))
    }

    pub(super) fn poll_changed(&mut self) -> Option<CallName> {
        self.changed.pop_front()
    }

    /// The next that those who watch the switchboard are told.
    pub(super) fn poll_news(&mut self) -> Option<ParkNews> {
        self.news.pop_front()
    }

    /// Somebody waits in a slot since before this process. The timer goes on from where it was; where none ran, it begins. If the
    /// slot is no more, or somebody else waits there, they wait in one that is free.
    pub(super) fn take_up(
        &mut self,
        now: Instant,
        record: &Record,
        call: CallName,
    ) -> Result<(), RecordError> {
        let Purpose::Slot { slot, parker } = &record.purpose else { return Err(RecordError::NoPlace) };
        let rings_back_after = self.rings_back_after;
        let free = |known: &Slot| known.state == State::Free;
        let named = self.slots.iter().position(|known| known.user == *slot);
        let own = named.filter(|at| free(&self.slots[*at]));
        let why = if named.is_some() { RecordError::Taken } else { RecordError::NoPlace };
        let at = own.or_else(|| self.slots.iter().position(free)).ok_or(why)?;
        if own.is_none() {
            self.changed.push_back(call);
        }
        let slot = &mut self.slots[at];
        slot.state = State::Parked;
        slot.parkee = Some(call);
        slot.parker.clone_from(parker);
        slot.taken = record.call.as_ref().and_then(|call| Some((uri_of(&call.dialog.remote)?, now)));
        slot.due = parker.as_ref().map(|_| record.due.unwrap_or(now + rings_back_after));
        Ok(())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for at in 0..self.slots.len() {
            if self.slots[at].due.is_some_and(|due| due <= now) {
                self.advance(now, at, Input::TimeUp);
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.slots.iter().filter_map(|slot| slot.due).min()
    }

    /// The slots as an operator sees them.
    pub(super) fn slots(&self) -> Vec<door::Slot> {
        let parked = |slot: &Slot| {
            let (who, since) = slot.taken.clone()?;
            Some(door::Parked { state: slot.state.word()?, who, by: slot.parker.clone(), since })
        };
        self.slots.iter().map(|slot| door::Slot { name: slot.user.clone(), parked: parked(slot) }).collect()
    }

    /// Somebody wants to know what becomes of a slot, once nobody is being given away in it.
    pub(super) fn await_slot(&mut self, id: CommandId, slot: &str) {
        let open = self.slots.iter().any(|known| *known.user == *slot && known.state.is_open());
        if open && self.awaiting.len() < MAX_AWAITING {
            self.awaiting.push((id, slot.into()));
        } else {
            self.settled.push_back(id);
        }
    }

    pub(super) fn poll_settled(&mut self) -> Option<CommandId> {
        self.settled.pop_front()
    }

    /// The slot that a URI names.
    fn slot(&self, uri: &str) -> Option<usize> {
        let user = unescape(UriRef::parse(uri).ok()?.user()?);
        self.slots.iter().position(|slot| *slot.user == *user)
    }

    /// The slot for a call that is to be parked: the one that is named, or whichever is free; else why there is none.
    fn free_slot(&self, uri: &str) -> Result<usize, Status> {
        let free = |slot: &Slot| slot.state == State::Free;
        let own = UriRef::parse(uri).is_ok_and(|uri| uri.user() == Some(&self.user));
        if own {
            return self.slots.iter().position(free).ok_or(Status::TEMPORARILY_UNAVAILABLE);
        }
        let named = self.slot(uri).ok_or(Status::NOT_FOUND)?;
        Some(named).filter(|at| free(&self.slots[*at])).ok_or(Status::BUSY_HERE)
    }

    /// Somebody calls: to wait in a slot that is free, or to have whoever waits in it.
    fn called(
        &mut self,
        now: Instant,
        call: CallName,
        (from, at): (&str, &str),
        referred_by: Option<&str>,
        member: bool,
    ) {
        let taken = self.slot(at).filter(|at| self.slots[*at].state != State::Free);
        let status = match (taken, self.free_slot(at)) {
            (Some(at), _) if member => {
                self.slots[at].caller = Some(call);
                return self.advance(now, at, Input::Dialled);
            }
            // Who waits in it is nobody else's business.
            (Some(_), _) => Status::FORBIDDEN,
            (None, Ok(at)) => {
                self.slots[at].parkee = Some(call);
                self.slots[at].parker = referred_by.and_then(uri_of);
                self.slots[at].taken = Some((uri_of(from).unwrap_or_else(|| from.into()), now));
                return self.advance(now, at, Input::Called);
            }
            (None, Err(status)) => status,
        };
        self.actions.push_back(CallAction::Decline(call, status));
    }

    /// Something has happened to a call of a slot.
    fn happens(&mut self, now: Instant, call: CallName, to_parkee: Input, to_partner: Input) {
        if let Some(at) = self.slots.iter().position(|slot| slot.parkee == Some(call)) {
            self.advance(now, at, to_parkee);
        } else if let Some(at) = self.slots.iter().position(|slot| slot.partner == Some(call)) {
            self.advance(now, at, to_partner);
        }
    }

    /// A button did not fit: what was to come of it does not come.
    fn happens_not(&mut self, now: Instant, call: CallName) {
        let of_slot = |slot: &Slot| slot.parkee == Some(call) || slot.partner == Some(call);
        let Some(at) = self.slots.iter().position(of_slot) else { return };
        let input = match self.slots[at].state {
            State::Parking => Input::Gone,
            State::RingingBack | State::Retrieving => Input::PartnerGone,
            State::Handing | State::HandingAlone | State::Bridging | State::Settling => Input::NotHanded,
            State::Free | State::Parked | State::Bridged | State::Released => return,
        };
        self.advance(now, at, input);
    }

    /// It is known whether the partner has the parkee.
    fn handed(&mut self, now: Instant, call: CallName, outcome: Outcome) {
        let Some(at) = self.slots.iter().position(|slot| slot.partner == Some(call)) else { return };
        let handed = outcome == Outcome::Completed;
        self.advance(now, at, if handed { Input::Handed } else { Input::NotHanded });
    }

    fn advance(&mut self, now: Instant, at: usize, input: Input) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let before = slot.state;
        let (state, acts) = step(before, input);
        slot.state = state;
        self.changed.extend(slot.parkee);
        if !state.is_open() {
            let known = self.awaiting.extract_if(.., |(_, waits)| *waits == slot.user);
            self.settled.extend(known.map(|(id, _)| id));
        }
        if let (Some(state), Some((who, _))) = (news(before, input, state), &slot.taken) {
            let (slot, who, by) = (slot.user.clone(), who.clone(), slot.parker.clone());
            self.news.push_back(ParkNews { slot, who, by, state });
        }
        for act in acts {
            let action = match act {
                Act::Consent => {
                    slot.parkee.map(|call| CallAction::ConsentAs { call, user: slot.user.clone() })
                }
                Act::Answer => slot.parkee.map(CallAction::Answer),
                Act::StartTimer => {
                    slot.partner = None;
                    slot.due = slot.parker.is_some().then(|| now + self.rings_back_after);
                    None
                }
                Act::StopTimer => {
                    slot.due = None;
                    None
                }
                Act::RingBack => {
                    self.dialled += 1;
                    let call = CallName(self.dialled);
                    slot.partner = Some(call);
                    let dial = slot.parker.clone().map(|to| CallAction::Dial { call, to, offer: true });
                    let mute = dial.as_ref().map(|_| CallAction::Mute(call));
                    self.actions.extend(dial);
                    mute
                }
                Act::AnswerPartner => {
                    slot.partner = slot.caller.take();
                    self.actions.extend(slot.partner.map(CallAction::Mute));
                    slot.partner.map(CallAction::Answer)
                }
                Act::HandOver => slot
                    .partner
                    .zip(slot.parkee)
                    .map(|(call, target)| CallAction::TransferTo { call, target }),
                Act::Bridge => {
                    slot.partner.zip(slot.parkee).map(|(call, target)| CallAction::Bridge { call, target })
                }
                Act::ReleasePartner => slot.partner.take().map(CallAction::HangUp),
                Act::TurnAway => slot.caller.take().map(|call| CallAction::Decline(call, Status::BUSY_HERE)),
            };
            self.actions.extend(action);
        }
        if state == State::Free {
            (slot.parkee, slot.partner, slot.parker, slot.due) = (None, None, None, None);
            slot.taken = None;
        }
    }
}

/// What there is to be told of a step.
const fn news(before: State, input: Input, after: State) -> Option<ParkState> {
    match (before, input, after) {
        (State::Parking, _, State::Parked) => Some(ParkState::Parked),
        (State::Handing | State::HandingAlone | State::Bridging | State::Settling, Input::Handed, _) => {
            Some(ParkState::Retrieved)
        }
        (State::Parking | State::Free | State::Released | State::Bridged, _, State::Free) => None,
        (_, _, State::Free) => Some(ParkState::Left),
        (_, _, _) => None,
    }
}

/// The URI of an address.
fn uri_of(address: &str) -> Option<Box<str>> {
    Some(NameAddrRef::parse(address).ok()?.uri_text().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, Input as I, State::*};

    const STATES: [State; 11] = [
        Free,
        Parking,
        Parked,
        RingingBack,
        Retrieving,
        Handing,
        HandingAlone,
        Bridging,
        Bridged,
        Released,
        Settling,
    ];
    const INPUTS: [Input; 10] = [
        I::Asked,
        I::Called,
        I::Up,
        I::Gone,
        I::TimeUp,
        I::Dialled,
        I::PartnerUp,
        I::PartnerGone,
        I::Handed,
        I::NotHanded,
    ];

    /// Every way in which a parkee can go leads to a free slot, if what is still to be told is told.
    #[test]
    fn whoever_goes_leaves_a_free_slot() {
        for state in STATES {
            let gone = step(state, I::Gone).0;
            let settled = if gone == Settling { step(gone, I::NotHanded).0 } else { gone };
            assert_eq!(settled, Free, "{state:?}");
        }
    }

    /// Nobody who waits is forgotten: from every state in which there is a parkee, whatever fails leads back to
    /// waiting, and the timer runs again.
    #[test]
    fn whoever_is_not_handed_over_goes_on_waiting() {
        for (state, input) in
            [(RingingBack, I::PartnerGone), (Retrieving, I::PartnerGone), (HandingAlone, I::NotHanded)]
        {
            assert_eq!(step(state, input), (Parked, &[StartTimer][..]), "{state:?}");
        }
        assert_eq!(step(Handing, I::NotHanded), (Bridging, &[Bridge][..]));
        assert_eq!(step(Bridging, I::NotHanded), (Parked, &[ReleasePartner, StartTimer][..]));
    }

    /// Slots come and go while it runs: who waits stays where they are, and nobody who waits is put out.
    #[test]
    fn a_slot_in_which_somebody_waits_stays() {
        let settings = |slots: &[&str], seconds| settings::Park {
            slots: slots.iter().map(|slot| (*slot).into()).collect(),
            rings_back_after: Duration::from_secs(seconds),
        };
        let now = Instant::START;
        let mut park = Park::new(&settings(&["701", "702"], 60), "park");
        let waits = CallName::incoming(0);
        let event = CallEvent::Incoming {
            call: waits,
            from: "<sip:bob@example.com>;tag=1".into(),
            at: "sip:702@example.com".into(),
            referred_by: Some("<sip:alice@example.com>".into()),
            member: true,
        };
        park.hears(now, &event);
        park.hears(now, &CallEvent::Established(waits));
        assert_eq!(park.change(&settings(&["701", "703"], 5)), Err(Unchanged::Taken("702".into())));
        assert_eq!(park.slots().iter().map(|slot| &*slot.name).collect::<Vec<_>>(), ["701", "702"]);
        assert_eq!(park.change(&settings(&["703", "702"], 5)), Ok(()));
        let slots = park.slots();
        assert_eq!(slots.iter().map(|slot| &*slot.name).collect::<Vec<_>>(), ["703", "702"]);
        assert!(slots[0].parked.is_none() && slots[1].parked.as_ref().is_some_and(|it| it.state == "parked"));
        assert_eq!(park.poll_timeout(), Some(now + Duration::from_mins(1)), "as it was promised");
        park.hears(now, &CallEvent::Impossible(waits));
        assert_eq!(park.slot("sip:701@example.com"), None);
    }

    /// Whose slot is no more after a restart waits in one that is free, and that is written down; where none is, nobody is put out.
    #[test]
    fn whoever_waited_in_a_slot_that_is_no_more_waits_in_another() {
        let slots = ["701", "702"].map(Box::from).to_vec();
        let settings = settings::Park { slots, rings_back_after: Duration::from_mins(2) };
        let mut park = Park::new(&settings, "park");
        let record = |slot: &str| Record {
            purpose: Purpose::Slot { slot: slot.into(), parker: None },
            call: None,
            due: None,
        };
        let mut taken_up =
            |call: u64, slot| park.take_up(Instant::START, &record(slot), CallName::incoming(call));
        assert_eq!(taken_up(0, "702"), Ok(()));
        assert_eq!(taken_up(1, "709"), Ok(()));
        assert_eq!(taken_up(2, "709"), Err(RecordError::NoPlace));
        assert_eq!(taken_up(3, "702"), Err(RecordError::Taken));
        let slot = |call| match park.purpose(CallName::incoming(call)) {
            Some((Purpose::Slot { slot, .. }, _)) => slot,
            other => panic!("{other:?}"),
        };
        assert_eq!([slot(0), slot(1)], ["702", "701"].map(Box::from));
        assert_eq!((park.poll_changed(), park.poll_changed()), (Some(CallName::incoming(1)), None));
    }

    /// A second one who dials is turned away, and changes nothing.
    #[test]
    fn one_parkee_has_one_partner() {
        for state in STATES {
            let (next, acts) = step(state, I::Dialled);
            let takes = acts.contains(&AnswerPartner);
            assert_eq!(takes, matches!(state, Parked | RingingBack), "{state:?}");
            assert!(takes || (next == state && acts == [TurnAway]), "{state:?}");
        }
    }

    /// Whoever waits for the end of a retrieval is told when there is one, whichever it is, and at once where there is none
    /// to wait for.
    #[test]
    fn who_waits_for_a_slot_is_told_once_it_is_settled() {
        let [parkee, partner] = [0, 1].map(CallName::incoming);
        let calls = |call, member| CallEvent::Incoming {
            call,
            from: "<sip:a@h>".into(),
            at: "sip:701@h".into(),
            referred_by: None,
            member,
        };
        for gone in [parkee, partner] {
            let now = Instant::START;
            let settings =
                settings::Park { slots: vec!["701".into()], rings_back_after: Duration::from_mins(1) };
            let mut park = Park::new(&settings, "park");
            park.await_slot(CommandId(1), "701");
            park.await_slot(CommandId(2), "799");
            assert_eq!([park.poll_settled(), park.poll_settled()], [Some(CommandId(1)), Some(CommandId(2))]);
            park.hears(now, &calls(parkee, false));
            park.hears(now, &CallEvent::Established(parkee));
            park.hears(now, &calls(partner, true));
            park.await_slot(CommandId(3), "701");
            park.hears(now, &CallEvent::Established(partner));
            assert_eq!(park.poll_settled(), None, "it is open still");
            let (outcome, status, by_peer) = (Outcome::Answered, None, true);
            park.hears(now, &CallEvent::Ended { call: gone, outcome, status, by_peer });
            assert_eq!(park.poll_settled(), None, "how the handover ended is not known");
            let failed = CallEvent::Transferred {
                call: partner,
                kind: cordboard_ladder::Kind::AttendedTransfer,
                outcome: Outcome::TargetUnreachable,
                status: None,
                says: Box::default(),
            };
            park.hears(now, &failed);
            assert_eq!([park.poll_settled(), park.poll_settled()], [Some(CommandId(3)), None]);
        }
    }

    #[test]
    fn nobody_is_parked_where_somebody_is() {
        for state in STATES.into_iter().filter(|state| *state != Free) {
            for input in [I::Asked, I::Called] {
                assert_eq!(step(state, input), (state, &[][..]), "{state:?}");
            }
        }
        assert_eq!(
            INPUTS.map(|input| step(Free, input).0).iter().filter(|next| **next == Parking).count(),
            2
        );
    }
}
