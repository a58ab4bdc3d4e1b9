//! What a switchboard tells of the calls, transfers and registrations that pass, as they pass: for people and programs that
//! watch all of it. Nothing is told, and no text is made, while nobody listens.

use crate::location::{Aor, Registered};
use cordboard_ladder::{Kind, Outcome, Role};
use cordboard_sip::Status;

/// Whether anybody listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// Nobody does.
    #[default]
    Nobody,
    /// Somebody does.
    Somebody,
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Of a call.
    Call(CallNews),
    /// Of a transfer.
    Transfer(TransferNews),
    /// Of what somebody has registered.
    Registration(RegistrationNews),
    /// Of a redial at a server.
    Redial(RedialNews),
    /// Of a park slot.
    Park(ParkNews),
}

/// A call has got somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNews {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// The caller's address, from the From header of the INVITE.
    pub from: Box<str>,
    /// The address called, from the To header.
    pub to: Box<str>,
    /// Who of our users calls, if it is one.
    pub caller: Option<Box<str>>,
    /// Who of our users was reached, or looked for.
    pub callee: Option<Box<str>>,
    /// Where it has got.
    pub state: CallState,
}

/// Where a call has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// A phone rings; told once a call.
    Ringing,
    /// It was answered.
    Answered,
    /// It is over.
    Ended {
        /// How: `answered` if it was up.
        outcome: Outcome,
        /// The status that ended it before it was up.
        status: Option<Status>,
        /// Who hung up, if it was up.
        by: Option<Role>,
    },
}

/// A transfer has got somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferNews {
    /// The Call-ID of the dialog in which it was asked for.
    pub call_id: Box<str>,
    /// What kind of handover.
    pub kind: Kind,
    /// Who asks.
    pub transferor: Box<str>,
    /// Who is to call.
    pub transferee: Box<str>,
    /// Whom: a URI, without the headers in it.
    pub target: Box<str>,
    /// Where it has got.
    pub state: TransferState,
}

/// Where a transfer has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// The REFER passes.
    Asked,
    /// The transferee reports a provisional status.
    Progress(Status),
    /// How it ended is known, or never will be.
    Ended {
        /// How.
        outcome: Outcome,
        /// The status that says so.
        status: Option<Status>,
    },
}

/// A redial has got somewhere (RFC 5359 §2.17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedialNews {
    /// Its number.
    pub number: u64,
    /// Who is called back.
    pub asker: Box<str>,
    /// Whom they want.
    pub wanted: Box<str>,
    /// Where it has got.
    pub state: RedialState,
}

/// Where a redial has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedialState {
    /// It is kept, or will be tried again.
    Waiting,
    /// The asker is called.
    Calling,
    /// It is over, and this came of it.
    Ended(Outcome),
}

/// Contacts were added, moved or removed, or have ended; refreshes are no news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationNews {
    /// Whose: `user@domain`.
    pub user: Box<str>,
    /// The contacts that are registered now.
    pub contacts: Vec<Box<str>>,
}

impl RegistrationNews {
    /// What somebody has registered now.
    pub fn of(user: &Aor, registered: &Registered) -> Self {
        let contacts = registered.bindings.iter().map(|binding| binding.uri.clone()).collect();
        Self { user: user.0.clone(), contacts }
    }
}

/// Somebody waits in a park slot, or does so no longer (RFC 5359 §2.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkNews {
    /// The user part of its address.
    pub slot: Box<str>,
    /// The URI of who waits.
    pub who: Box<str>,
    /// The URI of who has parked them, if that is known.
    pub by: Option<Box<str>>,
    /// What has become of it.
    pub state: ParkState,
}

/// What has become of somebody in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkState {
    /// They wait.
    Parked,
    /// The server has handed them over to whoever has called the slot.
    Retrieved,
    /// They are not there any more: they have hung up, or somebody took them over by Replaces, which a server cannot tell
    /// apart.
    Left,
}
