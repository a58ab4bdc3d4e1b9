//! Credentials: which passwords answer which challenges (RFC 3261 §22.2, §22.3; RFC 7616).

use crate::settings;
use cordboard_core::dice::Dice;
use cordboard_sip::digest::{Challenge, Ha1, ProxyAuthenticate, Request, WwwAuthenticate};
use cordboard_sip::{Name, View};

/// Realms that are remembered; the one learnt first makes room.
const MAX_REALMS: usize = 32;

/// How often one request may be challenged: by a few proxies in turn, each with a stale nonce.
const MAX_ROUNDS: u8 = 8;

/// Who asks for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    /// A proxy, or else the user agent or registrar itself.
    proxy: bool,
    name: Box<str>,
}

/// Which challenges one request has answered already.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    count: u8,
    answered: Vec<Realm>,
}

struct Entry {
    realm: Realm,
    challenge: Challenge,
    secret: Ha1,
    /// How often its nonce was used (RFC 7616 §3.4).
    uses: u32,
}

/// The challenges met so far, each with its secret.
#[derive(Default)]
pub(super) struct Wallet {
    entries: Vec<Entry>,
}

impl Wallet {
    /// Learns from a 401 or 407. True if the request is to be sent again: each new realm has gone into
    /// `realms`, which every request of the same Call-ID carries credentials for. False if a password is
    /// missing or has just been refused.
    pub(super) fn learn(
        &mut self,
        account: &settings::Telephone,
        response: &View<'_>,
        rounds: &mut Rounds,
        realms: &mut Vec<Realm>,
    ) -> bool {
        let asked = challenges(response);
        if asked.is_empty() || rounds.count == MAX_ROUNDS {
            return false;
        }
        rounds.count += 1;
        let mut answers = false;
        let mut seen: Vec<Realm> = Vec::new();
        for (proxy, challenge) in asked {
            let realm = Realm { proxy, name: challenge.realm.clone() };
            // RFC 8760 §2.4: of several challenges of one realm the topmost that we can answer.
            if seen.contains(&realm) {
                continue;
            }
            let Some(password) = password(account, &realm.name) else { continue };
            if rounds.answered.contains(&realm) && !challenge.stale {
                return false;
            }
            seen.push(realm.clone());
            if !rounds.answered.contains(&realm) {
                rounds.answered.push(realm.clone());
            }
            let secret = Ha1::new(challenge.algorithm, &account.user, &realm.name, password);
            self.keep(Entry { realm: realm.clone(), challenge, secret, uses: 0 });
            if !realms.contains(&realm) && realms.len() < MAX_REALMS {
                realms.push(realm);
            }
            answers = true;
        }
        answers
    }

    fn keep(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|known| known.realm == entry.realm) {
            // A nonce that is offered again goes on counting.
            Some(known) if known.challenge.nonce == entry.challenge.nonce => {
                known.challenge = entry.challenge;
            }
            Some(known) => *known = entry,
            None => {
                if self.entries.len() == MAX_REALMS {
                    self.entries.remove(0);
                }
                self.entries.push(entry);
            }
        }
    }

    /// The lines for a request that answers these realms.
    pub(super) fn lines(
        &mut self,
        account: &settings::Telephone,
        realms: &[Realm],
        request: &Request<'_>,
        dice: &mut Dice,
    ) -> Vec<(Name, Box<str>)> {
        let mut lines = Vec::new();
        for realm in realms {
            let Some(entry) = self.entries.iter_mut().find(|entry| entry.realm == *realm) else { continue };
            entry.uses += 1;
            let credentials =
                entry.challenge.answer(&account.user, &entry.secret, request, entry.uses, &dice.tag());
            let name = if realm.proxy { Name::PROXY_AUTHORIZATION } else { Name::AUTHORIZATION };
            lines.push((name, credentials.to_string().into()));
        }
        lines
    }
}

fn challenges(response: &View<'_>) -> Vec<(bool, Challenge)> {
    let www = response.headers::<WwwAuthenticate>().flatten();
    let proxy = response.headers::<ProxyAuthenticate>().flatten();
    www.filter_map(|header| header.digest().cloned().map(|challenge| (false, challenge)))
        .chain(proxy.filter_map(|header| header.digest().cloned().map(|challenge| (true, challenge))))
        .collect()
}

fn password<'a>(account: &'a settings::Telephone, realm: &str) -> Option<&'a str> {
    let of = |wanted: &str| account.passwords.iter().find(|(name, _)| **name == *wanted);
    of(realm).or_else(|| of("*")).map(|(_, secret)| &*secret.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;
    use cordboard_sip::digest::Credentials;

    fn account(passwords: &[(&str, &str)]) -> settings::Telephone {
        settings::Telephone {
            user: "alice".into(),
            domain: "atlanta.example.com".into(),
            passwords: passwords.iter().map(|(r, p)| ((*r).into(), Secret((*p).into()))).collect(),
            ..Default::default()
        }
    }

    fn asks(lines: &str) -> String {
        format!(
            "SIP/2.0 407 Proxy Authentication Required\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n{lines}Content-Length: 0\r\n\r\n"
        )
    }

    const REQUEST: Request<'_> = Request { method: "INVITE", uri: "sip:c@d", body: b"" };

    /// RFC 3665 §3.3: a second proxy's realm is added, the first is answered again and counts on.
    #[test]
    fn credentials_accumulate_and_nonces_are_counted() {
        let account = account(&[("*", "secret")]);
        let mut wallet = Wallet::default();
        let mut dice = Dice::new([1; 32], 0);
        let (mut rounds, mut realms) = (Rounds::default(), Vec::new());
        let one =
            asks("Proxy-Authenticate: Digest realm=\"one\", nonce=\"n1\", qop=\"auth\", algorithm=MD5\r\n");
        assert!(wallet.learn(&account, &View::parse(one.as_bytes()).unwrap(), &mut rounds, &mut realms));
        assert_eq!(wallet.lines(&account, &realms, &REQUEST, &mut dice).len(), 1);
        let two =
            asks("Proxy-Authenticate: Digest realm=\"two\", nonce=\"n2\", qop=\"auth\", algorithm=MD5\r\n");
        assert!(wallet.learn(&account, &View::parse(two.as_bytes()).unwrap(), &mut rounds, &mut realms));
        let lines = wallet.lines(&account, &realms, &REQUEST, &mut dice);
        let counts: Vec<_> = lines
            .iter()
            .map(|(name, line)| {
                assert_eq!(*name, Name::PROXY_AUTHORIZATION);
                let credentials = Credentials::read(line).unwrap();
                let secret =
                    Ha1::new(cordboard_sip::digest::Algorithm::Md5, "alice", &credentials.realm, "secret");
                assert!(credentials.is_answered_with(&secret, &REQUEST));
                (credentials.realm.to_string(), credentials.nc.map(|nc| nc.value()))
            })
            .collect();
        assert_eq!(counts, [("one".to_owned(), Some(2)), ("two".to_owned(), Some(1))]);
    }

    #[test]
    fn a_password_is_tried_once_and_a_stale_nonce_is_replaced() {
        let account = account(&[("one", "wrong")]);
        let mut wallet = Wallet::default();
        let (mut rounds, mut realms) = (Rounds::default(), Vec::new());
        let mut learn = |line: &str| {
            let text = asks(&format!("WWW-Authenticate: Digest {line}, qop=\"auth\"\r\n"));
            wallet.learn(&account, &View::parse(text.as_bytes()).unwrap(), &mut rounds, &mut realms)
        };
        assert!(learn("realm=\"one\", nonce=\"n1\""));
        assert!(learn("realm=\"one\", nonce=\"n2\", stale=true"));
        assert!(!learn("realm=\"one\", nonce=\"n3\""));
        assert!(!learn("realm=\"unknown\", nonce=\"n3\""));
    }

    #[test]
    fn challenges_do_not_go_on_for_ever() {
        let account = account(&[("*", "x")]);
        let mut wallet = Wallet::default();
        let (mut rounds, mut realms) = (Rounds::default(), Vec::new());
        let stale = asks("Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true\r\n");
        let mut sent = 0;
        while wallet.learn(&account, &View::parse(stale.as_bytes()).unwrap(), &mut rounds, &mut realms) {
            sent += 1;
        }
        assert_eq!(sent, MAX_ROUNDS);
    }
}
