//! `Agent`, the one door, and its roles: registrar, proxy, telephone.
//!
//! [`door`] says what goes in and what comes out; [`settings`] and [`directory`] what an agent is
//! told; [`location`] where people can be reached; [`call`] what people do with a telephone.

pub mod call;
pub mod directory;
pub mod door;
pub mod location;
pub mod settings;
