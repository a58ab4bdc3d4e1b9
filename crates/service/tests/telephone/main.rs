//! Telephones in memory, with virtual time: against each other, and against peers played by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod advertised;
mod asking;
mod bridged;
mod calls;
mod handed_on;
mod handing;
mod handover;
mod identity;
mod joining;
mod messages;
mod pair;
mod parked;
mod peers;
mod picked_up;
mod ports;
mod puppet;
mod races;
mod redialling;
mod referrals;
mod registering;
mod reliable;
mod screened;
mod timing;
mod updating;
mod watched;
mod watching;
