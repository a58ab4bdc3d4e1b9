//! Methods: RFC 3261 §7.1 and the extensions.

use std::fmt;

/// A request method that Cordboard knows, or [`Method::Other`].
///
/// Methods are case-sensitive (RFC 3261 §7.1): `invite` is [`Method::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// RFC 3261 §13: begins or changes a session.
    Invite,
    /// RFC 3261 §17.1.1.3 and §13.2.2.4: confirms a final response to INVITE.
    Ack,
    /// RFC 3261 §15: ends a session.
    Bye,
    /// RFC 3261 §9: takes back a request that has no final response yet.
    Cancel,
    /// RFC 3261 §10: binds an address-of-record to contacts.
    Register,
    /// RFC 3261 §11: asks for capabilities.
    Options,
    /// RFC 3515: asks the recipient to contact a third party.
    Refer,
    /// RFC 6665 §4.1.3: reports a change of state.
    Notify,
    /// RFC 6665 §4.1.2: asks for notifications.
    Subscribe,
    /// RFC 3428: an instant message.
    Message,
    /// RFC 6086: application information within a session.
    Info,
    /// RFC 3262: acknowledges a reliable provisional response.
    Prack,
    /// RFC 3311: changes a session without touching the dialog.
    Update,
    /// RFC 3903: gives event state to its agent.
    Publish,
    /// Any other; [`View::method_text`](crate::View::method_text) has the token.
    Other,
}

impl Method {
    /// The method that `token` spells exactly.
    #[must_use]
    pub const fn of(token: &[u8]) -> Self {
        match token {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"REFER" => Self::Refer,
            b"NOTIFY" => Self::Notify,
            b"SUBSCRIBE" => Self::Subscribe,
            b"MESSAGE" => Self::Message,
            b"INFO" => Self::Info,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"PUBLISH" => Self::Publish,
            _ => Self::Other,
        }
    }

    /// The token; empty for [`Method::Other`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Info => "INFO",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Publish => "PUBLISH",
            Self::Other => "",
        }
    }

    /// Whether this method may create a dialog: INVITE, SUBSCRIBE and REFER (RFC 3261 §12.1, RFC 6665 §4.4.1,
    /// RFC 3515 §2.4.4).
    #[must_use]
    pub const fn creates_dialog(self) -> bool {
        matches!(self, Self::Invite | Self::Subscribe | Self::Refer)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_case_sensitive() {
        assert_eq!(Method::of(b"INVITE"), Method::Invite);
        assert_eq!(Method::of(b"invite"), Method::Other);
        assert_eq!(Method::of(b""), Method::Other);
    }

    #[test]
    fn every_token_comes_back() {
        for method in [
            Method::Invite,
            Method::Ack,
            Method::Bye,
            Method::Cancel,
            Method::Register,
            Method::Options,
            Method::Refer,
            Method::Notify,
            Method::Subscribe,
            Method::Message,
            Method::Info,
            Method::Prack,
            Method::Update,
            Method::Publish,
        ] {
            assert_eq!(Method::of(method.as_str().as_bytes()), method);
        }
    }
}
