//! Telephones in memory, with virtual time: against each other, and against peers played by hand.

mod calls;
mod pair;
mod peers;
mod registering;
