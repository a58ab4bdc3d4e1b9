//! The rules as machines: transactions, dialogs and usages, without sockets, clocks or dice.
//!
//! A driver hands in bytes and the time; what is to be sent, and when to come back, is handed out.
//! The modules in the order in which a message meets them: [`transport`] says over what it came,
//! [`dns`] what finding a server asks; [`time`] and [`dice`] are what every machine is handed.

pub mod dice;
pub mod dns;
pub mod time;
pub mod transport;
