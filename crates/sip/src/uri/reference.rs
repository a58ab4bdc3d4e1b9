//! A URI as it lies in a message: spans, no allocation (RFC 3261 §19.1).

use std::fmt;

use super::escape::{Place, is_escaped_text, write_canonical};
use super::params::{UriHeadersRef, UriParamsRef};
use super::{compare, host};
use crate::{Malformed, scan};

/// What a URI starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:` (RFC 5630)
    Sips,
    /// `tel:` (RFC 3966)
    Tel,
    /// Any other.
    Other,
}

/// A URI that borrows its text. Parsing and asking allocate nothing.
///
/// ```
/// use cordboard_sip::uri::{Scheme, UriRef};
/// let uri = UriRef::parse("sips:alice:secret@[2001:db8::10]:5061;transport=tcp?subject=x")?;
/// assert_eq!(uri.scheme(), Scheme::Sips);
/// assert_eq!((uri.user(), uri.host(), uri.port()), (Some("alice"), "[2001:db8::10]", Some(5061)));
/// assert_eq!(uri.params().get("transport"), Some("tcp"));
/// # Ok::<(), cordboard_sip::Malformed>(())
/// ```
#[derive(Clone, Copy)]
pub struct UriRef<'a> {
    text: &'a str,
    scheme: Scheme,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: UriParamsRef<'a>,
    headers: UriHeadersRef<'a>,
}

impl<'a> UriRef<'a> {
    /// Reads a URI: the whole text, without brackets and white space.
    pub fn parse(text: &'a str) -> Result<Self, Malformed> {
        let (name, rest) = cut(text, b':');
        let rest = rest.ok_or(Malformed::new("the URI has no scheme"))?;
        if !is_scheme(name) {
            return Err(Malformed::new("what stands before the colon is no scheme"));
        }
        let mut uri = Self {
            text,
            scheme: Scheme::Other,
            user: None,
            password: None,
            host: "",
            port: None,
            params: UriParamsRef::default(),
            headers: UriHeadersRef::default(),
        };
        if name.eq_ignore_ascii_case("sip") {
            uri.scheme = Scheme::Sip;
            uri.read_sip(rest)?;
        } else if name.eq_ignore_ascii_case("sips") {
            uri.scheme = Scheme::Sips;
            uri.read_sip(rest)?;
        } else if name.eq_ignore_ascii_case("tel") {
            uri.scheme = Scheme::Tel;
            uri.read_tel(rest)?;
        } else {
            check_opaque(rest)?;
        }
        Ok(uri)
    }

    /// The user part may hold `;`, `?` and `/`, so that the `@` is sought first (RFC 3261 §19.1.1).
    fn read_sip(&mut self, rest: &'a str) -> Result<(), Malformed> {
        let (userinfo, after_at) = cut(rest, b'@');
        let rest = match after_at {
            Some(rest) => {
                let (user, password) = cut(userinfo, b':');
                if !is_escaped_text(user, is_tolerated_in_user) {
                    return Err(Malformed::new("the user part holds a character that must be escaped"));
                }
                if !is_escaped_text(password.unwrap_or(""), |o| Place::Password.allows(o) || o == b':') {
                    return Err(Malformed::new("the password holds a character that must be escaped"));
                }
                self.user = Some(user);
                self.password = password;
                rest
            }
            None => rest,
        };
        let (rest, headers) = cut(rest, b'?');
        let hostport_end = scan::byte(rest.as_bytes(), 0, b';');
        (self.host, self.port) = host::split_port(&rest[..hostport_end])?;
        UriParamsRef::check(&rest[hostport_end..])?;
        self.params = UriParamsRef::new(&rest[hostport_end..]);
        if let Some(headers) = headers {
            UriHeadersRef::check(headers)?;
            self.headers = UriHeadersRef::new(headers);
        }
        Ok(())
    }

    fn read_tel(&mut self, rest: &'a str) -> Result<(), Malformed> {
        let end = rest.find(';').unwrap_or(rest.len());
        let number = &rest[..end];
        super::tel::check_number(number)?;
        UriParamsRef::check(&rest[end..])?;
        self.user = Some(number);
        self.params = UriParamsRef::new(&rest[end..]);
        Ok(())
    }

    /// The URI as it is written.
    pub const fn as_str(&self) -> &'a str {
        self.text
    }

    /// What it starts with.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What stands before the first colon.
    pub fn scheme_text(&self) -> &'a str {
        self.text.split(':').next().unwrap_or("")
    }

    /// What stands after the first colon.
    pub fn after_scheme(&self) -> &'a str {
        &self.text[self.scheme_text().len() + 1..]
    }

    /// Whether it is `sip:` or `sips:`.
    pub const fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    /// The user part as written, without the password; of `tel:` the number.
    pub const fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// The password as written.
    pub const fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host as written, IPv6 in its brackets; "" unless it is `sip:` or `sips:`.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The port, if one is written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The parameters after the host, or of `tel:` after the number.
    pub const fn params(&self) -> UriParamsRef<'a> {
        self.params
    }

    /// The headers after `?`.
    pub const fn headers(&self) -> UriHeadersRef<'a> {
        self.headers
    }

    /// Whether two URIs are equivalent: RFC 3261 §19.1.4, RFC 3966 §4; others when they are
    /// written alike but for the case of the scheme. Not transitive, so this is no `PartialEq`.
    pub fn equivalent(&self, other: &UriRef<'_>) -> bool {
        compare::equivalent(self, other)
    }

    /// Writes the address-of-record that this names, one spelling for all that mean the same:
    /// no parameters, no headers, no password, no needless escapes, the host in lower case
    /// (RFC 3261 §10.3 step 5). A port is kept, and `sips` too.
    pub fn write_aor(&self, out: &mut impl fmt::Write) -> fmt::Result {
        match self.scheme {
            Scheme::Sip => out.write_str("sip:")?,
            Scheme::Sips => out.write_str("sips:")?,
            Scheme::Tel => {
                out.write_str("tel:")?;
                return super::tel::write_canonical_number(out, self);
            }
            Scheme::Other => return out.write_str(self.text),
        }
        if let Some(user) = self.user {
            write_canonical(out, user, Place::User, false)?;
            out.write_char('@')?;
        }
        match host::ip(self.host) {
            Some(ip) if ip.is_ipv6() => write!(out, "[{ip}]")?,
            _ => {
                for c in self.host.chars() {
                    out.write_char(c.to_ascii_lowercase())?;
                }
            }
        }
        match self.port {
            Some(port) => write!(out, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for UriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for UriRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UriRef({})", self.text)
    }
}

/// What stands before the first such octet, and what after it if there is one.
fn cut(text: &str, octet: u8) -> (&str, Option<&str>) {
    let at = scan::byte(text.as_bytes(), 0, octet);
    (&text[..at], text.get(at + 1..))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'))
}

/// Phones send `#` and its like unescaped in what a person dialled. Nothing divides at them here,
/// so they are taken, and escaped when the URI is printed anew.
fn is_tolerated_in_user(octet: u8) -> bool {
    Place::User.allows(octet)
        || matches!(octet, b'#' | b'[' | b']' | b'{' | b'}' | b'|' | b'^' | b'`' | 0x80..)
}

/// An absolute URI of a scheme that is not ours: nothing that would end it early.
fn check_opaque(rest: &str) -> Result<(), Malformed> {
    if rest.is_empty() {
        return Err(Malformed::new("nothing follows the scheme"));
    }
    if rest.bytes().any(|octet| matches!(octet, 0..=b' ' | b'"' | b'<' | b'>' | 0x7f)) {
        return Err(Malformed::new("the URI holds a character that must be escaped"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn aor(text: &str) -> String {
        let mut out = String::new();
        UriRef::parse(text).unwrap().write_aor(&mut out).unwrap();
        out
    }

    /// RFC 3261 §19.1.3.
    #[test]
    fn examples_of_the_standard() {
        let uri = UriRef::parse("sip:alice:secretword@atlanta.com;transport=tcp").unwrap();
        assert_eq!((uri.user(), uri.password()), (Some("alice"), Some("secretword")));
        let uri = UriRef::parse("sips:alice@atlanta.com?subject=project%20x&priority=urgent").unwrap();
        assert_eq!(uri.headers().get("Priority"), Some("urgent"));
        let uri = UriRef::parse("sip:+1-212-555-1212:1234@gateway.com;user=phone").unwrap();
        assert_eq!((uri.user(), uri.password()), (Some("+1-212-555-1212"), Some("1234")));
        let uri = UriRef::parse("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com").unwrap();
        assert_eq!((uri.user(), uri.host()), (None, "atlanta.com"));
        let uri = UriRef::parse("sip:alice;day=tuesday@atlanta.com").unwrap();
        assert_eq!((uri.user(), uri.host()), (Some("alice;day=tuesday"), "atlanta.com"));
    }

    /// RFC 4475 §3.1.1.2, §3.1.1.3, §3.1.1.4, §3.1.1.9.
    #[test]
    fn strange_but_valid_users() {
        let uri = UriRef::parse("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com").unwrap();
        assert_eq!(uri.user(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
        assert_eq!(uri.password(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
        let uri = UriRef::parse("sip:sips%3Auser%40example.com@example.net").unwrap();
        assert_eq!(uri.user(), Some("sips%3Auser%40example.com"));
        assert!(UriRef::parse("sip:null-%00-null@example.com").is_ok());
        let uri = UriRef::parse("sip:user;par=u%40example.net@example.com").unwrap();
        assert_eq!(uri.user(), Some("user;par=u%40example.net"));
    }

    #[test]
    fn what_is_no_uri() {
        for bad in [
            "",
            "sip",
            "sip:",
            "sip:a b@c",
            "<sip:a@b>",
            "sip:a@b ;x",
            "sip:a@",
            "sip:a@b:99999",
            "sip:a@b:",
            "sip:a%zz@b",
            "sip:a@b;=x",
            "sip:a@b?",
            "1x:y",
            "http:",
            "http://a b",
            "sip:[::1",
            "sip:a@b;x=\"y\"",
            "tel:",
            "tel:hello",
            "sip:a@b?x=\"y\"",
            "sip:a@b@c",
        ] {
            assert!(UriRef::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_phones_send_all_the_same() {
        assert_eq!(UriRef::parse("sip:#31#0123@b").unwrap().user(), Some("#31#0123"));
        let uri = UriRef::parse("sip:carol@c?Replaces=x@y;to-tag=1;from-tag=2").unwrap();
        assert_eq!(uri.headers().get("replaces"), Some("x@y;to-tag=1;from-tag=2"));
        assert!(UriRef::parse("sip:a@my_pbx").is_ok());
    }

    #[test]
    fn one_spelling_of_an_address_of_record() {
        assert_eq!(aor("SIP:%61lice:pw@AtLanTa.CoM:5060;user=phone?x=y"), "sip:alice@atlanta.com:5060");
        assert_eq!(aor("sips:a%3bb@[2001:DB8::0:1]"), "sips:a%3Bb@[2001:db8::1]");
        assert_eq!(aor("sip:#31#@b"), "sip:%2331%23@b");
        assert_eq!(aor("tel:+1-(201)-555.0123;ext=5"), "tel:+12015550123");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(sips?:|tel:|x:)?[ -~\u{e4}]{0,40}") {
            if let Ok(uri) = UriRef::parse(&text) {
                let mut out = String::new();
                uri.write_aor(&mut out).unwrap();
                prop_assert!(UriRef::parse(&out).is_ok(), "{} from {}", out, text);
                prop_assert!(uri.equivalent(&uri));
            }
        }
    }
}
