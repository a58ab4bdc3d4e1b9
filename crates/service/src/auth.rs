//! Digest authentication of requests that start something (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! A nonce is thirteen characters of when and which shard made it, and thirteen that sign them; it
//! needs no table until somebody uses it. Then its count is remembered, so that nothing is accepted
//! twice, in a table that is bounded: what does not fit is answered `stale=true`, and the phone asks
//! again with a new nonce.

use crate::desk::Desk;
use crate::door::ShardId;
use cordboard_core::dice::{Dice, parse_base32, push_base32};
use cordboard_core::time::Instant;
use cordboard_sip::digest::{Algorithm, Challenge, Credentials, Ha1, Request};
use cordboard_sip::{Builder, Name, UriRef, View};
use foldhash::fast::FixedState;
use siphasher::sip::SipHasher24;
use std::collections::{HashMap, VecDeque};
use std::hash::Hasher;

/// Nonces in use that one shard remembers.
pub(crate) const MAX_NONCES: usize = 131_072;

/// How far behind the highest count of a nonce a request may come: requests may overtake each other.
const COUNT_WINDOW: u32 = 64;

/// What credentials prove.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This user of ours.
    User(Box<str>),
    /// Nothing: there are none, or their nonce is too old or used up.
    Unproved {
        /// Whether they were right but for the nonce.
        stale: bool,
    },
    /// They are of nobody, or their response does not fit. The answer does not tell which.
    Wrong,
    /// They cannot be read, or speak of another request.
    Malformed,
}

/// Makes and checks nonces; one for each shard.
pub(crate) struct Authenticator {
    signer: SipHasher24,
    shard: u8,
    salt: u32,
    in_use: HashMap<u64, Used, FixedState>,
    /// The nonces in use, oldest first.
    order: VecDeque<u64>,
}

/// The counts of one nonce that have been used: the highest, and those shortly before it.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    highest: u32,
    seen: u64,
}

impl Authenticator {
    /// Signs with the switchboard's key and something of this process: what was recorded before a
    /// restart cannot be played again after it, though the counts are forgotten.
    pub(crate) fn new(key: &[u8; 32], shard: ShardId, dice: &mut Dice) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| key[at + i]));
        Self {
            signer: SipHasher24::new_with_keys(word(0) ^ dice.bits(), word(8) ^ dice.bits()),
            shard: shard.0,
            salt: 0,
            in_use: HashMap::with_hasher(FixedState::with_seed(dice.bits())),
            order: VecDeque::new(),
        }
    }

    /// Adds the challenges to a 401 or 407: one for each algorithm for which passwords are kept,
    /// MD5 first. RFC 8760 §2.4 lets the server choose the order, and browsers read only the first.
    pub(crate) fn challenge(
        &mut self,
        desk: &Desk,
        now: Instant,
        stale: bool,
        name: Name,
        response: Builder,
    ) -> Builder {
        self.challenge_in(desk, now, stale, (desk.realm(), name), response)
    }

    /// The same for another realm than that of our users.
    pub(crate) fn challenge_in(
        &mut self,
        desk: &Desk,
        now: Instant,
        stale: bool,
        (realm, name): (&str, Name),
        mut response: Builder,
    ) -> Builder {
        let nonce = self.mint(now);
        for algorithm in &desk.settings.auth.algorithms {
            let challenge = Challenge::new(*algorithm, realm, &nonce).with_stale(stale);
            response = response.line(name, challenge);
        }
        response
    }

    /// Checks the credentials for our realm in the header `name`.
    pub(crate) fn check(&mut self, desk: &Desk, now: Instant, request: &View<'_>, name: Name) -> Verdict {
        self.check_in(desk, now, request, (desk.realm(), name), |credentials| secret_of(desk, credentials))
    }

    /// The same for another realm, with secrets that are not in the directory.
    pub(crate) fn check_in(
        &mut self,
        desk: &Desk,
        now: Instant,
        request: &View<'_>,
        (realm, name): (&str, Name),
        secret: impl Fn(&Credentials<'_>) -> Option<Ha1>,
    ) -> Verdict {
        let Some(line) = request.lines_named(name).find(|line| is_for(line, realm)) else {
            return Verdict::Unproved { stale: false };
        };
        let Ok(credentials) = Credentials::read(line) else { return Verdict::Malformed };
        if !names_request(desk, &credentials, request) {
            return Verdict::Malformed;
        }
        if !proves(desk, &credentials, request, secret) {
            return Verdict::Wrong;
        }
        // RFC 7616 §3.3: whose password is right is not asked for it again. Such a nonce was made by
        // another shard, or before a restart.
        let Some(minted) = self.read(&credentials.nonce) else { return Verdict::Unproved { stale: true } };
        let life = desk.settings.auth.nonce_life;
        let old = minted.shard != self.shard || now.since(minted.at) > life || minted.at > now;
        let count = credentials.nc.as_ref().map_or(1, cordboard_sip::digest::NonceCount::value);
        if old || !self.use_up(minted.id, count, now, life) {
            return Verdict::Unproved { stale: true };
        }
        Verdict::User(credentials.username.as_ref().into())
    }

    fn mint(&mut self, now: Instant) -> String {
        self.salt = self.salt.wrapping_add(1);
        // 40 bits of milliseconds last for 34 years.
        let id = now.as_millis() << 24 | u64::from(self.shard) << 16 | u64::from(self.salt as u16);
        let mut nonce = String::with_capacity(26);
        push_base32(&mut nonce, id);
        push_base32(&mut nonce, self.sign(id));
        nonce
    }

    fn read(&self, nonce: &str) -> Option<Minted> {
        let (id, signature) = nonce.split_at_checked(13)?;
        let id = parse_base32(id.as_bytes())?;
        (parse_base32(signature.as_bytes())? == self.sign_of((id >> 16) as u8, id)?).then(|| Minted {
            id,
            at: Instant::from_micros((id >> 24) * 1000),
            shard: (id >> 16) as u8,
        })
    }

    fn sign(&self, id: u64) -> u64 {
        let mut hasher = self.signer;
        hasher.write_u64(id);
        hasher.finish()
    }

    /// Another shard's nonces are signed with another key, and therefore count as unknown.
    fn sign_of(&self, shard: u8, id: u64) -> Option<u64> {
        (shard == self.shard).then(|| self.sign(id))
    }

    /// Marks one count of a nonce as used; false if it was, or cannot be remembered.
    fn use_up(&mut self, id: u64, count: u32, now: Instant, life: std::time::Duration) -> bool {
        while let Some(oldest) = self.order.front()
            && now.since(Instant::from_micros((oldest >> 24) * 1000)) > life
        {
            self.in_use.remove(oldest);
            self.order.pop_front();
        }
        if !self.in_use.contains_key(&id) {
            if self.in_use.len() >= MAX_NONCES {
                return false;
            }
            self.order.push_back(id);
        }
        self.in_use.entry(id).or_default().take(count)
    }
}

struct Minted {
    id: u64,
    at: Instant,
    shard: u8,
}

impl Used {
    fn take(&mut self, count: u32) -> bool {
        if count == 0 {
            return false;
        }
        if count > self.highest {
            let ahead = count - self.highest;
            self.seen = if ahead >= COUNT_WINDOW { 0 } else { self.seen << ahead };
            self.seen |= 1;
            self.highest = count;
            return true;
        }
        let behind = self.highest - count;
        if behind >= COUNT_WINDOW || self.seen >> behind & 1 == 1 {
            return false;
        }
        self.seen |= 1 << behind;
        true
    }
}

/// Whether the credentials in `value` are for `realm`: by a glance, or where they are written in an
/// unusual way, by reading them.
pub(crate) fn is_for(value: &str, realm: &str) -> bool {
    match value.find("realm=\"") {
        Some(at) => value[at + 7..].strip_prefix(realm).is_some_and(|rest| rest.starts_with('"')),
        None => Credentials::read(value).is_ok_and(|credentials| credentials.realm == realm),
    }
}

/// RFC 7616 §3.4.6: the URI in the credentials is that of the request, at least as far as user and
/// host go: phones leave parameters out, and write our address where they mean our domain.
fn names_request(desk: &Desk, credentials: &Credentials<'_>, request: &View<'_>) -> bool {
    if *credentials.uri == *request.request_uri() {
        return true;
    }
    match (UriRef::parse(&credentials.uri), UriRef::parse(request.request_uri())) {
        (Ok(said), Ok(meant)) => {
            let same_host = said.host().eq_ignore_ascii_case(meant.host());
            same_host && said.user() == meant.user()
                || desk.is_ours(&said) && desk.is_ours(&meant)
                || desk.settings.role.telephone().is_some() && is_addressed_to(request, &said)
        }
        _ => false,
    }
}

/// Whether To names that URI: a user agent behind proxies is reached at its Contact, and asked for by its address.
fn is_addressed_to(request: &View<'_>, said: &UriRef<'_>) -> bool {
    let to = UriRef::parse(request.to_uri());
    to.is_ok_and(|to| to.host().eq_ignore_ascii_case(said.host()) && to.user() == said.user())
}

fn proves(
    desk: &Desk,
    credentials: &Credentials<'_>,
    request: &View<'_>,
    secret: impl Fn(&Credentials<'_>) -> Option<Ha1>,
) -> bool {
    // RFC 7616 §5.6: otherwise whoever sits in between would choose the weakest that we know.
    if !desk.settings.auth.algorithms.contains(&credentials.algorithm) {
        return false;
    }
    let Some(secret) = secret(credentials) else { return false };
    let request = Request { method: request.method_text(), uri: &credentials.uri, body: request.body() };
    credentials.is_answered_with(&secret, &request)
}

/// The secret of one of our users.
fn secret_of(desk: &Desk, credentials: &Credentials<'_>) -> Option<Ha1> {
    let user = desk.directory.user(&credentials.username)?;
    let octets = match credentials.algorithm {
        Algorithm::Md5 => user.ha1_md5.as_ref().map(<[u8; 16]>::as_slice),
        Algorithm::Sha256 => user.ha1_sha256.as_ref().map(<[u8; 32]>::as_slice),
        Algorithm::Sha512_256 => user.ha1_sha512_256.as_ref().map(<[u8; 32]>::as_slice),
    };
    octets.and_then(|octets| Ha1::from_octets(credentials.algorithm, octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn authenticator() -> Authenticator {
        Authenticator::new(&[1; 32], ShardId(3), &mut Dice::new([2; 32], 0))
    }

    #[test]
    fn a_nonce_count_is_good_once_and_may_come_out_of_order() {
        let mut used = Used::default();
        let counts = [1, 2, 5, 3, 5, 4, 100, 5, 99, 99, 0];
        let taken = counts.map(|count| used.take(count));
        assert_eq!(taken, [true, true, true, true, false, true, true, false, true, false, false]);
    }

    #[test]
    fn only_our_own_nonces_are_read() {
        let mut auth = authenticator();
        let nonce = auth.mint(Instant::from_micros(5_000_000));
        let minted = auth.read(&nonce).unwrap();
        assert_eq!((minted.at, minted.shard), (Instant::from_micros(5_000_000), 3));
        assert_ne!(nonce, auth.mint(Instant::from_micros(5_000_000)));
        let mut forged = nonce.clone();
        forged.replace_range(0..1, "z");
        assert!(auth.read(&forged).is_none());
        assert!(Authenticator::new(&[1; 32], ShardId(3), &mut Dice::new([9; 32], 0)).read(&nonce).is_none());
    }

    #[test]
    fn the_table_of_nonces_forgets_what_has_expired_and_takes_no_more_than_it_may() {
        let mut auth = authenticator();
        let life = Duration::from_secs(10);
        let at = |ms: u64| (ms << 24) | 3 << 16;
        for ms in 0..MAX_NONCES as u64 {
            assert!(auth.use_up(at(ms), 1, Instant::START, life));
        }
        assert!(!auth.use_up(at(MAX_NONCES as u64), 1, Instant::START, life));
        assert!(!auth.use_up(at(0), 1, Instant::START, life), "used before");
        assert!(auth.use_up(at(MAX_NONCES as u64), 1, Instant::from_micros(10_001_000), life));
    }
}
