//! Temporary GRUUs (RFC 5627 §3.1.2), without state: the user part holds, sealed, whose it is and in which
//! era of the instance it was made.
//!
//! Each is sealed under a nonce of its own and padded, so that nobody without the key can tell whether two
//! of them are of the same user (§5.1). Appendix A.2 keeps a map from a counter to the instance instead;
//! here the bindings themselves tell which era they are of.

use crate::location::Era;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use cordboard_core::dice::Dice;
use sha2::{Digest, Sha256};

/// The longest user part, unescaped and in octets, that gets temporary GRUUs: §5.1 has them at SHOULD.
pub const MAX_USER: usize = 2 * BLOCK - 1;

/// User and length are padded to a multiple of this, so that lengths do not tell users apart.
const BLOCK: usize = 32;

const NONCE: usize = 12;
const TAG: usize = 16;
const ERA: usize = 8;
const LONGEST: usize = NONCE + ERA + 2 * BLOCK + TAG;

/// Seals and opens the user parts of temporary GRUUs.
#[derive(Clone)]
pub(super) struct Seal {
    cipher: ChaCha20Poly1305,
    /// Authenticated with each: another machine knows other eras.
    node: [u8; 1],
}

impl Seal {
    /// A seal under a key that follows from `key` and is used for nothing else.
    pub(super) fn new(key: &[u8; 32], node: u8) -> Self {
        let key = Sha256::new().chain_update("temporary GRUU\0").chain_update(key).finalize();
        Self { cipher: ChaCha20Poly1305::new(&key), node: [node] }
    }

    /// A new user part, of 91 characters, or 134 for a user of more than 31 octets; `None` for one of more
    /// than [`MAX_USER`].
    pub(super) fn close(&self, dice: &mut Dice, user: &str, era: Era) -> Option<String> {
        let mut octets = [0; LONGEST];
        let padded = (user.len() + 1).next_multiple_of(BLOCK);
        let (nonce, rest) = octets.split_at_mut(NONCE);
        let (sealed, rest) = rest.split_at_mut_checked(ERA + padded)?;
        let tag = rest.get_mut(..TAG)?;
        dice.fill(nonce);
        sealed[..ERA].copy_from_slice(&era.0.to_be_bytes());
        sealed[ERA] = user.len() as u8;
        sealed[ERA + 1..][..user.len()].copy_from_slice(user.as_bytes());
        let nonce = Nonce::try_from(&*nonce).ok()?;
        let made = self.cipher.encrypt_inout_detached(&nonce, &self.node, sealed.into()).ok()?;
        tag.copy_from_slice(&made);
        Some(URL_SAFE_NO_PAD.encode(&octets[..NONCE + ERA + padded + TAG]))
    }

    /// Whose a user part is and of which era; `None` if it was not sealed here.
    pub(super) fn open(&self, text: &str) -> Option<(Box<str>, Era)> {
        let mut octets = [0; LONGEST];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut octets).ok()?;
        let (nonce, rest) = octets[..length].split_at_mut_checked(NONCE)?;
        let (sealed, tag) = rest.split_at_mut_checked(rest.len().checked_sub(TAG)?)?;
        let (nonce, tag) = (Nonce::try_from(&*nonce).ok()?, Tag::try_from(&*tag).ok()?);
        self.cipher.decrypt_inout_detached(&nonce, &self.node, (&mut *sealed).into(), &tag).ok()?;
        let (era, user) = sealed.split_first_chunk::<ERA>()?;
        let (length, user) = user.split_first()?;
        let user = std::str::from_utf8(user.get(..usize::from(*length))?).ok()?;
        Some((user.into(), Era(u64::from_be_bytes(*era))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> Dice {
        Dice::new([3; 32], 0)
    }

    #[test]
    fn what_was_sealed_is_read_back() {
        let (seal, mut dice) = (Seal::new(&[9; 32], 1), dice());
        for (user, length) in [("alice", 91), ("", 91), (&"a".repeat(31), 91), (&"é".repeat(31), 134)] {
            let text = seal.close(&mut dice, user, Era(77)).unwrap();
            assert_eq!(text.len(), length, "{user}");
            assert!(text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet)));
            assert_eq!(seal.open(&text), Some((user.into(), Era(77))));
        }
        assert_eq!(seal.close(&mut dice, &"a".repeat(MAX_USER), Era(1)).unwrap().len(), 134);
        assert_eq!(seal.close(&mut dice, &"a".repeat(MAX_USER + 1), Era(1)), None);
        assert_eq!(seal.close(&mut dice, &"a".repeat(1000), Era(1)), None);
    }

    /// RFC 5627 §5.1: nobody can tell whether two are of the same user.
    #[test]
    fn two_of_them_share_no_part() {
        let (seal, mut dice) = (Seal::new(&[9; 32], 1), dice());
        let (one, two) = (seal.close(&mut dice, "alice", Era(1)), seal.close(&mut dice, "alice", Era(1)));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.as_bytes().windows(8).all(|part| !two.as_bytes().windows(8).any(|other| part == other)));
        let other = seal.close(&mut dice, "bartholomew", Era(1)).unwrap();
        assert_eq!(one.len(), other.len());
    }

    #[test]
    fn what_was_not_sealed_here_opens_nothing() {
        let seal = Seal::new(&[9; 32], 1);
        let text = seal.close(&mut dice(), "alice", Era(77)).unwrap();
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open(std::str::from_utf8(&forged).unwrap()), None, "changed at {at}");
            assert_eq!(seal.open(&text[..at]), None, "cut at {at}");
        }
        assert_eq!(seal.open(&format!("{text}A")), None);
        assert_eq!(seal.open(&"A".repeat(5000)), None);
        assert_eq!(seal.open("alice"), None);
        assert_eq!(Seal::new(&[8; 32], 1).open(&text), None, "another key");
        assert_eq!(Seal::new(&[9; 32], 2).open(&text), None, "another machine");
    }
}
