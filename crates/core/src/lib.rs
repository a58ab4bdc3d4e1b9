//! The rules as machines: transactions, dialogs and usages, without sockets, clocks or dice.
//!
//! A driver hands in bytes and the time; what is to be sent, and when to come back, is handed out.
//! The modules in the order in which a message meets them: [`transport`] says over what it came,
//! [`dialog`] remembers what two user agents know of each other, [`session`] runs a call inside one, [`refer`]
//! hands it over and [`subscription`] watches, [`target_set`] is where a proxied request goes next,
//! [`server_location`] finds the next server, and [`dns`] is what that asks; [`time`] and [`dice`] are
//! what every machine is handed.

pub mod dialog;
pub mod dice;
pub mod dns;
pub mod refer;
pub mod server_location;
pub mod session;
pub mod stack;
pub mod subscription;
pub mod target_set;
pub mod time;
pub mod timing;
pub mod transaction;
pub mod transport;
pub mod wheel;
