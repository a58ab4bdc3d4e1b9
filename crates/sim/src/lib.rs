//! The virtual network and clock on which agents stand.
//!
//! A [`Sim`] holds hosts, each with an address of its own, and carries what their agents send: datagrams that
//! take their time and may be lost, doubled or overtaken as the [`Weather`] has it, and connections that keep
//! their order. It answers the agents' questions from a table of [`names`] and a location service for each
//! switchboard. Everything random follows from one seed, so that the same seed plays the same run byte for
//! byte. The hosts' agents are those of `service`: nothing here knows a rule of SIP, it only reads, for whoever
//! watches, what passed.
//!
//! The modules in the order in which a message meets them: [`host`] sends it, [`weather`] and [`fault`] decide
//! what becomes of it, [`stream`] keeps connections in order, [`sim`] delivers it, [`tap`] saw it pass,
//! [`facts`] says what is drawn of it, and [`session`] who talks with whom by the SDP that passed.

pub mod facts;
pub mod fault;
pub mod host;
pub mod names;
pub mod session;
pub mod sim;
pub mod stream;
pub mod tap;
pub mod weather;

pub use fault::Fault;
pub use host::{Host, HostId};
pub use sim::{Notice, Sim};
pub use weather::Weather;
