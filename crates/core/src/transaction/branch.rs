//! Branches that we write: they name the client transaction, so that a response finds it without a
//! search, and carry the loop-detection hash of RFC 3261 §16.6 step 8.
//!
//! `z9hG4bK`, thirteen characters of nonce, thirteen that hold shard and slot, and for proxies
//! thirteen of loop hash. The nonce keeps outsiders from guessing one.

use super::ClientId;
use crate::dice::{parse_base32, push_base32};

/// The magic cookie (RFC 3261 §8.1.1.7).
pub const COOKIE: &str = "z9hG4bK";

const PART: usize = 13;

/// Writes the branch of transaction `id` of `shard`, with the loop hash if a proxy forwards.
pub fn write(shard: u8, id: ClientId, loop_hash: Option<u64>) -> String {
    let mut branch = String::with_capacity(COOKIE.len() + 3 * PART);
    branch.push_str(COOKIE);
    push_base32(&mut branch, id.nonce);
    push_base32(&mut branch, u64::from(shard) << 32 | u64::from(id.slot));
    if let Some(hash) = loop_hash {
        push_base32(&mut branch, hash);
    }
    branch
}

/// A branch of ours, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ours {
    /// The shard that holds the transaction.
    pub shard: u8,
    /// The transaction.
    pub id: ClientId,
    /// The loop hash, when a proxy wrote it.
    pub loop_hash: Option<u64>,
}

/// Reads a branch; `None` when it cannot be one of ours.
pub fn read(branch: &str) -> Option<Ours> {
    let rest = branch.as_bytes().strip_prefix(COOKIE.as_bytes())?;
    if rest.len() != 2 * PART && rest.len() != 3 * PART {
        return None;
    }
    let place = parse_base32(&rest[PART..2 * PART])?;
    let loop_hash = match &rest[2 * PART..] {
        [] => None,
        hash => Some(parse_base32(hash)?),
    };
    let shard = u8::try_from(place >> 32).ok()?;
    Some(Ours { shard, id: ClientId { slot: place as u32, nonce: parse_base32(&rest[..PART])? }, loop_hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_and_nothing_else() {
        let id = ClientId { slot: 77, nonce: u64::MAX - 5 };
        for loop_hash in [None, Some(0x1234_5678_9abc_def0)] {
            let branch = write(3, id, loop_hash);
            assert_eq!(read(&branch), Some(Ours { shard: 3, id, loop_hash }));
        }
        assert_eq!(read("z9hG4bK776asdhds"), None);
        assert_eq!(read("z9hG4bK0000000000000zzzzzzzzzzzzz"), None, "no shard has that number");
    }
}
