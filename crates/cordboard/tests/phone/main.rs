//! `cordboard phone` on loopback: telephones and the demo switchboard, each a process of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod calls;
mod parking;
mod programs;
mod prompt;
mod registering;
mod relay;
mod services;
mod surviving;
mod transfers;
