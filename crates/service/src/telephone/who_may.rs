//! Who may know of our calls, take them and join them: the telephone's own user, and those whom its settings name.
//!
//! Who somebody is is proved by the password of our own user (RFC 3911 §4, RFC 4235 §3.7.2), by the secret of our work
//! group (RFC 5359 §2.16), or vouched for by a server that we trust (RFC 3325 §5). What From says proves nothing.

use super::Telephone;
use crate::auth::Verdict;
use crate::desk::Desk;
use crate::settings::{self, Askers, Strangers};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::Flow;
use cordboard_sip::digest::{Credentials, Ha1};
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::uri::unescape;
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

/// Whom somebody claims to be, and how that is proved.
#[derive(Clone, Copy)]
struct Claim<'a> {
    user: &'a str,
    realm: &'a str,
    /// Nothing proves it without one.
    secret: Option<&'a str>,
    whose: Whose,
}

/// What somebody claims.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// To be our own user.
    Own,
    /// To be in our work group.
    Group,
}

/// Whom the sender of a request claims to be: our own user, who has our password, or else somebody of our group.
fn claim_of<'a>(account: &'a settings::Telephone, request: &'a View<'_>) -> Option<Claim<'a>> {
    if is_own(account, request.value(Name::FROM)?) {
        let realm = &*account.domain;
        let fits = |name: &str| name == "*" || name == realm;
        let password = account.passwords.iter().find(|(name, _)| fits(name));
        let secret = password.map(|(_, password)| &*password.0);
        return Some(Claim { user: &account.user, realm, secret, whose: Whose::Own });
    }
    let group = account.group.as_ref()?;
    let user = UriRef::parse(request.from_uri()).ok()?.user()?;
    Some(Claim { user, realm: &group.realm, secret: Some(&group.secret.0), whose: Whose::Group })
}

fn is_own(account: &settings::Telephone, address: &str) -> bool {
    same_user(address, &format!("sip:{}@{}", account.user, account.domain))
}

impl Telephone {
    /// What the sender of a request may.
    pub(super) fn may(&mut self, desk: &Desk, now: Instant, flow: Flow, request: &View<'_>) -> May {
        let asserted = vouched_for(desk, flow, request);
        let known =
            |address| is_own(&self.account, address) || self.is_friend(address) || self.serves(desk, address);
        if asserted.is_some_and(known) {
            return May::Everything;
        }
        // Whom a server vouches for has nothing more to prove.
        let claim = claim_of(&self.account, request);
        let Some(claim) = claim.filter(|claim| claim.whose == Whose::Own || asserted.is_none()) else {
            return match self.account.strangers {
                Strangers::Virtual => May::Little,
                Strangers::Refused => May::Nothing,
            };
        };
        // Each by their own name: the secret of a group is no licence to be somebody else in it.
        let secret = |credentials: &Credentials<'_>| {
            let secret = claim.secret.filter(|_| *credentials.username == *claim.user)?;
            Some(Ha1::new(credentials.algorithm, claim.user, claim.realm, secret))
        };
        match self.auth.check_in(desk, now, request, (claim.realm, Name::AUTHORIZATION), secret) {
            Verdict::User(_) => May::Everything,
            Verdict::Unproved { stale } => May::Prove { stale },
            Verdict::Wrong | Verdict::Malformed => May::Prove { stale: false },
        }
    }

    /// Whether a program sits here, which serves those who may know of our calls and nobody else.
    pub(super) fn is_server(&self) -> bool {
        self.account.transfers.askers == Askers::Members
    }

    /// Whether whoever asks a server for something is one of those who may; if not, that is answered.
    pub(super) fn is_admitted(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) -> bool {
        match self.may(desk, now, flow, request) {
            May::Everything => return true,
            May::Prove { stale } => self.challenge(desk, now, server, request, stale),
            May::Little | May::Nothing => desk.reply(now, server, request, Status::FORBIDDEN),
        }
        false
    }

    /// Whether whoever calls a server is one of those who may know of its calls; nothing once the call is refused. Others
    /// are let in by a server that we trust, for somebody of ours may have sent them.
    pub(super) fn is_caller_admitted(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) -> Option<bool> {
        if !self.is_server() {
            return Some(false);
        }
        if desk.trusts(flow.remote) {
            return Some(self.may(desk, now, flow, request) == May::Everything);
        }
        self.is_admitted(desk, now, flow, server, request).then_some(true)
    }

    /// RFC 5359 §2.13: whether a call has not passed the proxy that is to look at it first; then it is sent there (RFC 3261
    /// §21.3.4). Whoever takes a call over, or joins one, is somebody whom its people let do that.
    pub(super) fn sends_to_be_screened(
        &self,
        desk: &mut Desk,
        now: Instant,
        flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) -> bool {
        let Some(proxy) = &self.account.screened_by else { return false };
        if desk.settings.neighbours.contains(&flow.remote.ip()) {
            return false;
        }
        let response = desk.response(request, Status::USE_PROXY);
        let response = response.line(Name::CONTACT, format_args!("<{proxy}>")).finish();
        desk.stack.respond(now, server, Status::USE_PROXY, response);
        true
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
        let realm = claim_of(&self.account, request).map_or(&*self.account.domain, |claim| claim.realm);
        let response = self.auth.challenge_in(desk, now, stale, (realm, Name::WWW_AUTHENTICATE), response);
        desk.stack.respond(now, server, Status::UNAUTHORIZED, response.finish());
    }

    /// Whether an address is of one whom we serve, as our switchboard's directory has us.
    fn serves(&self, desk: &Desk, address: &str) -> bool {
        let Some(server) = desk.directory.server(&self.account.user) else { return false };
        let Ok(address) = NameAddrRef::parse(address) else { return false };
        let Ok(uri) = UriRef::parse(address.uri_text()) else { return false };
        uri.host().eq_ignore_ascii_case(&self.account.domain)
            && uri.user().is_some_and(|user| desk.directory.is_member(&unescape(user), server))
    }

    fn is_friend(&self, address: &str) -> bool {
        self.account.friends.iter().any(|friend| same_user(address, friend))
    }
}

/// Who sent a request, as a server says that we trust (RFC 3325 §5).
pub(super) fn vouched_for<'a>(desk: &Desk, flow: Flow, request: &'a View<'_>) -> Option<&'a str> {
    request.value(Name::P_ASSERTED_IDENTITY).filter(|_| desk.trusts(flow.remote))
}

/// Whether two addresses are of one user, whatever is written around that.
pub(super) fn same_user(one: &str, other: &str) -> bool {
    let (Ok(one), Ok(other)) = (NameAddrRef::parse(one), NameAddrRef::parse(other)) else { return false };
    let (Ok(one), Ok(other)) = (UriRef::parse(one.uri_text()), UriRef::parse(other.uri_text())) else {
        return false;
    };
    one.is_sip()
        && other.is_sip()
        && one.user() == other.user()
        && one.host().eq_ignore_ascii_case(other.host())
}
