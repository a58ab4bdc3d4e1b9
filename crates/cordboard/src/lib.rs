//! `cordboard`: switchboard, telephone and analyser in one binary.
//!
//! [`store`] keeps what outlives the process.

pub mod store;
