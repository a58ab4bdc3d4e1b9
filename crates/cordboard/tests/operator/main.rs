//! The binary as an operator meets it: `serve`, `check` and `ctl`, over real sockets on loopback.

mod bad_input;
mod calls;
mod certificates;
mod failing;
mod http;
mod privacy;
mod registrations;
mod reload;
mod served;
mod services;
mod users;
