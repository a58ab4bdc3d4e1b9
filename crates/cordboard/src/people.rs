//! People: from names and passwords to the directory that agents are given.

use cordboard_service::directory::{Directory, Group, User};
use cordboard_service::services::Rules;
use md5::{Digest, Md5};
use sha2::{Sha256, Sha512_256};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;
use crate::rules::Written;
use crate::servers::Known;
use crate::store::{Store, UserRow};

/// Longest name of a user, in bytes.
pub const MAX_NAME: usize = 64;

/// Why a name cannot be somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or longer than [`MAX_NAME`].
    #[error("a name has 1 to {MAX_NAME} characters")]
    Length,
    /// It holds a character that would have to be escaped in a URI, or that separates.
    #[error("a name is made of letters, digits and - _ . + * # !")]
    Character,
}

/// Whether `name` can stand in a URI as it is.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(NameError::Length);
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+*#!".contains(&byte);
    if name.bytes().all(fits) { Ok(()) } else { Err(NameError::Character) }
}

/// Somebody with hashes of `password` for every algorithm (RFC 7616 §3.4.2, RFC 8760).
pub fn user(name: &str, realm: &str, password: &str) -> User {
    let secret = format!("{name}:{realm}:{password}");
    User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: Some(Md5::digest(&secret).into()),
        ha1_sha256: Some(Sha256::digest(&secret).into()),
        ha1_sha512_256: Some(Sha512_256::digest(&secret).into()),
    }
}

/// Everybody: those of the configuration and those of the database, of whom the former win. People
/// whose hashes were made for another realm are left out, and counted. `groups` say what is asked of both. Whoever has the
/// name of one of the `servers` is left out too: calls for them would not reach them.
fn directory(
    configured: BTreeMap<Box<str>, User>,
    groups: &BTreeMap<Box<str>, Group>,
    stored: &[UserRow],
    realm: &str,
    rules: Vec<(Box<str>, Arc<Rules>)>,
    servers: Known,
) -> (Arc<Directory>, usize) {
    let mut users = configured;
    let mut left_out = 0;
    for row in stored {
        if *row.realm == *realm {
            users.entry(row.name.clone()).or_insert_with(|| row.user.clone());
        } else {
            left_out += 1;
        }
    }
    let asking = groups.iter().filter(|(_, group)| **group != Group::default());
    let groups = asking.map(|(name, group)| (name.clone(), *group)).collect();
    for (name, _) in &servers.names {
        left_out += usize::from(users.remove(name).is_some());
    }
    let directory = Directory {
        users: users.into_iter().collect(),
        groups,
        rules: rules.into_iter().collect(),
        servers: servers.names.into_iter().collect(),
        pickup: servers.pickup,
        codes: servers.codes,
    };
    (Arc::new(directory), left_out)
}

/// The directory, as configuration and store have it at this moment.
pub fn listed(config: &Config, store: &Store, servers: Known) -> (Arc<Directory>, usize) {
    let rules = rules(&config.rules, &store.rules(), &config.domains);
    let configured = members(&config.users, &store.memberships());
    directory(configured, &config.groups, &store.users(), config.realm(), rules, servers)
}

/// Those of the configuration, in the groups into which they were put while it runs.
pub fn members(
    configured: &BTreeMap<Box<str>, User>,
    memberships: &BTreeMap<Box<str>, Vec<Box<str>>>,
) -> BTreeMap<Box<str>, User> {
    let mut users = configured.clone();
    for (name, groups) in memberships {
        if let Some(user) = users.get_mut(name) {
            user.groups.clone_from(groups);
        }
    }
    users
}

/// What everybody has set up, by name: as the database says, else as the configuration does. What cannot be is left out.
fn rules(
    configured: &BTreeMap<Box<str>, Written>,
    stored: &BTreeMap<Box<str>, Written>,
    domains: &[Box<str>],
) -> Vec<(Box<str>, Arc<Rules>)> {
    let all = configured.iter().filter(|(name, _)| !stored.contains_key(*name)).chain(stored);
    let rules = all.filter_map(|(name, written)| Some((name.clone(), Arc::new(written.read(domains).ok()?))));
    rules.filter(|(_, rules)| !rules.is_empty()).collect()
}

/// Bytes from hexadecimal digits, if there are exactly so many.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

/// Lower-case hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        use std::fmt::Write;
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1 and §3.9.2 start from these.
    #[test]
    fn hashes_as_the_standard_says() {
        let mufasa = user("Mufasa", "http-auth@example.org", "Circle of Life");
        // Computed with openssl; the RFC prints only the final responses.
        assert_eq!(to_hex(&mufasa.ha1_md5.unwrap()), "3d78807defe7de2157e2b0b6573a855f");
        assert_eq!(
            to_hex(&mufasa.ha1_sha256.unwrap()),
            "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
        );
    }

    #[test]
    fn hex_goes_both_ways() {
        assert_eq!(from_hex::<3>("0aFf10"), Some([10, 255, 16]));
        assert_eq!(to_hex(&[10, 255, 16]), "0aff10");
        for wrong in ["0aff1", "0aff1x", "0aff1000", "ääa"] {
            assert_eq!(from_hex::<3>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_checked() {
        assert_eq!(check_name("alice.w+1"), Ok(()));
        assert_eq!(check_name(""), Err(NameError::Length));
        assert_eq!(check_name("al ice"), Err(NameError::Character));
        assert_eq!(check_name("alice@home"), Err(NameError::Character));
    }

    #[test]
    fn the_configuration_wins_and_other_realms_are_left_out() {
        let row = |name: &str, realm: &str| UserRow {
            name: name.into(),
            realm: realm.into(),
            user: user(name, realm, "stored"),
        };
        let configured = BTreeMap::from([("alice".into(), user("alice", "here", "configured"))]);
        let mut stored = [row("alice", "here"), row("bob", "here"), row("carol", "elsewhere")];
        stored[1].user.groups.push("doctors".into());
        let doctors = ("doctors".into(), Group { client_certificate: true });
        let groups = BTreeMap::from([doctors, ("sales".into(), Group::default())]);
        let (directory, left_out) =
            directory(configured.clone(), &groups, &stored, "here", Vec::new(), Known::default());
        assert_eq!(directory.groups.len(), 1, "of those that ask for nothing nobody needs to know");
        assert!(directory.wants_certificate("bob") && !directory.wants_certificate("alice"));
        assert_eq!(left_out, 1);
        assert!(directory.users.len() == 2 && directory.user("bob").is_some());
        assert_eq!(directory.users["alice"].ha1_md5, configured["alice"].ha1_md5);
    }
}
