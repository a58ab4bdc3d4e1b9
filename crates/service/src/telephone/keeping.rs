//! Calls that outlive the process: written down before they are up, and taken up again by a re-INVITE (RFC 3261 §14.1).
//!
//! A call that is taken up has a new port for its sound, so that the re-INVITE is an offer (RFC 3264 §8.3.1), and tells
//! the other side by its Contact where we are now (RFC 3261 §12.2). Whoever answers 481, 408 or nothing has forgotten the
//! call, and so do we (§12.2.1.2).

use super::Telephone;
use super::call::{Call, Change, Leg, Side};
use super::callee::dialog_key;
use super::caller::Answered;
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::kept::{self, RecordError, WrittenCall};
use crate::settings::Memory;
use cordboard_core::dialog::{Dialog, state};
use cordboard_core::session::media::{Local, Origin};
use cordboard_core::session::{callee, caller};
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::Outcome;
use std::collections::{BTreeSet, VecDeque};

/// Whether a call is written down.
pub(super) enum Keeping {
    /// It is not, and nobody has asked for it.
    Not,
    /// It is being written, and what comes then waits.
    Waits(Then),
    /// It is, or does not have to be.
    Done,
}

/// What waits until a call is written down.
pub(super) enum Then {
    /// The ACK by which it is up.
    Acknowledge(Box<Answered>),
    /// The 200 by which it is up.
    Answer,
    /// The re-INVITE by which it is taken up.
    GoOn,
}

/// What is to be written down.
pub(super) struct Unkept {
    memory: Memory,
    /// Calls that wait for it.
    waiting: VecDeque<CallName>,
    /// Calls that are written down, and that something has happened to since.
    changed: BTreeSet<CallName>,
}

impl Unkept {
    pub(super) const fn new(memory: Memory) -> Self {
        Self { memory, waiting: VecDeque::new(), changed: BTreeSet::new() }
    }
}

impl Telephone {
    /// The ACK of a call of ours has to wait until it is written down. Gives it back if it has not.
    pub(super) fn keeps_ack(&mut self, key: u64, answered: Answered) -> Option<Answered> {
        let call = self.calls.get_mut(key).filter(|call| matches!(call.keeping, Keeping::Not));
        match call.filter(|_| self.unkept.memory == Memory::Store) {
            Some(call) => {
                call.keeping = Keeping::Waits(Then::Acknowledge(Box::new(answered)));
                self.unkept.waiting.push_back(call.name);
                None
            }
            None => Some(answered),
        }
    }

    /// Whether the answer to a call has to wait until it is written down.
    pub(super) fn keeps_answer(&mut self, key: u64) -> bool {
        let Some(call) = self.calls.get_mut(key).filter(|_| self.unkept.memory == Memory::Store) else {
            return false;
        };
        match call.keeping {
            Keeping::Not => {
                call.keeping = Keeping::Waits(Then::Answer);
                self.unkept.waiting.push_back(call.name);
                true
            }
            Keeping::Waits(_) => true,
            Keeping::Done => false,
        }
    }

    /// Whether the change that is next in turn has to wait until the numbers are written down with which a call goes on that is
    /// taken up: who dies before that would go on with the same ones again (RFC 3261 §12.2.1.1).
    pub(super) fn keeps_taking_up(&mut self, key: u64) -> bool {
        let Some(call) = self.calls.get_mut(key).filter(|_| self.unkept.memory == Memory::Store) else {
            return false;
        };
        match call.keeping {
            Keeping::Not if call.changes.front() == Some(&Change::TakeUp) => {
                call.keeping = Keeping::Waits(Then::GoOn);
                self.unkept.waiting.push_back(call.name);
                true
            }
            Keeping::Waits(Then::GoOn) => true,
            Keeping::Not | Keeping::Waits(Then::Acknowledge(_) | Then::Answer) | Keeping::Done => false,
        }
    }

    /// The next call that is to be written down.
    pub(crate) fn poll_unkept(&mut self) -> Option<CallName> {
        self.unkept.waiting.pop_front()
    }

    /// The next call that is perhaps not as it was written down.
    pub(crate) fn poll_changed(&mut self) -> Option<CallName> {
        self.unkept.changed.pop_first()
    }

    /// Something may have happened to a call.
    pub(super) fn may_have_changed(&mut self, key: u64) {
        if self.unkept.memory == Memory::Store
            && let Some(call) = self.calls.get(key).filter(|call| matches!(call.keeping, Keeping::Done))
        {
            self.unkept.changed.insert(call.name);
        }
    }

    /// A call is written down: what waited for it goes on.
    pub(crate) fn is_kept(&mut self, desk: &mut Desk, now: Instant, name: CallName) {
        let Some(key) = self.names.get(&name).copied() else { return };
        let Some(call) = self.calls.get_mut(key) else { return };
        match std::mem::replace(&mut call.keeping, Keeping::Done) {
            Keeping::Waits(Then::Acknowledge(answered)) => self.acknowledge(desk, now, key, *answered),
            Keeping::Waits(Then::Answer) if !call.is_over() => {
                self.accept(desk, now, key);
                self.proceed(desk, now, key);
            }
            Keeping::Waits(Then::GoOn) => self.proceed(desk, now, key),
            Keeping::Waits(Then::Answer) | Keeping::Not | Keeping::Done => {}
        }
        self.sweep(key);
        self.leave();
    }

    /// A call as it is to be written down; nothing of one that is over, or not about to be up.
    pub(crate) fn written(&self, name: CallName) -> Option<WrittenCall> {
        let call = self.calls.get(*self.names.get(&name)?).filter(|call| !call.is_over())?;
        let mut dialog = call.legs.get(call.answered?)?.dialog.clone();
        let side = match call.side {
            Side::Caller(caller::State::Answered | caller::State::Established) => kept::Side::Caller,
            Side::Callee(callee::State::Ringing | callee::State::Answered | callee::State::Established) => {
                // It is written down before its 200.
                dialog.advance(state::Input::Success);
                kept::Side::Callee
            }
            Side::Caller(_) | Side::Callee(_) => return None,
        };
        Some(WrittenCall {
            side,
            dialog: dialog.written()?,
            session: call.origin.written(),
            holds: call.media.holds,
            listener: call.listener.0,
            timer: call.timer.agreement().map(Into::into),
            knows: call.peer.features.list(),
        })
    }

    /// Goes on with a call of another process; from `now` on, which may be later, its other side is told so.
    pub(crate) fn take_up(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        written: &WrittenCall,
    ) -> Result<CallName, RecordError> {
        let dialog = Dialog::take_up(&written.dialog)?;
        let origin = Origin::take_up(&written.session)?;
        let id = dialog.id().clone();
        if self.by_dialog.contains_key(&dialog_key(&id.call_id, &id.local_tag)) {
            return Err(RecordError::Twice);
        }
        if self.has_no_room() {
            return Err(RecordError::NoRoom);
        }
        let listener = ListenerId(written.listener);
        let listener = if desk.listener(listener).is_some() { listener } else { ListenerId(0) };
        let address = self.next_port(desk, listener).ok_or(RecordError::NoRoom)?;
        let side = match written.side {
            kept::Side::Caller => Side::Caller(caller::State::Established),
            kept::Side::Callee => Side::Callee(callee::State::Established),
        };
        let name = self.next_name();
        let mut call = Call::new(name, side, Local { address, holds: written.holds }, 0);
        call.call_id = id.call_id.clone();
        call.local_tag = id.local_tag.clone();
        call.local = dialog.local().into();
        call.remote = dialog.remote().into();
        call.cseq = dialog.created_by();
        call.listener = listener;
        call.origin = origin;
        call.legs.push(Leg::new(dialog));
        call.answered = Some(0);
        call.ending = (Outcome::Answered, None);
        call.peer.features = written.knows.iter().copied().collect();
        call.changes.push_back(Change::TakeUp);
        call.glare_until = Some(now);
        if let Some(timer) = written.timer {
            call.timer.take_up(now, timer.into());
        }
        let with = call.remote.clone();
        let key = self.add_call(call);
        if written.side == kept::Side::Callee {
            self.by_peer.insert(dialog_key(&id.call_id, &id.remote_tag), key);
        }
        Self::tell(desk, CallEvent::TakenUp { call: name, with });
        self.proceed(desk, now, key);
        Ok(name)
    }
}
