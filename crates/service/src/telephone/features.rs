//! What Contact says of a user agent besides where it is: the feature tags of RFC 3840, RFC 4235 §5 and RFC 4579.

use super::Telephone;
use super::written::{RENDERS_NOTHING, conference_uri, contact_uri};
use crate::call::{CallEvent, ContactFeatures};
use crate::desk::Desk;
use crate::settings::{Rendering, TelephoneFeatures};
use cordboard_core::transport::ListenerId;
use cordboard_sip::header::{FeatureValue, NameAddrRef, TagValue, Term};
use cordboard_sip::{Name, View};

/// Tags that are told as they are.
const IS_FOCUS: &str = "isfocus";
const AUTOMATON: &str = "automata";
const BYELESS: &str = "+sip.byeless";
const RENDERING: &str = "+sip.rendering";

impl ContactFeatures {
    /// What a Contact says. What it does not say is as usual.
    fn of_contact(value: &str) -> Self {
        let mut said = Self::default();
        let Ok(contact) = NameAddrRef::parse(value) else { return said };
        for param in contact.params().iter() {
            let value = match param.value {
                None => FeatureValue::True,
                Some(_) => param.unquoted().parse().unwrap_or(FeatureValue::Tags(Vec::new())),
            };
            match &*param.name.to_ascii_lowercase() {
                IS_FOCUS => said.focus = is_true(&value),
                AUTOMATON => said.automaton = is_true(&value),
                BYELESS => said.byeless = is_true(&value),
                RENDERING => said.renders = !is_no(&value),
                _ => {}
            }
        }
        said
    }
}

impl TelephoneFeatures {
    /// Whether the sound that we get in a call is heard: whoever holds renders nothing (RFC 4235 §5.2).
    pub(super) fn renders(self, holds: bool) -> bool {
        self.rendering == Rendering::Heard && !holds
    }

    /// What our Contact says of that, where it is not the usual.
    pub(super) fn rendering_tag(self, holds: bool) -> &'static str {
        if self.renders(holds) { "" } else { RENDERS_NOTHING }
    }
}

impl Telephone {
    /// Our Contact on a listener, without brackets: of a conference if the call is in one.
    pub(super) fn face(&self, desk: &Desk, call: Option<u64>, listener: ListenerId, secure: bool) -> String {
        match call.and_then(|key| self.conference_of_call(key)) {
            Some(conference) => conference_uri(desk, &self.account, &conference.named, listener, secure),
            None => contact_uri(desk, &self.account, listener, secure),
        }
    }

    /// The parameters that our Contact has everywhere, or in a call.
    pub(super) fn features(&self, call: Option<u64>) -> String {
        let mut params = String::new();
        if call.is_some_and(|key| self.conference_of_call(key).is_some()) {
            params.push_str(";isfocus");
        }
        if self.account.features.automaton {
            params.push_str(";automata");
        }
        if self.account.features.byeless {
            params.push_str(";+sip.byeless");
        }
        params
    }

    /// Whether the other side of a call says something else of itself than before.
    pub(super) fn note_features(&mut self, desk: &mut Desk, key: u64, message: &View<'_>) {
        let Some(contact) = message.value(Name::CONTACT) else { return };
        let Some(call) = self.calls.get_mut(key) else { return };
        let features = ContactFeatures::of_contact(contact);
        if call.peer_features != features && !call.is_over() && !call.silent {
            call.peer_features = features;
            Self::tell(desk, CallEvent::PeerFeatures(call.name, features));
        }
    }
}

fn is_true(value: &FeatureValue) -> bool {
    match value {
        FeatureValue::True => true,
        FeatureValue::Tags(tags) => tags.iter().any(|tag| {
            matches!(tag, TagValue { negated: false, term: Term::Boolean(true) })
                || matches!(tag, TagValue { negated: true, term: Term::Boolean(false) })
        }),
        FeatureValue::Text(_) => false,
    }
}

/// `no` of `+sip.rendering` (RFC 4235 §5.2).
fn is_no(value: &FeatureValue) -> bool {
    match value {
        FeatureValue::Tags(tags) => tags.iter().any(|tag| match &tag.term {
            Term::Token(token) => !tag.negated && token.eq_ignore_ascii_case("no"),
            Term::Boolean(yes) => *yes == tag.negated,
            Term::Equal(_) | Term::AtLeast(_) | Term::AtMost(_) | Term::Between(..) => false,
        }),
        FeatureValue::Text(_) | FeatureValue::True => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_contact_says_of_its_user_agent() {
        let usual = ContactFeatures::default();
        for (contact, said) in [
            ("<sip:a@b>", usual),
            ("<sip:a@b>;isfocus", ContactFeatures { focus: true, ..usual }),
            ("<sip:a@b>;IsFocus=\"TRUE\"", ContactFeatures { focus: true, ..usual }),
            ("<sip:a@b>;isfocus=\"FALSE\";automata", ContactFeatures { automaton: true, ..usual }),
            ("<sip:a@b>;automata=\"!FALSE\"", ContactFeatures { automaton: true, ..usual }),
            (
                "<sip:a@b>;+sip.byeless;+sip.rendering=\"no\"",
                ContactFeatures { byeless: true, renders: false, ..usual },
            ),
            ("<sip:a@b>;+sip.rendering=\"yes\"", usual),
            ("<sip:a@b>;+sip.rendering=\"unknown\"", usual),
            ("<sip:a@b>;isfocus=\"#\"", usual),
            // Of the URI, not of the user agent.
            ("<sip:a@b;isfocus>", usual),
            ("sip:a@", usual),
        ] {
            assert_eq!(ContactFeatures::of_contact(contact), said, "{contact}");
        }
    }
}
