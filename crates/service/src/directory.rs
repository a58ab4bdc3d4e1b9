//! The directory: who exists, and what each may do. An immutable snapshot; changes come as a new one.

use crate::services::Rules;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Everybody this switchboard knows.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By user name, as in the user part of the address-of-record. The hash needs no secret, for only an operator
    /// adds names.
    pub users: HashMap<Box<str>, User, FixedState>,
    /// What is asked of those who are in a group, by its name. Groups that ask nothing need not be here.
    pub groups: HashMap<Box<str>, Group, FixedState>,
    /// What users have set up for their calls, by their names. Who has set up nothing need not be here.
    pub rules: HashMap<Box<str>, Arc<Rules>, FixedState>,
    /// Servers of ours (RFC 5359), by the names of users whom they are: each has its own, and a park server one for each
    /// slot. They are nobody's telephone, and have no password.
    pub servers: HashMap<Box<str>, Arc<Server>, FixedState>,
    /// The code by which calls that ring elsewhere are picked up.
    pub pickup: Option<Code>,
    /// Other codes.
    pub codes: Vec<Code>,
}

impl Directory {
    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// What a user has set up, if anything.
    pub fn rules(&self, name: &str) -> Option<&Arc<Rules>> {
        self.rules.get(name)
    }

    /// The server that a user of that name is, if it is one.
    pub fn server(&self, name: &str) -> Option<&Arc<Server>> {
        self.servers.get(name).or_else(|| {
            let pickup = self.pickup.as_ref().filter(|_| self.picks_up(name).is_some());
            let other = || self.codes.iter().find(|code| name.starts_with(&*code.code));
            let code = pickup.or_else(|| other().filter(|_| !self.users.contains_key(name)))?;
            self.servers.get(&code.server)
        })
    }

    /// At whom a call is to be picked up, if that is what a name asks for which is nobody's; an empty name is anybody's.
    pub fn picks_up<'a>(&self, name: &'a str) -> Option<&'a str> {
        let whom = name.strip_prefix(&*self.pickup.as_ref()?.code)?;
        let taken = self.users.contains_key(name) || self.servers.contains_key(name);
        (!taken).then_some(whom)
    }

    /// Whether two users share a group, and so may take over each other's calls. Of a server that has somebody's call,
    /// everybody may who may use it.
    pub fn share_group(&self, one: &str, other: &str) -> bool {
        match (self.server(one), self.server(other)) {
            (Some(server), None) => return self.is_member(other, server),
            (None, Some(server)) => return self.is_member(one, server),
            (Some(_), Some(_)) => return false,
            (None, None) => {}
        }
        let (Some(one), Some(other)) = (self.user(one), self.user(other)) else { return false };
        one.groups.iter().any(|group| other.groups.contains(group))
    }

    /// Whether a user of ours is one of those whom a server serves.
    pub fn is_member(&self, name: &str, server: &Server) -> bool {
        let Some(user) = self.user(name) else { return false };
        match &server.members {
            Members::Everybody | Members::Users => true,
            Members::Groups(groups) => groups.iter().any(|group| user.groups.contains(group)),
        }
    }

    /// Whether a user of ours must prove by a client certificate who they are: one group that asks is enough.
    pub fn wants_certificate(&self, name: &str) -> bool {
        let asks = |group: &str| self.groups.get(group).is_some_and(|group| group.client_certificate);
        !self.groups.is_empty()
            && self.user(name).is_some_and(|user| user.groups.iter().any(|group| asks(group)))
    }
}

/// What is asked of everybody in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Whether they register, call and are called only over connections whose certificate proves them
    /// (RFC 5922 §7.4), besides digest.
    pub client_certificate: bool,
}

/// A server of ours: a telephone at which a program sits, reached by the switchboard alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where it listens for datagrams. What comes from exactly there is its own.
    pub address: SocketAddr,
    /// Whom it serves.
    pub members: Members,
}

/// A dialled code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// What is dialled, before a name or alone.
    pub code: Box<str>,
    /// The name of the server that does what it asks for.
    pub server: Box<str>,
}

/// Whom a server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// Everybody who may call us: strangers too.
    Everybody,
    /// Every user of ours.
    Users,
    /// Users who are in one of these groups.
    Groups(Vec<Box<str>>),
}

/// Somebody with a telephone.
#[derive(Clone)]
pub struct User {
    /// The name shown to others, if it is set.
    pub display_name: Option<Box<str>>,
    /// Who may take over whose calls: people who share one.
    pub groups: Vec<Box<str>>,
    /// H(user:realm:password) by MD5 (RFC 7616 §3.4.2).
    pub ha1_md5: Option<[u8; 16]>,
    /// H(user:realm:password) by SHA-256.
    pub ha1_sha256: Option<[u8; 32]>,
    /// H(user:realm:password) by SHA-512-256.
    pub ha1_sha512_256: Option<[u8; 32]>,
}

impl std::fmt::Debug for User {
    /// Tells everything but the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("display_name", &self.display_name)
            .field("groups", &self.groups)
            .finish_non_exhaustive()
    }
}
