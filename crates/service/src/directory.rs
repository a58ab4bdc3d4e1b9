//! The directory: who exists, and what each may do. An immutable snapshot; changes come as a new one.

use crate::services::Rules;
use foldhash::fast::FixedState;
use std::collections::HashMap;
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

    /// Whether two users share a group, and so may take over each other's calls.
    pub fn share_group(&self, one: &str, other: &str) -> bool {
        let (Some(one), Some(other)) = (self.user(one), self.user(other)) else { return false };
        one.groups.iter().any(|group| other.groups.contains(group))
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
