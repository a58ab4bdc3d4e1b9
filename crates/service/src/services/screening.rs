//! Screening: who may call a user (RFC 5359 §2.13), and whom a user may call (§2.14).

use super::{RuleError, digits, shortened};
use cordboard_sip::UriRef;
use cordboard_sip::uri::{Scheme, unescape};
use std::fmt;

/// Entries of one list.
pub const MAX_PATTERNS: usize = 500;

/// The longest entry, in bytes.
const MAX_PATTERN: usize = 128;

/// The lists of one user. Nobody is refused by empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screening {
    /// Whose calls are refused.
    pub deny_from: Vec<Pattern>,
    /// Whose calls alone are taken, if anybody stands here. Who cannot prove to be one of them is refused.
    pub allow_from: Vec<Pattern>,
    /// Whom the user may not call.
    pub deny_to: Vec<Pattern>,
}

/// Whom an entry means: a text in which `*` stands for anything.
///
/// With an `@` it is held against the whole address. Without one it is a user of ours, or, if it begins with a digit, `+`
/// or `*`, a number in any domain.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(Box<str>);

/// Somebody as the lists see them: `user@domain` without escapes, the domain in lower case, and whether it is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    user: Box<str>,
    domain: Box<str>,
    ours: bool,
}

/// Who calls, as far as that is known (RFC 5359 §2.13: "call screening cannot be done using the From header").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calling {
    /// Who they are.
    pub(crate) identity: Identity,
    /// Whether it is proved: by a password, or by a neighbour that vouches for it.
    pub(crate) proved: bool,
}

impl Identity {
    /// Whom a URI names; `ours` if its host is one of our domains.
    pub(crate) fn of(uri: &UriRef<'_>, ours: bool) -> Self {
        let user = unescape(uri.user().unwrap_or_default());
        let user =
            if uri.scheme() == Scheme::Tel || is_number(&user) { digits(&user) } else { user.into_owned() };
        let domain = if uri.scheme() == Scheme::Tel { "" } else { uri.host() };
        Self {
            user: user.into(),
            domain: domain.trim_end_matches('.').to_ascii_lowercase().into(),
            ours: ours || uri.scheme() == Scheme::Tel,
        }
    }

    /// A user of ours.
    pub(crate) fn of_user(name: &str, domain: &str) -> Self {
        Self { user: name.into(), domain: domain.into(), ours: true }
    }

    /// The user of ours that it is.
    pub(crate) fn our_user(&self) -> Option<&str> {
        self.ours.then_some(&*self.user)
    }
}

impl Pattern {
    /// Reads an entry.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let bare = ["sips:", "sip:", "tel:"].iter().find_map(|scheme| {
            text.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme))?;
            text.get(scheme.len()..)
        });
        let bare = bare.unwrap_or(text);
        let fits = |c: char| c.is_ascii_graphic() && !"<>\",;?:".contains(c);
        let ends_empty = bare.starts_with('@') || bare.ends_with('@') || bare.matches('@').count() > 1;
        if bare.is_empty() || bare.len() > MAX_PATTERN || ends_empty || !bare.chars().all(fits) {
            return Err(RuleError::NoPattern(shortened(text)));
        }
        Ok(Self(bare.into()))
    }

    /// Whether it means them. `domains` are ours, and one is as good as another.
    fn means(&self, who: &Identity, domains: &[Box<str>], exactly: bool) -> bool {
        let user_fits = |pattern: &str| {
            let pattern = if is_number(pattern) { digits(pattern) } else { pattern.to_owned() };
            // A capital more or less must not open what is closed, nor let somebody else in.
            if exactly {
                glob(&pattern, &who.user)
            } else {
                glob(&pattern.to_ascii_lowercase(), &who.user.to_ascii_lowercase())
            }
        };
        match self.0.rsplit_once('@') {
            Some((user, domain)) => {
                let domain = domain.to_ascii_lowercase();
                let is_ours = |domain: &str| domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain));
                user_fits(user) && (glob(&domain, &who.domain) || who.ours && is_ours(&domain))
            }
            None => user_fits(&self.0) && (who.ours || is_number(&self.0)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Screening {
    /// Whether nobody is refused.
    pub fn is_empty(&self) -> bool {
        self.deny_from.is_empty() && self.allow_from.is_empty() && self.deny_to.is_empty()
    }

    /// Whether a call of theirs is refused. A name that is not proved counts only against whoever bears it.
    pub(crate) fn refuses(&self, who: &Calling, domains: &[Box<str>]) -> bool {
        let denied = self.deny_from.iter().any(|pattern| pattern.means(&who.identity, domains, false));
        let allowed = || {
            who.proved && self.allow_from.iter().any(|pattern| pattern.means(&who.identity, domains, true))
        };
        denied || !self.allow_from.is_empty() && !allowed()
    }

    /// Whether the user may not call them.
    pub(crate) fn forbids(&self, whom: &Identity, domains: &[Box<str>]) -> bool {
        self.deny_to.iter().any(|pattern| pattern.means(whom, domains, false))
    }

    pub(super) fn check(&self) -> Result<(), RuleError> {
        let longest = [&self.deny_from, &self.allow_from, &self.deny_to].into_iter().map(Vec::len).max();
        match longest {
            Some(length) if length > MAX_PATTERNS => Err(RuleError::TooManyPatterns(length)),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a text is a number, or a pattern of one.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '*')
        && text.chars().all(|c| c.is_ascii_digit() || "+*#-.()".contains(c))
}

/// Whether a text is that of a pattern in which `*` stands for anything. The time is that of both lengths multiplied.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on if the last star has to swallow one more.
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, swallowed)) = retry {
            retry = Some((star, swallowed + 1));
            p = star + 1;
            t = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains() -> [Box<str>; 2] {
        ["example.com".into(), "192.0.2.1".into()]
    }

    fn identity(uri: &str) -> Identity {
        let uri = UriRef::parse(uri).unwrap();
        Identity::of(&uri, domains().iter().any(|domain| **domain == *uri.host().to_ascii_lowercase()))
    }

    fn list(patterns: &[&str]) -> Vec<Pattern> {
        patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect()
    }

    fn refuses(deny: &[&str], allow: &[&str], uri: &str, proved: bool) -> bool {
        let screening = Screening { deny_from: list(deny), allow_from: list(allow), deny_to: Vec::new() };
        screening.refuses(&Calling { identity: identity(uri), proved }, &domains())
    }

    fn forbids(deny: &[&str], uri: &str) -> bool {
        Screening { deny_to: list(deny), ..Screening::default() }.forbids(&identity(uri), &domains())
    }

    #[test]
    fn callers_are_known_by_what_they_prove() {
        assert!(!refuses(&[], &[], "sip:x@y.test", false));
        assert!(refuses(&["alice"], &[], "sip:alice@example.com", true));
        assert!(refuses(&["alice"], &[], "sip:alice@192.0.2.1", true), "another name of our domain");
        assert!(!refuses(&["alice"], &[], "sip:alice@elsewhere.test", false), "another alice");
        assert!(refuses(&["*@spam.test"], &[], "sip:x@SPAM.test.", false));
        assert!(refuses(&["*@*.spam.test"], &[], "sip:x@a.b.spam.test", false));
        assert!(!refuses(&["*@*.spam.test"], &[], "sip:x@notspam.test", false));
        assert!(refuses(&["anonymous@*"], &[], "sip:anonymous@anonymous.invalid", false));
        // A claim opens nothing.
        assert!(refuses(&[], &["alice"], "sip:alice@example.com", false));
        assert!(!refuses(&[], &["alice"], "sip:alice@example.com", true));
        assert!(refuses(&[], &["alice"], "sip:Alice@example.com", true), "names are told apart by capitals");
        assert!(refuses(&["alice"], &["alice"], "sip:alice@example.com", true), "who is denied stays so");
    }

    /// What is closed stays closed, however the number is written.
    #[test]
    fn numbers_are_compared_as_numbers() {
        for evasion in [
            "sip:+19005551234@gw.test",
            "sip:+1-900-555-1234@gw.test",
            "sip:+1900555%31234@gw.test",
            "tel:+1-900-555-1234",
            "sip:+1(900)555.1234@example.com;user=phone",
        ] {
            assert!(forbids(&["+1900*"], evasion), "{evasion}");
            assert!(forbids(&["tel:+1-900*"], evasion), "{evasion}");
        }
        assert!(!forbids(&["+1900*"], "sip:+1972@gw.test"));
        assert!(forbids(&["bob@example.com"], "sip:BOB@192.0.2.1"));
        assert!(forbids(&["b%6fb"], "sip:b%256fb@example.com"), "an escape is a letter like any other");
        assert!(forbids(&["*"], "sip:anybody@anywhere.test"));
        assert!(!forbids(&["bob"], "sip:bob@elsewhere.test"));
    }

    #[test]
    fn what_matches_nobody_is_refused() {
        for text in [
            "",
            "@",
            "@example.com",
            "alice@",
            "a@b@c",
            "al ice",
            "a\r\nb",
            "sip:",
            "<alice>",
            &"x".repeat(129),
        ] {
            assert!(matches!(Pattern::parse(text), Err(RuleError::NoPattern(_))), "{text}");
        }
        let screening = Screening { deny_to: list(&["a"; 501]), ..Screening::default() };
        assert_eq!(screening.check(), Err(RuleError::TooManyPatterns(501)));
    }

    #[test]
    fn a_star_is_anything() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("*", "", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b", "aXbX", false),
            ("*a", "ba", true),
            ("**", "x", true),
            ("a", "ab", false),
            ("ab", "a", false),
            ("*ab*ab", "abab", true),
            ("*abc", "ababc", true),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
