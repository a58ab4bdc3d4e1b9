//! Why a server does not start, in words for the person who started it.

use cordboard_core::transport::Transport;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else has the port.
    #[error(
        "{transport} {address} is in use: another program, perhaps another cordboard, listens on port {}; \
         stop it (`ss -lnp 'sport = :{}'` names it) or choose another port",
        .address.port(), .address.port()
    )]
    Occupied {
        /// What was to be spoken there.
        transport: Transport,
        /// The address.
        address: SocketAddr,
    },
    /// The address is not one of this machine's.
    #[error(
        "{transport} {address} is not an address of this machine: `ip address` lists them; 0.0.0.0 and [::] \
         stand for all"
    )]
    NotOurs {
        /// What was to be spoken there.
        transport: Transport,
        /// The address.
        address: SocketAddr,
    },
    /// Ports below 1024 are for privileged users.
    #[error(
        "{transport} {address} may not be opened by this user: choose a port above 1023 or give the program \
         the capability `cap_net_bind_service`"
    )]
    NotAllowed {
        /// What was to be spoken there.
        transport: Transport,
        /// The address.
        address: SocketAddr,
    },
    /// Anything else about a socket.
    #[error("{transport} {address} cannot be opened: {source}")]
    Socket {
        /// What was to be spoken there.
        transport: Transport,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A secure listener without certificates.
    #[error("{transport} {address} needs a certificate: add a `tls` section or remove this listener")]
    NoTls {
        /// What was to be spoken there.
        transport: Transport,
        /// The address.
        address: SocketAddr,
    },
    /// The certificates are of no use.
    #[error(transparent)]
    Certificates(#[from] ReloadError),
    /// There is nothing to listen on.
    #[error("there is nothing to listen on: name at least one listener")]
    NoListeners,
    /// More listeners than can be numbered.
    #[error("there are too many listeners: at most {}", u16::MAX)]
    TooManyListeners,
    /// Threads or the like could not be had.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was refused.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// Why certificates cannot be used. On a reload the old ones stay in use.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}; check that it exists and that this user may read it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {source}; check that the folder exists and that this user may write there", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not usable: {says}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        says: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    NotMade(String),
    /// The server runs without TLS.
    #[error("there is no TLS listener, so there are no certificates to reload")]
    NoTls,
}
