//! What those who run a redial server (RFC 5359 §2.17) may do with what waits there, and what they are told.

use cordboard_sip::Status;
use std::time::Duration;

/// Redials that one server may have.
pub const MAX_REDIALS: usize = 1_000;

/// Redials that one asker may have.
pub const MAX_OF_ONE: usize = 16;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedialAction {
    /// List what waits.
    List,
    /// Call somebody back when somebody else is free.
    Ask {
        /// Who is called back.
        asker: Box<str>,
        /// Whom they want.
        wanted: Box<str>,
    },
    /// Give one up, by its number.
    Cancel(u64),
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedialAnswer {
    /// What waits, in the order in which it was asked for.
    Waiting(Vec<Redial>),
    /// It is taken, and has this number.
    Taken(u64),
    /// It is not, for the reason that a telephone would be told.
    Refused(Status),
    /// It is given up.
    Cancelled,
    /// There is none of that number, or it is so far that it goes on by itself.
    NoSuch,
    /// This is no redial server.
    NotHere,
}

/// One that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redial {
    /// Its number.
    pub number: u64,
    /// How it stands: `waiting`, `calling` the asker, or `handing-over` that call to whoever is wanted.
    pub state: &'static str,
    /// Who is called back.
    pub asker: Box<str>,
    /// Whom they want.
    pub wanted: Box<str>,
    /// How long it waits at most from now on.
    pub left: Duration,
    /// How often it is tried at most from now on.
    pub tries: u8,
}
