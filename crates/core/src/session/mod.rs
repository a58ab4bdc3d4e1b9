//! The session usage of a dialog (RFC 3261 §13 to §15): a call, as several small tables.
//!
//! [`caller`] and [`callee`] say how a call begins and ends, seen from either side;
//! [`offer_answer`] who may offer and who must answer; [`change`] how a re-INVITE of ours gets
//! through; [`media`] writes and reads the descriptions that are offered and answered, and [`repeat`]
//! times the 2xx that repeats until its ACK comes. [`reliable`] does the same for provisional
//! responses and their PRACK, and [`timer`] ends a session that nobody refreshes.

pub mod callee;
pub mod caller;
pub mod change;
pub mod media;
pub mod offer_answer;
pub mod reliable;
pub mod repeat;
pub mod timer;
