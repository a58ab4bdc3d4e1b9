//! The servers of a running `cordboard serve`, with telephones of our own over real sockets (RFC 5359 §2.3, §2.13, §2.15 to §2.17).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod announcing;
mod changing;
mod codes;
mod conferring;
mod forging;
mod music;
mod office;
mod operating;
mod parking;
mod picking;
mod redialling;
mod telephone;
