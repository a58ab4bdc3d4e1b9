//! `Agent`, the one door, and its roles: registrar, proxy, telephone.
//!
//! [`door`] says what goes into an [`Agent`] and what comes out; [`settings`] and [`directory`] what
//! it is told; [`services`] what users have set up; [`location`] where people can be reached; [`news`] what
//! it tells of all that passes; [`call`] what people
//! do with a telephone, [`watch`] what they watch.

mod agent;
mod anchored;
mod auth;
pub mod call;
mod calls;
mod carried;
mod clearance;
pub mod counters;
mod desk;
mod dialog_news;
pub mod directory;
pub mod door;
mod keeper;
pub mod kept;
mod keyed;
pub mod location;
pub mod news;
mod notifier;
pub mod operate;
mod passing;
mod peers;
mod picking;
mod programs;
mod proxy;
pub mod redials;
mod registrar;
mod returns;
mod ring;
pub mod rooms;
mod servers;
pub mod services;
pub mod settings;
mod subscribe;
mod switchboard;
mod telephone;
pub mod token;
pub mod watch;

pub use agent::Agent;
pub use counters::Counters;
