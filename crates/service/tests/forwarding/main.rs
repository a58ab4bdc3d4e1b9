//! What the switchboard makes of single messages, without a network around it.

mod checks;
mod forking;
mod identity;
mod registrar;
mod routes;
mod secure;
mod stage;
mod transactions;
mod transport;
