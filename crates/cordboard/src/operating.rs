//! What an operator does with calls, as the switchboard has it done; each is answered when its outcome is known.

use cordboard_ladder::{Kind, Outcome};
use cordboard_service::door::{Command, CommandId, Event, Slot};
use cordboard_service::operate::{Connect, Operated, Operation, Whom};
use cordboard_service::rooms::{RoomAction, RoomAnswer};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::answers::Answers;
use crate::servers::Conferring;
use crate::switchboard::{MAX_OPERATIONS, Refusal, Switchboard};

/// How long the outcome of what an operator does may take: longer than any phone rings.
const OUTCOME_LIMIT: Duration = Duration::from_mins(11);

/// How many slots are tried that somebody else has meanwhile taken.
const MAX_TRIES: usize = 3;

/// How long whoever waits in a slot may take to leave it, once the slot was called.
const LEFT_LIMIT: Duration = Duration::from_secs(30);

/// Somebody waits for an outcome.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(operations: &'a AtomicUsize) -> Result<Self, Refusal> {
        let waiting = Self(operations);
        let before = operations.fetch_add(1, Ordering::Relaxed);
        if before < MAX_OPERATIONS { Ok(waiting) } else { Err(Refusal::TooManyOperations) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Somebody is being called, and is to be connected. Dropped before the outcome is known, it is given up.
pub struct Placing {
    board: Arc<Switchboard>,
    id: CommandId,
    answers: Arc<Answers>,
    /// Who waits there is to have left it when the outcome is told.
    slot: Option<Box<str>>,
}

impl Placing {
    /// Waits for the outcome, somewhere else.
    pub fn outcome(&self) -> impl FnOnce() -> Result<Operated, Refusal> + Send + 'static {
        let (board, id, answers) = (Arc::clone(&self.board), self.id, Arc::clone(&self.answers));
        let slot = self.slot.clone();
        move || {
            let _waiting = Waiting::begin(&board.operations)?;
            let operated = outcome(&answers, id)?;
            match slot.filter(|_| operated.outcome == Outcome::Completed) {
                Some(slot) => board.left(&slot, operated),
                None => Ok(operated),
            }
        }
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        // Of what has ended already, it is nothing.
        self.board.servers.give_up(self.id);
    }
}

/// Something is being done with a conference room. Dropped before the outcome is known, an invitation is given up.
pub struct Conference {
    board: Arc<Switchboard>,
    room: Box<str>,
    conferring: Conferring,
}

impl Conference {
    /// Waits for the outcome, somewhere else.
    pub fn outcome(&self) -> impl FnOnce() -> Result<RoomAnswer, Refusal> + Send + 'static {
        let (board, room, conferring) = (Arc::clone(&self.board), self.room.clone(), self.conferring.clone());
        move || board.conferred(room, &conferring)
    }
}

impl Drop for Conference {
    fn drop(&mut self) {
        // Of what has ended already, it is nothing.
        self.board.servers.confer_no_more(&self.room, &self.conferring);
    }
}

/// What came of parking a call.
pub struct Parked {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// The slot in which it is; none if it is not parked.
    pub slot: Option<Box<str>>,
    /// How that went.
    pub operated: Operated,
}

fn outcome(answers: &Answers, id: CommandId) -> Result<Operated, Refusal> {
    let told = answers.wait(id, 1, OUTCOME_LIMIT);
    let operated = told.into_iter().find_map(|event| match event {
        Event::Operated(_, operated) => Some(operated),
        _ => None,
    });
    operated.ok_or(Refusal::NoAnswer)
}

/// What can be said before anybody is called.
fn said(kind: Kind, outcome: Outcome, says: &str) -> Operated {
    Operated { kind, outcome, status: None, says: says.into() }
}

impl Switchboard {
    /// Does something with a call, and waits for the outcome. `call` is as in [`Switchboard::messages`].
    pub fn operate(&self, call: &str, operation: Operation) -> Result<(Box<str>, Operated), Refusal> {
        let (call_id, _) = self.messages(call)?;
        let _waiting = Waiting::begin(&self.operations)?;
        let id = self.agents.command(Command::Operate { call_id: call_id.clone(), operation });
        outcome(&self.answers, id).map(|operated| (call_id, operated))
    }

    /// Does something with a conference room.
    pub fn confer(self: &Arc<Self>, action: &RoomAction) -> Result<Conference, Refusal> {
        let room: Box<str> = action.room().unwrap_or_default().into();
        let conferring = self.servers.confer(action).ok_or_else(|| Refusal::NoSuchRoom(room.clone()))?;
        Ok(Conference { board: Arc::clone(self), room, conferring })
    }

    /// What became of that.
    fn conferred(&self, room: Box<str>, conferring: &Conferring) -> Result<RoomAnswer, Refusal> {
        let _waiting = Waiting::begin(&self.operations)?;
        match conferring.wait(OUTCOME_LIMIT).ok_or(Refusal::NoAnswer)? {
            RoomAnswer::NoRoom | RoomAnswer::NotHere => Err(Refusal::NoSuchRoom(room)),
            RoomAnswer::Full => Err(Refusal::RoomFull(room)),
            RoomAnswer::AlreadyThere => Err(Refusal::InRoom(room)),
            RoomAnswer::NotThere => Err(Refusal::NotInRoom(room)),
            answer @ (RoomAnswer::Rooms(_)
            | RoomAnswer::Entered
            | RoomAnswer::NotEntered(..)
            | RoomAnswer::Left(_)) => Ok(answer),
        }
    }

    /// Parks a call in a slot, or, if none is named, in the first that is free (RFC 5359 §2.15). `leaves` is
    /// who is not parked.
    pub fn park(&self, call: &str, slot: Option<&str>, leaves: Option<&str>) -> Result<Parked, Refusal> {
        let (call_id, _) = self.messages(call)?;
        let candidates: Vec<Box<str>> = if let Some(slot) = slot {
            Some(self.slot(slot)?)
                .filter(|slot| slot.parked.is_none())
                .map(|slot| slot.name)
                .into_iter()
                .collect()
        } else {
            let free = self.servers.slots().into_values().flatten();
            let free = free.filter(|slot| slot.parked.is_none()).map(|slot| slot.name);
            // Of a server that does not serve who parks, no slot is of use to them.
            let user = leaves.filter(|leaves| self.expect_person(leaves).is_ok());
            free.filter(|slot| user.is_none_or(|user| self.may_use(user, slot))).collect()
        };
        // Somebody else may be quicker.
        for slot in candidates.into_iter().take(MAX_TRIES) {
            let operation = Operation::Park { leaves: leaves.map(Box::from), slot: self.address(&slot)? };
            let (_, operated) = self.operate(&call_id, operation)?;
            if operated.outcome != Outcome::TargetBusy {
                let slot = (operated.outcome == Outcome::Completed).then_some(slot);
                return Ok(Parked { call_id, slot, operated });
            }
        }
        let says = if slot.is_some() { "the slot is taken" } else { "no slot is free" };
        Ok(Parked { call_id, slot: None, operated: said(Kind::Park, Outcome::TargetBusy, says) })
    }

    /// Hands a call over to a party of another one (RFC 5589 §7). `leaves` is who leaves the first, and `whom` who of the
    /// other is taken over.
    pub fn transfer_to_call(
        &self,
        call: &str,
        leaves: Option<Box<str>>,
        other: &str,
        whom: Option<Box<str>>,
    ) -> Result<(Box<str>, Operated), Refusal> {
        let (_, messages) = self.messages(other)?;
        self.operate(call, Operation::TransferToCall { leaves, call: messages.into(), whom })
    }

    /// Calls a user, and hands them over to somebody once they have answered (RFC 5359 §2.18).
    pub fn place(self: &Arc<Self>, from: &str, to: &str) -> Result<Placing, Refusal> {
        self.expect_person(from)?;
        let to = self.address(to)?;
        self.connect(Kind::ClickToDial, from, to)
    }

    /// Calls a user, and has them join a call (RFC 3911).
    pub fn join(self: &Arc<Self>, call: &str, by: &str) -> Result<Placing, Refusal> {
        let (_, messages) = self.messages(call)?;
        self.expect_person(by)?;
        self.connect_with(Kind::Conference, by, Whom::Call(messages.into()))
    }

    /// Calls a user, and lets them have who waits in a slot (RFC 5359 §2.15); what is wrong with that, if it cannot be.
    pub fn retrieve(self: &Arc<Self>, slot: &str, by: &str) -> Result<Result<Placing, Operated>, Refusal> {
        let found = self.slot(slot)?;
        self.expect_person(by)?;
        let cannot = |outcome, says| Ok(Err(said(Kind::Retrieve, outcome, says)));
        match found.parked.map(|parked| parked.state) {
            _ if !self.may_use(by, slot) => {
                cannot(Outcome::NotAllowed, "the park server does not serve this user")
            }
            None => cannot(Outcome::NotFound, "nobody waits in this slot"),
            Some("parked" | "ringing-back") => {
                let mut placing = self.connect(Kind::Retrieve, by, self.address(slot)?)?;
                placing.slot = Some(slot.into());
                Ok(Ok(placing))
            }
            Some(_) => cannot(Outcome::Busy, "the call in this slot is being parked or retrieved just now"),
        }
    }

    /// Calls a user, and lets them have the call that rings at another (RFC 5359 §2.16); what is wrong with that, if it
    /// cannot be.
    pub fn pick_up(self: &Arc<Self>, at: &str, by: &str) -> Result<Result<Placing, Operated>, Refusal> {
        self.expect_person(at)?;
        self.expect_person(by)?;
        let directory = self.store.directory();
        let code = directory.pickup.as_ref().map(|code| format!("{}{at}", code.code));
        let cannot = |outcome, says| Ok(Err(said(Kind::Pickup, outcome, says)));
        match code {
            Some(code) if at == by || directory.share_group(at, by) => {
                Ok(Ok(self.connect(Kind::Pickup, by, self.address(&code)?)?))
            }
            Some(_) => cannot(Outcome::NotAllowed, "the two share no group"),
            None => cannot(Outcome::Failed, "calls cannot be picked up here"),
        }
    }

    /// Whoever calls a slot has the server first, and then who waits there: what became of that.
    fn left(&self, slot: &str, operated: Operated) -> Result<Operated, Refusal> {
        let settled = self.servers.settled(slot, LEFT_LIMIT).ok_or(Refusal::NoAnswer)?;
        let found = settled.into_iter().find(|known| *known.name == *slot);
        match found.and_then(|slot| slot.parked).map(|parked| parked.state) {
            None | Some("retrieved") => Ok(operated),
            Some(_) => {
                let says = "the slot was called, but who waits there stays";
                Ok(said(Kind::Retrieve, Outcome::Failed, says))
            }
        }
    }

    /// A slot of one of the park servers, as it stands.
    fn slot(&self, name: &str) -> Result<Slot, Refusal> {
        let mut slots = self.servers.slots().into_values().flatten();
        slots.find(|slot| *slot.name == *name).ok_or_else(|| Refusal::NoSuchSlot(name.into()))
    }

    /// Whether a server serves a user.
    fn may_use(&self, user: &str, server: &str) -> bool {
        let directory = self.store.directory();
        directory.server(server).is_some_and(|server| directory.is_member(user, server))
    }

    fn connect(self: &Arc<Self>, kind: Kind, from: &str, to: Box<str>) -> Result<Placing, Refusal> {
        self.connect_with(kind, from, Whom::Address(to))
    }

    fn connect_with(self: &Arc<Self>, kind: Kind, from: &str, to: Whom) -> Result<Placing, Refusal> {
        let connect = Connect { kind, from: self.address(from)?, to };
        let (id, answers) = self.servers.connect(connect).ok_or(Refusal::NoAnswer)?;
        Ok(Placing { board: Arc::clone(self), id, answers, slot: None })
    }
}
