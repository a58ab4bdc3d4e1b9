//! Whom an operator's transfer leads to, and in whose name: an address, a park slot, or a party of another call.

use super::learning::tell_ends;
use super::{Anchor, other};
use crate::agent::Agent;
use crate::carried::Recipient;
use crate::carried::takeover::named_by_uri;
use crate::carried::watched::Side;
use crate::clearance;
use crate::desk::Desk;
use crate::operate::Operation;
use crate::proxy::target::uri_of;
use crate::servers::served_at;
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::UriRef;
use cordboard_sip::header::Replaces;
use cordboard_sip::uri::Uri;

/// Whom somebody is to call.
pub(super) struct Target {
    pub(super) kind: Kind,
    /// The URI, with the Replaces in it if a call is to be taken over.
    pub(super) uri: Box<str>,
    /// The same without.
    pub(super) shown: Box<str>,
    /// The URI of whoever is said to ask for it.
    pub(super) referrer: Box<str>,
    /// Who of our users that is.
    by: Option<Box<str>>,
}

/// One end of another call.
pub(crate) struct End {
    pub(crate) tag: Box<str>,
    /// The URI of its address.
    pub(crate) address: Box<str>,
    /// Where it is reached.
    pub(crate) contact: Box<str>,
    /// Who it is, if it is one of ours.
    pub(crate) user: Option<Box<str>>,
    /// Whether it says that it knows Join (RFC 3911 §8).
    pub(crate) joins: bool,
}

/// Another call: the caller, and the callee.
pub(crate) struct OtherCall {
    pub(crate) call_id: Box<str>,
    pub(crate) ends: [End; 2],
}

impl End {
    /// A URI by which the call is taken over (RFC 3891 §3) or joined (RFC 3911 §4) here, where `peer` is at the other end. Both
    /// headers name it as whoever is called sees it, and in the same words.
    pub(crate) fn link(&self, call_id: &str, peer: &Self, header: &str) -> Option<Box<str>> {
        let named = Replaces::new(call_id.parse().ok()?, self.tag.parse().ok()?, peer.tag.parse().ok()?);
        let mut uri = Uri::parse(&self.contact).ok()?;
        uri.as_sip_mut()?.headers.push(header, named.to_string());
        Some(uri.to_string().into())
    }
}

type Refused = (Outcome, &'static str);

impl Target {
    /// Where an operation leads, if one side of the call leaves; why it does not, if it cannot.
    pub(super) fn of(
        desk: &Desk,
        anchor: &Anchor,
        transferor: Side,
        operation: &Operation,
    ) -> Result<Self, Refused> {
        let leaver = anchor.half(transferor);
        let plain = |kind, to: &str| -> Result<Self, Refused> {
            let Ok(uri) = UriRef::parse(to) else {
                return Err((Outcome::TargetNotFound, "there is no such address"));
            };
            if !desk.is_ours(&uri) && !desk.settings.external_transfer {
                return Err((Outcome::NotAllowed, "transfers to other domains are not allowed"));
            }
            let peer = uri_of(&anchor.half(other(transferor)).contact);
            if UriRef::parse(peer).is_ok_and(|peer| peer.user() == uri.user() && peer.host() == uri.host()) {
                return Err((Outcome::RefersToItself, "whoever is asked is the one to be called"));
            }
            let referrer = uri_of(&leaver.address).into();
            Ok(Self { kind, uri: to.into(), shown: to.into(), referrer, by: leaver.user.clone() })
        };
        match operation {
            Operation::Transfer { to, .. } => plain(Kind::UnattendedTransfer, to),
            Operation::Park { slot, .. } => plain(Kind::Park, slot),
            Operation::TransferToCall { call, whom, .. } => {
                let call = tell_ends(desk, call)
                    .ok_or((Outcome::AlreadyEnded, "the other call is not up, or not remembered any more"))?;
                Self::taken_over(desk, anchor, leaver.user.as_deref(), &call, whom.as_deref())
            }
            Operation::End | Operation::Hold | Operation::Resume => {
                Err((Outcome::Failed, "that leads nowhere"))
            }
        }
    }

    /// A party of another call, whose place there the other one leaves.
    fn taken_over(
        desk: &Desk,
        anchor: &Anchor,
        leaver: Option<&str>,
        call: &OtherCall,
        whom: Option<&str>,
    ) -> Result<Self, Refused> {
        if call.call_id == anchor.call_id {
            return Err((Outcome::RefersToItself, "the other call is the same one"));
        }
        let [caller, callee] = &call.ends;
        let both = [(caller, callee), (callee, caller)];
        let is = |end: &End, name: &str| {
            end.user.as_deref() == Some(name)
                || *end.address == *name
                || end.address.strip_prefix("sip:") == Some(name)
        };
        let found = match (whom, leaver) {
            (Some(whom), _) => both.into_iter().find(|(end, _)| is(end, whom)),
            (None, Some(leaver)) => both.into_iter().find(|(_, leaves)| is(leaves, leaver)),
            (None, None) => None,
        };
        let Some((wanted, replaced)) = found else {
            return Err((Outcome::Failed, "it is not clear who of the other call is meant: name one"));
        };
        if wanted.user.is_none() && !desk.settings.external_transfer {
            return Err((Outcome::NotAllowed, "transfers to other domains are not allowed"));
        }
        let uri = wanted.link(&call.call_id, replaced, "Replaces");
        let uri = uri.ok_or((Outcome::TargetUnreachable, "the other call cannot be named"))?;
        // Somebody of that call asks for it, for nobody else may.
        let asks = if replaced.user.is_some() { replaced } else { wanted };
        Ok(Self {
            kind: Kind::AttendedTransfer,
            uri,
            shown: wanted.address.clone(),
            referrer: asks.address.clone(),
            by: asks.user.clone(),
        })
    }

    /// Lets whoever is asked do it, as if one of ours had asked by a REFER of their own.
    pub(super) fn gives_tickets(&self, agent: &mut Agent, now: Instant, whom: Recipient) {
        let Some(by) = &self.by else { return };
        clearance::vouch(agent, now, by, named_by_uri(&self.uri));
        let server = UriRef::parse(&self.shown).ok().and_then(|uri| served_at(&agent.desk, &uri, by));
        if let Some(name) = server.filter(|_| self.kind != Kind::AttendedTransfer) {
            clearance::send_to(agent, now, &name, by.clone(), whom);
        }
    }
}
