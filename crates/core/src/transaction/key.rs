//! What makes two requests the same transaction (RFC 3261 §17.2.3).

use cordboard_sip::{Method, View};
use siphasher::sip128::SipHasher13;
use smallvec::SmallVec;

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
        // Put together first, for many short writes cost more than a long one.
        let mut text = SmallVec::<[u8; 256]>::new();
        let mut part = |part: &str| {
            text.extend_from_slice(part.as_bytes());
            text.push(END);
        };
        part(method);
        if let Some(branch) = via.branch.filter(|branch| branch.starts_with(super::branch::COOKIE)) {
            part(branch);
        } else {
            // RFC 2543: no branch to trust; the fields that both requests share. The To tag is left
            // out, for an ACK carries ours.
            part(via.branch.unwrap_or_default());
            part(request.request_uri());
            part(request.from_tag().unwrap_or_default());
            part(request.call_id());
            text.extend_from_slice(&request.cseq().0.to_le_bytes());
        }
        let sent_by = text.len();
        text.extend_from_slice(via.sent_by.as_bytes());
        text[sent_by..].make_ascii_lowercase();
        self.0.hash(&text).as_u128()
    }
}

/// Ends each part; no text holds it.
const END: u8 = 0xff;
