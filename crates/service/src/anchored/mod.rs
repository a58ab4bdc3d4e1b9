//! Calls in which the switchboard stands between the two sides: the same Call-ID and tags on both, and requests of our own
//! in the name of either (design: anchored). So a call is ended, held and handed over that its phones do not know how to.
//!
//! Nothing of this is kept for a call that nobody handles. What an operator handles is read from the ring of messages, and
//! from then on each message of the dialog comes through here: [numbers] of requests, [versions] of descriptions and the
//! names of REFERs are such that each side sees one peer who counts without a mistake.

mod acting;
mod change;
mod half;
mod learning;
mod numbers;
mod passing;
mod sending;
mod target;
mod versions;

use crate::carried::DialogKey;
use crate::carried::watched::Side;
use crate::desk::Desk;
use crate::door::{CommandId, Event, Output};
use crate::keyed::Keyed;
use crate::operate::Operated;
use cordboard_core::refer::issuer;
use cordboard_core::time::Instant;
use cordboard_core::wheel::Wheel;
use cordboard_ladder::Kind;
use cordboard_sip::Status;
use cordboard_sip::sdp::{Direction, Sdp};
use foldhash::quality::FixedState;
use half::Half;
use std::collections::HashMap;
use std::time::Duration;

pub(crate) use acting::{handle_timeout, operate};
pub(crate) use learning::tell_ends;
pub(crate) use passing::{Passage, ack_passes, request_passes, response_passes};
pub(crate) use sending::{handle_answer, handle_event, handle_response};
pub(crate) use target::End;

/// Calls that one shard handles at a time.
const MAX_ANCHORED: usize = 10_000;

/// For how long a call that is over is remembered, so that a BYE which crossed ours is answered, and what crossed theirs has
/// its number: as long as it may be repeated (RFC 3261 §17.1.2.2).
const LINGERS: Duration = Duration::from_secs(32);

/// The same of a call in which somebody was asked to call somebody else: longer than any phone rings and any proxy lets it.
const LATE_REPORT_LIMIT: Duration = Duration::from_mins(10);

/// How long a hold may take.
const CHANGE_LIMIT: Duration = Duration::from_secs(40);

/// How long a transferee that has left may take to report.
const LEFT_LIMIT: Duration = Duration::from_secs(5);

/// How long nothing may be heard of a call that a REFER asked for: longer than any phone rings.
const REPORT_LIMIT: Duration = Duration::from_mins(5);

/// The calls that one shard handles.
#[derive(Default)]
pub(crate) struct Anchored {
    table: Keyed<Anchor>,
    by_dialog: HashMap<DialogKey, u64, FixedState>,
    outs: Keyed<sending::Out>,
    wheel: Wheel,
    fired: Vec<u64>,
}

/// One of them.
struct Anchor {
    dialog: DialogKey,
    call_id: Box<str>,
    /// The caller, and the callee.
    halves: [Half; 2],
    /// What one side offers, until the other accepts it.
    proposed: Option<(Side, Sdp)>,
    /// Whose own change is under way.
    changing: Option<Side>,
    /// How often the session is refreshed, and by whom (RFC 4028).
    timer: Option<(u32, Side)>,
    /// What both had described before we held them.
    before: Option<[Sdp; 2]>,
    work: Work,
    /// When to look again.
    due: Option<Instant>,
}

/// What is being done with a call.
enum Work {
    /// Nothing.
    Nothing,
    /// It is handed over.
    Handing(Handing),
    /// It is held, or resumed.
    Changing(Changing),
    /// Both sides have our BYE; how many have not answered it, and who waits for that.
    Ending {
        /// Without an answer yet.
        out: u8,
        /// Answered.
        answered: u8,
        asked: Option<CommandId>,
    },
    /// It is over, and only what crossed our BYE may still come.
    Over,
    /// One side has hung up, and what is still on its way passes as before: ACKs that are repeated, and what comes of a REFER
    /// (RFC 5057 §4.1).
    Left,
}

struct Handing {
    asked: CommandId,
    state: issuer::State,
    /// Who is to call.
    transferee: Side,
    /// The number of the REFER.
    cseq: u32,
    kind: Kind,
    takes_over: bool,
    status: Option<Status>,
    target: Box<str>,
    /// Who has left the call meanwhile. Every order of BYE and NOTIFY is legal (RFC 5589 §6).
    left: Option<Side>,
}

struct Changing {
    asked: CommandId,
    state: change::State,
    direction: Direction,
    status: Option<Status>,
    until: Instant,
}

impl Anchored {
    /// Whether none is handled.
    pub(crate) fn is_idle(&self) -> bool {
        self.outs.len() == 0
            && self.table.iter().all(|anchor| matches!(anchor.work, Work::Nothing | Work::Over | Work::Left))
    }

    /// When [`handle_timeout`] is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.next()
    }

    fn of(&self, dialog: DialogKey) -> Option<u64> {
        self.by_dialog.get(&dialog).copied()
    }

    fn insert(&mut self, anchor: Anchor) -> Option<u64> {
        if self.table.len() >= MAX_ANCHORED {
            return None;
        }
        let dialog = anchor.dialog;
        let key = self.table.insert(anchor);
        self.by_dialog.insert(dialog, key);
        Some(key)
    }

    fn forget(&mut self, key: u64) {
        if let Some(anchor) = self.table.remove(key) {
            self.by_dialog.remove(&anchor.dialog);
        }
    }

    fn look_at(&mut self, key: u64, due: Instant) {
        if let Some(anchor) = self.table.get_mut(key) {
            anchor.due = Some(due);
            self.wheel.arm(due, key);
        }
    }
}

impl Anchor {
    fn half(&self, side: Side) -> &Half {
        let [caller, callee] = &self.halves;
        match side {
            Side::Caller => caller,
            Side::Callee => callee,
        }
    }

    const fn half_mut(&mut self, side: Side) -> &mut Half {
        let [caller, callee] = &mut self.halves;
        match side {
            Side::Caller => caller,
            Side::Callee => callee,
        }
    }

    /// Who has that tag.
    fn side_of(&self, tag: &str) -> Option<Side> {
        [Side::Caller, Side::Callee].into_iter().find(|side| *self.half(*side).tag == *tag)
    }

    /// Whether an offer of ours is out.
    const fn is_offering(&self) -> bool {
        matches!(&self.work, Work::Changing(Changing { state: change::State::Asks(_), .. }))
    }
}

/// The other side.
const fn other(side: Side) -> Side {
    match side {
        Side::Caller => Side::Callee,
        Side::Callee => Side::Caller,
    }
}

/// Tells the operator how it went.
fn told(desk: &mut Desk, asked: CommandId, operated: Operated) {
    desk.out.push_back(Output::Event(Event::Operated(asked, operated)));
}
