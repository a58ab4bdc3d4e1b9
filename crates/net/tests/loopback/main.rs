//! Servers on loopback, with an agent that echoes: what the drivers promise, on real sockets.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod datagrams;
mod lifecycle;
mod media;
mod names;
mod questions;
mod secured;
mod stage;
mod streams;
mod websockets;
