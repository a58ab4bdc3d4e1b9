//! What the switchboard does with calls on behalf of a user, as that user has set it up: [`forwarding`] (RFC 5359 §2.7 to
//! §2.9), [`find_me`] (§2.12) and [`screening`] (§2.13, §2.14).
//!
//! [`Rules`] is a value in the [directory](crate::directory), read by the proxy and by nobody else. It comes from a
//! configuration, an operator or a dialled code, is checked once, and is replaced as a whole.

pub mod find_me;
pub mod forwarding;
pub mod screening;
pub(crate) mod trail;

use cordboard_sip::UriRef;
use cordboard_sip::uri::{Escape, Place as UriPlace, Scheme, unescape};
use std::fmt;

pub use find_me::{FindMe, Step};
pub use forwarding::{Carriage, Forwarding, NoAnswer, Occasion};
pub use screening::{Pattern, Screening};

/// The longest address in a rule, in bytes.
pub const MAX_ADDRESS: usize = 256;

/// What one user has set up. Nothing of it is on by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Where calls go instead.
    pub forwarding: Forwarding,
    /// Where the user is looked for.
    pub find_me: FindMe,
    /// Who may call the user, and whom the user may call.
    pub screening: Screening,
}

impl Rules {
    /// Whether nothing is set up.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether these can be the rules of `user`, where `known` tells who exists.
    pub fn check(&self, user: &str, known: impl Fn(&str) -> bool) -> Result<(), RuleError> {
        self.forwarding.check(user, &known)?;
        self.find_me.check(&known)?;
        self.screening.check()
    }
}

/// Where a call may be sent on behalf of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// To a user of ours, by name.
    User(Box<str>),
    /// To somebody else: a `sip` or `sips` URI.
    Uri(Box<str>),
}

impl Place {
    /// Reads what people write: the name or number of a user of ours, an address with or without its scheme, a `tel` URI.
    /// Addresses in `domains` are users of ours.
    ///
    /// ```
    /// use cordboard_service::services::Place;
    ///
    /// let place = |text| Place::parse(text, &["example.com".into()]).unwrap();
    /// assert_eq!(place("carol"), Place::User("carol".into()));
    /// assert_eq!(place("sip:carol@EXAMPLE.com"), Place::User("carol".into()));
    /// assert_eq!(place("carol@elsewhere.test"), Place::Uri("sip:carol@elsewhere.test".into()));
    /// ```
    pub fn parse(text: &str, domains: &[Box<str>]) -> Result<Self, RuleError> {
        let text = text.trim();
        let wrong = || RuleError::NoAddress(shortened(text));
        if text.is_empty() || text.len() > MAX_ADDRESS {
            return Err(wrong());
        }
        let has_scheme = ["sip:", "sips:", "tel:"]
            .iter()
            .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
        if !has_scheme && !text.contains('@') {
            let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+*#!".contains(c);
            return if text.chars().all(fits) { Ok(Self::User(text.into())) } else { Err(wrong()) };
        }
        let written = if has_scheme { text.to_owned() } else { format!("sip:{text}") };
        let uri = UriRef::parse(&written).map_err(|_| wrong())?;
        if uri.scheme() == Scheme::Tel {
            return Ok(Self::User(digits(uri.user().unwrap_or_default()).into()));
        }
        // What a URI would add to a request is nothing that a rule may say (RFC 3261 §19.1.5).
        let foreign = !has_scheme && uri.password().is_some();
        if !uri.is_sip() || foreign || written.contains(['?', '<', '>', '"']) {
            return Err(wrong());
        }
        let ours = domains.iter().any(|domain| domain.eq_ignore_ascii_case(uri.host()));
        match uri.user() {
            Some("") => Err(wrong()),
            Some(user) if ours => Ok(Self::User(unescape(user).into_owned().into())),
            _ if ours => Err(wrong()),
            _ => Ok(Self::Uri(written.into())),
        }
    }

    /// It as a URI; users are of `domain`.
    pub fn uri(&self, domain: &str) -> Box<str> {
        match self {
            Self::User(name) => format!("sip:{}@{domain}", Escape(name, UriPlace::User)).into(),
            Self::Uri(uri) => uri.clone(),
        }
    }

    fn check(&self, known: &impl Fn(&str) -> bool) -> Result<(), RuleError> {
        match self {
            Self::User(name) if !known(name) => Err(RuleError::Nobody(shortened(name))),
            Self::User(_) | Self::Uri(_) => Ok(()),
        }
    }
}

impl fmt::Display for Place {
    /// As people write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(text) | Self::Uri(text) => f.write_str(text),
        }
    }
}

/// A number without what only helps to read it (RFC 3966 §5.1.1).
pub(crate) fn digits(number: &str) -> String {
    number.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect()
}

/// As much of a text as an error shows.
fn shortened(text: &str) -> Box<str> {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.into();
    }
    text.chars().take(MOST).chain(['…']).collect::<String>().into()
}

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is no address.
    #[error("`{0}` is neither the name of a user nor an address such as sip:carol@example.com")]
    NoAddress(Box<str>),
    /// No such user exists.
    #[error("there is no user {0} to whom calls could go")]
    Nobody(Box<str>),
    /// It leads back.
    #[error("calls for {0} cannot be forwarded to {0}: they would come back for ever")]
    Itself(Box<str>),
    /// A time that is too short or too long.
    #[error("{0} s is no time to let a phone ring: 1 to {most} s are", most = find_me::MAX_RINGS.as_secs())]
    Time(u64),
    /// No time is given where one is needed.
    #[error("how long nobody answers before the call is forwarded must be said, in seconds")]
    NoTime,
    /// A time for what does not exist.
    #[error("a time without anybody to whom unanswered calls go")]
    TimeForNothing,
    /// A list that nobody would wait for.
    #[error("a find-me list of {0} steps is longer than any caller waits: {max} are allowed", max = find_me::MAX_STEPS)]
    TooManySteps(usize),
    /// More phones at a time than a call is forked to.
    #[error("{0} places cannot ring at the same time: {max} can", max = find_me::MAX_PLACES)]
    TooManyPlaces(usize),
    /// A step without anybody.
    #[error("step {0} of the find-me list rings nobody")]
    NoPlace(usize),
    /// A list that would be slow to look through.
    #[error("a screening list of {0} entries is too long: {max} are allowed", max = screening::MAX_PATTERNS)]
    TooManyPatterns(usize),
    /// It matches nothing that can exist.
    #[error(
        "`{0}` matches nobody: write a user, a number, an address, or one with * for anything, as in +1900* or *@example.com"
    )]
    NoPattern(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, RuleError> {
        Place::parse(text, &["example.com".into(), "example.org".into()])
    }

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let user = |name: &str| Ok(Place::User(name.into()));
        let uri = |text: &str| Ok(Place::Uri(text.into()));
        assert_eq!(place(" carol "), user("carol"));
        assert_eq!(place("carol@example.org"), user("carol"));
        assert_eq!(place("sips:c%61rol@Example.COM:5061;transport=tcp"), user("carol"));
        assert_eq!(place("tel:+1-972-729-3660"), user("+19727293660"));
        assert_eq!(place("+19727293660@gw1.example.net"), uri("sip:+19727293660@gw1.example.net"));
        let gateway = "sip:+19727293660@gw1.example.net;user=phone";
        assert_eq!(place(gateway), uri(gateway));
        assert_eq!(place("sip:192.0.2.4:5070"), uri("sip:192.0.2.4:5070"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = "x".repeat(MAX_ADDRESS + 1);
        let wrong = [
            "",
            " ",
            "car ol",
            "sip:",
            "sip:@",
            "http://example.com",
            "@example.com",
            "sip:example.com",
            "sip:a@b?Route=x",
            "<sip:a@b>",
            "sip:a@b\r\nX: y",
            "mailto:a@b",
            &long,
        ];
        for text in wrong {
            assert!(matches!(place(text), Err(RuleError::NoAddress(_))), "{text}: {:?}", place(text));
        }
        assert!(place(&long).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn a_rule_that_names_nobody_is_refused() {
        let known = |name: &str| name == "bob" || name == "carol";
        let always = |name: &str| {
            let forwarding = Forwarding { always: Some(Place::User(name.into())), ..Forwarding::default() };
            Rules { forwarding, ..Rules::default() }.check("bob", known)
        };
        assert_eq!(always("carol"), Ok(()));
        assert_eq!(always("carlo"), Err(RuleError::Nobody("carlo".into())));
        assert_eq!(always("bob"), Err(RuleError::Itself("bob".into())));
        assert!(Rules::default().is_empty() && Rules::default().check("bob", known).is_ok());
    }
}
