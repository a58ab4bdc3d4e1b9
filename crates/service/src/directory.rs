//! The directory: who exists, and what each may do. An immutable snapshot; changes come as a new one.

use std::collections::BTreeMap;

/// Everybody this switchboard knows.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// By user name, as in the user part of the address-of-record.
    pub users: BTreeMap<Box<str>, User>,
}

impl Directory {
    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }
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
