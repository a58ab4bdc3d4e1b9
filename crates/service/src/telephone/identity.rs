//! Whom one talks to: the connected identity of RFC 4916, and what a server that we trust asserts (RFC 3325).

use super::Telephone;
use super::call::{Call, Change};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::ConnectedIdentity;
use cordboard_core::time::Instant;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Name, View};

impl Telephone {
    /// Shows the other side of a call this address.
    pub(super) fn identify(&mut self, desk: &mut Desk, now: Instant, name: CallName, address: &str) {
        let call = self.names.get(&name).and_then(|key| self.calls.get_mut(*key));
        let parsed = NameAddrRef::parse(address).ok().filter(|address| address.uri().is_ok());
        // RFC 4916 §4.1: nobody else would know what to make of it.
        let (Some(call), Some(parsed)) = (call.filter(|call| call.peer.changes_from), parsed) else {
            return Self::tell(desk, CallEvent::Impossible(name));
        };
        call.identity = Some(bare(&parsed));
        self.want(desk, now, name, Change::Identify);
    }

    /// A call to another address than ours is answered here: whoever called is told, if that is our habit.
    pub(super) fn identify_ourselves(&mut self, key: u64) {
        let ours = self.address();
        let always = self.account.habits.identity == ConnectedIdentity::Always;
        let Some(call) = self.calls.get_mut(key).filter(|call| always && call.peer.changes_from) else {
            return;
        };
        let Some(dialog) = call.dialog_mut() else { return };
        let called = NameAddrRef::parse(dialog.local()).ok();
        let own = NameAddrRef::parse(&ours).ok();
        let other = called.zip(own).is_some_and(|(called, own)| called.uri_text() != own.uri_text());
        if other {
            call.identity = Some(ours.into());
            call.changes.push_back(Change::Identify);
        }
    }

    /// A re-INVITE or UPDATE of the other side may say that it is somebody else now (RFC 4916 §4.4).
    pub(super) fn identity_shown(&mut self, desk: &mut Desk, key: u64, leg: usize, request: &View<'_>) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.legs[leg].dialog.renamed(request) {
            let address = NameAddrRef::parse(call.legs[leg].dialog.remote()).map(|address| bare(&address));
            if let Ok(address) = address {
                let call = call.name;
                Self::tell(desk, CallEvent::Identity { call, address, asserted: false });
            }
        }
        self.identity_asserted(desk, key, request);
    }

    /// A server that we trust may say who the other side is; from anybody else it is worth nothing (RFC 3325 §9.1).
    pub(super) fn identity_asserted(&mut self, desk: &mut Desk, key: u64, message: &View<'_>) {
        let trusted = message.source().is_some_and(|source| desk.trusts(source));
        let Some(call) = self.calls.get_mut(key).filter(|call| trusted && !call.is_over()) else { return };
        if let Some(address) = call.newly_asserted(message) {
            let call = call.name;
            Self::tell(desk, CallEvent::Identity { call, address, asserted: true });
        }
    }
}

impl Call {
    /// The address that a message asserts, if that is news.
    fn newly_asserted(&mut self, message: &View<'_>) -> Option<Box<str>> {
        let value = message.value(Name::P_ASSERTED_IDENTITY)?;
        let address = bare(&NameAddrRef::parse(value).ok().filter(|address| address.uri().is_ok())?);
        if self.asserted.as_ref() == Some(&address) {
            return None;
        }
        self.asserted = Some(address.clone());
        Some(address)
    }
}

/// An address without its parameters: the name and the URI.
fn bare(address: &NameAddrRef<'_>) -> Box<str> {
    let uri = address.uri_text();
    match address.display() {
        Some(name) if !name.is_empty() => {
            let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{escaped}\" <{uri}>").into()
        }
        Some(_) | None => format!("<{uri}>").into(),
    }
}
