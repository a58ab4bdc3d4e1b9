//! `cordboard`: switchboard, telephone and analyser in one binary.
//!
//! [`config`] says what a switchboard is told, [`people`] who may use it; [`store`] keeps what outlives
//! the process.

pub mod config;
pub mod people;
pub mod store;
