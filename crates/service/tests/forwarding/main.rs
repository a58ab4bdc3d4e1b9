//! What the switchboard makes of single messages, without a network around it.

#![allow(unreachable_pub, missing_docs, reason = "a test has no users")]
#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    clippy::semicolon_if_nothing_returned,
    reason = "messages are written as people read them"
)]

mod certificates;
mod checks;
mod forking;
mod gruu;
mod identity;
mod people;
mod picking;
mod registrar;
mod returns;
mod routes;
mod secure;
mod servers;
mod services;
mod stage;
mod takeover;
mod transactions;
mod transport;
mod watched;
