//! `Event` and `Subscription-State` (RFC 6665 §8.2): what is watched, and how the watching stands.

use std::fmt;
use std::str::FromStr;

use super::Header;
use super::identifier::text_type;
use crate::grammar::{self, delta_seconds};
use crate::params::Params;
use crate::{Malformed, Name};

text_type! {
    /// An event package with its templates: `presence.winfo`.
    EventType
}

impl EventType {
    /// Checks that the text is tokens with dots between them.
    pub fn new(text: &str) -> Result<Self, Malformed> {
        let text = grammar::trim(text);
        if text.split('.').all(grammar::is_token) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed::new("an event type is no package name"))
        }
    }

    /// The package, without templates.
    pub fn package(&self) -> &str {
        self.0.split('.').next().unwrap_or("")
    }

    /// The templates, the innermost first.
    pub fn templates(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').skip(1)
    }
}

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The package, compared octet by octet (§8.2.1).
    pub event: EventType,
    /// Which of several subscriptions in a dialog; deprecated, and still what REFER uses (RFC 3515 §2.4.6).
    pub id: Option<Box<str>>,
    /// The package's own parameters, such as `call-id` (RFC 4235).
    pub params: Params,
}

impl Event {
    /// A package without id.
    pub const fn new(event: EventType) -> Self {
        Self { event, id: None, params: Params::new() }
    }

    /// Whether this is that package, without templates.
    pub fn is(&self, package: &str) -> bool {
        self.event == *package
    }
}

impl Header for Event {
    const NAME: Name = Name::EVENT;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (event, mut params) = Params::split(value)?;
        Ok(Self { event: EventType::new(event)?, id: params.take_text("id"), params })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.event)?;
        if let Some(id) = &self.id {
            write!(f, "{}", Params::new().with("id", id))?;
        }
        write!(f, "{}", self.params)
    }
}

/// How the watching stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// The state.
    pub state: SubState,
    /// Why it ended.
    pub reason: Option<SubReason>,
    /// For how many seconds it goes on.
    pub expires: Option<u32>,
    /// After how many seconds to try again.
    pub retry_after: Option<u32>,
    /// All others.
    pub params: Params,
}

macro_rules! token_enum {
    ($(#[$doc:meta])* $type:ident: $wrong:literal, $($(#[$variant_doc:meta])* $variant:ident = $token:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)*
            /// Another token.
            Other(Box<str>),
        }

        impl $type {
            /// The token.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $token,)*
                    Self::Other(token) => token,
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::Malformed;

            fn from_str(text: &str) -> Result<Self, $crate::Malformed> {
                let token = $crate::grammar::token(text, $wrong)?;
                $(if token.eq_ignore_ascii_case($token) {
                    return Ok(Self::$variant);
                })*
                Ok(Self::Other(token.into()))
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use token_enum;

token_enum! {
    /// The state of a subscription (§4.1.3).
    SubState: "a subscription state is no token",
    /// It goes on.
    Active = "active",
    /// Nobody has decided yet.
    Pending = "pending",
    /// It is over.
    Terminated = "terminated",
}

token_enum! {
    /// Why a subscription ended (§4.1.3).
    SubReason: "the reason of a subscription's end is no token",
    /// Subscribe again at once.
    Deactivated = "deactivated",
    /// Subscribe again later.
    Probation = "probation",
    /// Do not subscribe again.
    Rejected = "rejected",
    /// It was not refreshed.
    Timeout = "timeout",
    /// Nobody decided in time.
    Giveup = "giveup",
    /// What was watched is gone.
    NoResource = "noresource",
    /// Nothing will change any more.
    Invariant = "invariant",
}

impl SubscriptionState {
    /// `active` for so many seconds.
    pub const fn active(expires: u32) -> Self {
        Self::of(SubState::Active, None, Some(expires))
    }

    /// `terminated` for that reason.
    pub const fn terminated(reason: SubReason) -> Self {
        Self::of(SubState::Terminated, Some(reason), None)
    }

    const fn of(state: SubState, reason: Option<SubReason>, expires: Option<u32>) -> Self {
        Self { state, reason, expires, retry_after: None, params: Params::new() }
    }
}

impl Header for SubscriptionState {
    const NAME: Name = Name::SUBSCRIPTION_STATE;

    /// linphone 5.1 writes `reason=reason=noresource`.
    fn parse(value: &str) -> Result<Self, Malformed> {
        let value = value.replace("reason=reason=", "reason=");
        let (state, mut params) = Params::split(&value)?;
        Ok(Self {
            state: state.parse()?,
            reason: params.take("reason")?,
            expires: params.take::<Seconds>("expires")?.map(|s| s.0),
            retry_after: params.take::<Seconds>("retry-after")?.map(|s| s.0),
            params,
        })
    }
}

/// Seconds as a parameter's value.
pub(super) struct Seconds(pub(super) u32);

impl FromStr for Seconds {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        delta_seconds(text, "a parameter is no number of seconds").map(Self)
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if let Some(reason) = &self.reason {
            write!(f, ";reason={reason}")?;
        }
        if let Some(expires) = self.expires {
            write!(f, ";expires={expires}")?;
        }
        if let Some(retry_after) = self.retry_after {
            write!(f, ";retry-after={retry_after}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_templates_and_ids() {
        let event = Event::parse("refer;id=93809824").unwrap();
        assert!(event.is("refer"));
        assert_eq!(event.id.as_deref(), Some("93809824"));
        let event = Event::parse("presence.winfo").unwrap();
        assert_eq!(event.event.package(), "presence");
        assert_eq!(event.event.templates().collect::<Vec<_>>(), ["winfo"]);
        // RFC 4235 §3.2.
        let event = Event::parse("dialog; call-id=\"12asdf33@host\";to-tag=\"x\"; from-tag=y").unwrap();
        assert_eq!(event.params.unquoted("call-id").unwrap(), "12asdf33@host");
        assert_eq!(Event::parse(&event.to_string()).unwrap(), event);
        for bad in ["", ".x", "a..b", "a b", ";id=1"] {
            assert!(Event::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn states_and_reasons() {
        let state = SubscriptionState::parse("active;expires=600000").unwrap();
        assert_eq!(state, SubscriptionState::active(600_000));
        let state = SubscriptionState::parse("Terminated ; reason=noresource;retry-after=5;x=y").unwrap();
        assert_eq!((&state.state, &state.reason), (&SubState::Terminated, &Some(SubReason::NoResource)));
        assert_eq!(state.to_string(), "terminated;reason=noresource;retry-after=5;x=y");
        let doubled = SubscriptionState::parse("terminated;reason=reason=noresource").unwrap();
        assert_eq!(doubled, SubscriptionState::terminated(SubReason::NoResource));
        assert_eq!(SubscriptionState::parse("new").unwrap().state, SubState::Other("new".into()));
        assert!(SubscriptionState::parse("active;expires=soon").is_err());
        assert!(SubscriptionState::parse("").is_err());
    }
}
