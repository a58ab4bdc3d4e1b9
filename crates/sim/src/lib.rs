//! The virtual network and clock on which agents stand.
//!
//! A [`Sim`] holds hosts, each with an address of its own, and carries what their agents send: datagrams that
//! take their time and may be lost, doubled or overtaken as the [`Weather`] has it, and connections that keep
//! their order. It answers the agents' questions from a table of [`names`] and a location service for each
//! switchboard. Everything random follows from one seed, so that the same seed plays the same run byte for
//! byte. The hosts' agents are those of `service`: nothing here knows a rule of SIP, it only reads, for whoever
//! watches, what passed.
//!
//! ```
//! use cordboard_core::transport::Transport;
//! use cordboard_service::settings::Settings;
//! use cordboard_sim::{Host, Sim, Weather};
//! use std::time::Duration;
//!
//! let mut sim = Sim::new([1; 32], Weather::Still);
//! let settings = Settings::of_domain("example.com");
//! let [one, other] = ["one", "other"].map(|name| {
//!     let address = [192, 0, 2, if name == "one" { 1 } else { 2 }].into();
//!     sim.stand(Host::listening(name, None, &[address], &[Transport::Udp], settings.clone()))
//! });
//! sim.inject(one, other, Transport::Udp, &"garbage".into());
//! let until = sim.now() + Duration::from_secs(40);
//! while sim.step(until) {}
//! assert_eq!(sim.ladder(0).messages().count(), 1);
//! assert!(sim.left_behind().is_empty());
//! ```
//!
//! The modules in the order in which a message meets them: [`host`] sends it, [`weather`] and [`fault`] decide
//! what becomes of it, [`stream`] keeps connections in order, [`sim`] delivers it, [`tap`] saw it pass,
//! [`facts`] says what is drawn of it, and [`session`] who talks with whom by the SDP that passed. Where every order
//! of what happens is to be seen, [`mod@order`] delivers instead, as the [`choice`]s of a run have it.

pub mod choice;
pub mod facts;
pub mod fault;
pub mod host;
pub mod names;
pub mod order;
pub mod session;
pub mod sim;
pub mod stream;
pub mod tap;
pub mod weather;

pub use choice::{Choices, Turns, Walk};
pub use fault::Fault;
pub use host::{Host, HostId};
pub use order::{Order, Step};
pub use sim::{Notice, Sim};
pub use weather::Weather;
