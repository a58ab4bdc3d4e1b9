//! Who may know of our calls and join them: the telephone's own user, and those whom its settings name.
//!
//! Who somebody is is proved by the password of our own user (RFC 3911 §4, RFC 4235 §3.7.2), or vouched for by a server
//! that we trust (RFC 3325 §5). What From says proves nothing.

use super::Telephone;
use crate::auth::Verdict;
use crate::desk::Desk;
use crate::settings::Strangers;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::digest::Ha1;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Name, Status, UriRef, View};

/// What somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    /// Know our calls, and join them.
    Everything,
    /// Know whether there are any.
    Little,
    /// Nothing.
    Nothing,
    /// That is still to be seen: whoever claims to be our own user has to prove it.
    Prove {
        /// Whether the proof was right but for its nonce.
        stale: bool,
    },
}

impl Telephone {
    /// What the sender of a request may.
    pub(super) fn may(&mut self, desk: &Desk, now: Instant, flow: Flow, request: &View<'_>) -> May {
        let vouched = desk.settings.neighbours.contains(&flow.remote.ip());
        let asserted = request.value(Name::P_ASSERTED_IDENTITY).filter(|_| vouched);
        if asserted.is_some_and(|address| self.is_own(address) || self.is_friend(address)) {
            return May::Everything;
        }
        if !request.value(Name::FROM).is_some_and(|from| self.is_own(from)) {
            return match self.account.strangers {
                Strangers::Virtual => May::Little,
                Strangers::Refused => May::Nothing,
            };
        }
        let account = &self.account;
        let secret = |credentials: &cordboard_sip::digest::Credentials<'_>| {
            let realm = &*account.domain;
            let fits = |name: &str| name == "*" || name == realm;
            let (_, password) = account.passwords.iter().find(|(name, _)| fits(name))?;
            (*credentials.username == *account.user)
                .then(|| Ha1::new(credentials.algorithm, &account.user, realm, &password.0))
        };
        match self.auth.check_in(desk, now, request, (&account.domain, Name::AUTHORIZATION), secret) {
            Verdict::User(_) => May::Everything,
            Verdict::Unproved { stale } => May::Prove { stale },
            Verdict::Wrong | Verdict::Malformed => May::Prove { stale: false },
        }
    }

    /// Asks for a proof (RFC 3261 §22.2).
    pub(super) fn challenge(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        stale: bool,
    ) {
        let response = desk.response(request, Status::UNAUTHORIZED);
        let realm = (&*self.account.domain, Name::WWW_AUTHENTICATE);
        let response = self.auth.challenge_in(desk, now, stale, realm, response);
        desk.stack.respond(now, server, Status::UNAUTHORIZED, response.finish());
    }

    fn is_own(&self, address: &str) -> bool {
        same_user(address, &format!("sip:{}@{}", self.account.user, self.account.domain))
    }

    fn is_friend(&self, address: &str) -> bool {
        self.account.friends.iter().any(|friend| same_user(address, friend))
    }
}

/// Whether two addresses are of one user, whatever is written around that.
fn same_user(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (NameAddrRef::parse(one), NameAddrRef::parse(other)) else { return false };
    let (Ok(one), Ok(other)) = (UriRef::parse(one.uri_text()), UriRef::parse(other.uri_text())) else {
        return false;
    };
    one.is_sip()
        && other.is_sip()
        && one.user() == other.user()
        && one.host().eq_ignore_ascii_case(other.host())
}
