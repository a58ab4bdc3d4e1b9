//! Tokens that stand in user parts of ours.
//!
//! A route token is what we write into our Record-Route, so that a request inside a dialog proves that it
//! belongs to one we carried, and finds the flows of both ends (RFC 5626 §5.3). It is stateless: thirteen characters of a keyed hash over the Call-ID, the caller's tag and
//! the flows, then the flows. Which end sent a request follows from which of its tags fits.
//!
//! The user part of a temporary GRUU (RFC 5627) is one too, sealed rather than signed.

mod gruu;

pub use gruu::MAX_USER as MAX_GRUU_USER;

use crate::carried::DialogKey;
use crate::location::Era;
use cordboard_core::dice::{Dice, parse_base32, push_base32};
use cordboard_core::transport::{Flow, ListenerId, Transport};
use siphasher::sip::SipHasher24;
use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};

/// Signs and reads tokens.
#[derive(Clone)]
pub struct Tokens {
    hasher: SipHasher24,
    node: u8,
    seal: gruu::Seal,
}

/// What a signature is for: one made for the one says nothing for the other.
const ROUTE: u8 = 1;
const TAG: u8 = 2;
const DIALOG: u8 = 3;

/// The ends of a dialog, as far as their flows are pinned: an end that can be reached by its Contact
/// needs none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The flow of whoever sent the INVITE.
    pub caller: Option<Flow>,
    /// The flow of whoever got it.
    pub callee: Option<Flow>,
}

/// A token that fits its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The pinned flow of the end that the request is for.
    pub onward: Option<Flow>,
    /// Whether the caller of the dialog sent the request.
    pub from_caller: bool,
}

impl Tokens {
    /// Tokens signed with a key that all shards share and that survives restarts.
    pub fn new(key: &[u8; 32], node: u8) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| key[at + i]));
        let mut hasher = SipHasher24::new_with_keys(word(0), word(8));
        hasher.write_u64(word(16));
        hasher.write_u64(word(24));
        Self { hasher, node, seal: gruu::Seal::new(key, node) }
    }

    /// The token of a dialog, written for the user part of a URI.
    pub fn seal(&self, call_id: &str, caller_tag: &str, ends: &Ends) -> String {
        let mut flows = String::new();
        push_flow(&mut flows, ends.caller.as_ref());
        push_flow(&mut flows, ends.callee.as_ref());
        let mut token = String::with_capacity(13 + flows.len());
        push_base32(&mut token, self.sign(ROUTE, call_id, caller_tag, &flows));
        token.push_str(&flows);
        token
    }

    /// Reads the token of a request inside a dialog; `None` when it was not made for this dialog.
    pub fn open(&self, token: &str, call_id: &str, from_tag: &str, to_tag: &str) -> Option<Opened> {
        let (signature, flows) = token.split_at_checked(13)?;
        let signature = parse_base32(signature.as_bytes())?;
        let from_caller = if signature == self.sign(ROUTE, call_id, from_tag, flows) {
            true
        } else if signature == self.sign(ROUTE, call_id, to_tag, flows) {
            false
        } else {
            return None;
        };
        let (caller, rest) = take_flow(flows)?;
        let (callee, rest) = take_flow(rest)?;
        let onward = if from_caller { callee } else { caller };
        rest.is_empty().then_some(Opened { onward, from_caller })
    }

    /// A To tag that follows from the request it answers. It is shown to whoever asks, for words that
    /// they choose, so that it must never be good as a token.
    pub fn tag(&self, call_id: &str, from_tag: &str, branch: &str) -> String {
        let mut tag = String::with_capacity(13);
        push_base32(&mut tag, self.sign(TAG, call_id, from_tag, branch));
        tag
    }

    /// A name for a dialog that is the same in every shard, and whichever end's tag is written first.
    pub(crate) fn dialog(&self, call_id: &str, tags: [&str; 2]) -> DialogKey {
        let [one, other] = tags;
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        DialogKey(self.sign(DIALOG, call_id, first, second))
    }

    /// The user part of a new temporary GRUU (RFC 5627 §5.1) of an instance of `user` (unescaped); `None` if
    /// that is longer than [`MAX_GRUU_USER`].
    pub fn seal_gruu(&self, dice: &mut Dice, user: &str, era: Era) -> Option<String> {
        self.seal.close(dice, user, era)
    }

    /// Whose a temporary GRUU is, by its user part as written, and of which era; `None` if we made none such.
    pub fn open_gruu(&self, token: &str) -> Option<(Box<str>, Era)> {
        self.seal.open(token)
    }

    fn sign(&self, purpose: u8, call_id: &str, caller_tag: &str, flows: &str) -> u64 {
        let mut hasher = self.hasher;
        hasher.write_u8(purpose);
        for part in [call_id, caller_tag, flows] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.write_u8(self.node);
        hasher.finish()
    }
}

const TRANSPORTS: [(char, Transport); 5] = [
    ('u', Transport::Udp),
    ('t', Transport::Tcp),
    ('s', Transport::Tls),
    ('w', Transport::Ws),
    ('x', Transport::Wss),
];

/// `-` for none; else transport, version, listener, connection, address and port in hexadecimal.
fn push_flow(out: &mut String, flow: Option<&Flow>) {
    use std::fmt::Write;
    let Some(flow) = flow else {
        out.push('-');
        return;
    };
    let letter = TRANSPORTS.iter().find(|(_, t)| *t == flow.transport).map_or('u', |(letter, _)| *letter);
    out.push(letter);
    let written = match flow.remote.ip() {
        IpAddr::V4(ip) => write!(out, "4{:08x}", u32::from(ip)),
        IpAddr::V6(ip) => write!(out, "6{:032x}", u128::from(ip)),
    }
    .and_then(|()| write!(out, "{:04x}{:04x}{:016x}", flow.remote.port(), flow.listener.0, flow.connection));
    debug_assert!(written.is_ok(), "a String takes whatever is written");
}

fn take_flow(text: &str) -> Option<(Option<Flow>, &str)> {
    let mut chars = text.chars();
    let letter = chars.next()?;
    if letter == '-' {
        return Some((None, chars.as_str()));
    }
    let transport = TRANSPORTS.iter().find(|(l, _)| *l == letter)?.1;
    let version = chars.next()?;
    let rest = chars.as_str();
    let (ip, rest) = match version {
        '4' => {
            let (digits, rest) = rest.split_at_checked(8)?;
            (IpAddr::V4(u32::from_str_radix(digits, 16).ok()?.into()), rest)
        }
        '6' => {
            let (digits, rest) = rest.split_at_checked(32)?;
            (IpAddr::V6(u128::from_str_radix(digits, 16).ok()?.into()), rest)
        }
        _ => return None,
    };
    let (port, rest) = rest.split_at_checked(4)?;
    let (listener, rest) = rest.split_at_checked(4)?;
    let (connection, rest) = rest.split_at_checked(16)?;
    let flow = Flow {
        transport,
        listener: ListenerId(u16::from_str_radix(listener, 16).ok()?),
        connection: u64::from_str_radix(connection, 16).ok()?,
        remote: SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?),
    };
    Some((Some(flow), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(transport: Transport, remote: &str, connection: u64) -> Flow {
        Flow { transport, listener: ListenerId(2), connection, remote: remote.parse().unwrap() }
    }

    #[test]
    fn either_end_finds_the_other() {
        let tokens = Tokens::new(&[9; 32], 1);
        let caller = flow(Transport::Ws, "[2001:db8::7]:40000", 77);
        let callee = flow(Transport::Udp, "192.0.2.4:5062", 0);
        let token = tokens.seal("id@x", "a", &Ends { caller: Some(caller), callee: Some(callee) });
        assert_eq!(
            tokens.open(&token, "id@x", "a", "b"),
            Some(Opened { onward: Some(callee), from_caller: true })
        );
        assert_eq!(
            tokens.open(&token, "id@x", "b", "a"),
            Some(Opened { onward: Some(caller), from_caller: false })
        );
    }

    #[test]
    fn a_tag_is_no_token() {
        let tokens = Tokens::new(&[9; 32], 1);
        let forged = format!("{}--", tokens.tag("id@x", "a", "--"));
        assert_eq!(tokens.open(&forged, "id@x", "a", "b"), None);
    }

    #[test]
    fn a_dialog_has_one_name_for_both_ends() {
        let tokens = Tokens::new(&[9; 32], 1);
        let name = tokens.dialog("id@x", ["a", "b"]);
        assert_eq!(name, tokens.dialog("id@x", ["b", "a"]));
        for (call_id, tags) in [("other", ["a", "b"]), ("id@x", ["a", "c"]), ("id@xa", ["", "b"])] {
            assert_ne!(name, tokens.dialog(call_id, tags), "{call_id} {tags:?}");
        }
        assert_ne!(name, Tokens::new(&[8; 32], 1).dialog("id@x", ["a", "b"]));
    }

    #[test]
    fn a_token_of_another_dialog_opens_nothing() {
        let tokens = Tokens::new(&[9; 32], 1);
        let token = tokens.seal("id@x", "a", &Ends::default());
        assert_eq!(token.len(), 15);
        assert_eq!(tokens.open(&token, "other", "a", "b"), None);
        assert_eq!(tokens.open(&token, "id@x", "c", "b"), None);
        assert_eq!(Tokens::new(&[8; 32], 1).open(&token, "id@x", "a", "b"), None);
        assert_eq!(tokens.open("", "id@x", "a", "b"), None);
        assert_eq!(tokens.open("0123456789abc-é", "id@x", "a", "b"), None);
    }
}
