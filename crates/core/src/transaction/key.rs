//! What makes two requests the same transaction (RFC 3261 §17.2.3).

use cordboard_sip::{Method, View};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// A server transaction's identity: a keyed hash of the fields that §17.2.3 compares. Nobody who
/// does not know the key can make two that collide.
pub(crate) type Key = u128;

/// Hashes with a key from the seed.
#[derive(Clone)]
pub(crate) struct KeyMaker(SipHasher13);

impl KeyMaker {
    pub(crate) fn new(a: u64, b: u64) -> Self {
        Self(SipHasher13::new_with_keys(a, b))
    }

    /// The transaction a request belongs to; an ACK has that of its INVITE.
    pub(crate) fn of_request(&self, request: &View<'_>) -> Key {
        let method = match request.method() {
            Method::Ack => "INVITE",
            _ => request.method_text(),
        };
        self.keyed(request, method)
    }

    /// The INVITE that a CANCEL cancels (§9.2).
    pub(crate) fn of_cancelled(&self, cancel: &View<'_>) -> Key {
        self.keyed(cancel, "INVITE")
    }

    fn keyed(&self, request: &View<'_>, method: &str) -> Key {
        let via = request.top_via();
        let mut hasher = self.0;
        if let Some(branch) = via.branch.filter(|branch| branch.starts_with(super::branch::COOKIE)) {
            part(&mut hasher, branch);
            part_lowercase(&mut hasher, via.sent_by);
        } else {
            // RFC 2543: no branch to trust; the fields that both requests share. The To tag is left
            // out, for an ACK carries ours.
            part(&mut hasher, via.branch.unwrap_or_default());
            part_lowercase(&mut hasher, via.sent_by);
            part(&mut hasher, request.request_uri());
            part(&mut hasher, request.from_tag().unwrap_or_default());
            part(&mut hasher, request.call_id());
            hasher.write_u32(request.cseq().0);
        }
        part(&mut hasher, method);
        hasher.finish128().as_u128()
    }
}

fn part(hasher: &mut SipHasher13, text: &str) {
    hasher.write(text.as_bytes());
    hasher.write_u8(0xff);
}

fn part_lowercase(hasher: &mut SipHasher13, text: &str) {
    let mut lower = [0; 32];
    for some in text.as_bytes().chunks(lower.len()) {
        let lower = &mut lower[..some.len()];
        lower.copy_from_slice(some);
        lower.make_ascii_lowercase();
        hasher.write(lower);
    }
    hasher.write_u8(0xff);
}
