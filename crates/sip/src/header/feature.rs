//! Feature tags (RFC 3840 §9) and the caller's preferences about them: `Accept-Contact`,
//! `Reject-Contact` (RFC 3841 §9.2).

use std::fmt;
use std::str::FromStr;

use super::{ContactAddr, Header};
use crate::grammar::trim;
use crate::params::{Param, Params};
use crate::{Malformed, Name};

/// The tags that need no plus sign (RFC 3840 §9).
const BASE_TAGS: [&str; 20] = [
    "audio",
    "automata",
    "class",
    "duplex",
    "data",
    "control",
    "mobility",
    "description",
    "events",
    "priority",
    "methods",
    "schemes",
    "application",
    "video",
    "language",
    "type",
    "isfocus",
    "actor",
    "text",
    "extensions",
];

/// Whether a parameter is a feature tag.
pub fn is_feature_tag(name: &str) -> bool {
    name.starts_with('+') || BASE_TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}

/// A feature and what is said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// The tag, with its plus sign if it has one.
    pub tag: Box<str>,
    /// What is said of it.
    pub value: FeatureValue,
}

/// What is said of a feature.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureValue {
    /// The tag alone, which means true.
    True,
    /// One of these.
    Tags(Vec<TagValue>),
    /// A text, in case.
    Text(Box<str>),
}

/// One of several values.
#[derive(Clone, Debug, PartialEq)]
pub struct TagValue {
    /// Any but this one.
    pub negated: bool,
    /// The value.
    pub term: Term,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A token, without case.
    Token(Box<str>),
    /// `TRUE` or `FALSE`.
    Boolean(bool),
    /// `#=5`: that number.
    Equal(f64),
    /// `#>=5`: that number or more.
    AtLeast(f64),
    /// `#<=5`: that number or less.
    AtMost(f64),
    /// `#4:8`: from the one to the other.
    Between(f64, f64),
}

impl Feature {
    fn read(param: Param<'_>) -> Result<Self, Malformed> {
        let value = match param.value {
            None => FeatureValue::True,
            Some(_) => param.unquoted().parse()?,
        };
        Ok(Self { tag: param.name.into(), value })
    }
}

impl FromStr for FeatureValue {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = trim(text);
        if let Some(text) = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
            return Ok(Self::Text(text.into()));
        }
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self::Tags)
    }
}

impl FromStr for TagValue {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = trim(text);
        let (negated, text) = match text.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, text),
        };
        Ok(Self { negated, term: text.parse()? })
    }
}

impl FromStr for Term {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if let Some(relation) = text.strip_prefix('#') {
            return match relation.as_bytes() {
                [b'>', b'=', ..] => Ok(Self::AtLeast(read_number(&relation[2..])?)),
                [b'<', b'=', ..] => Ok(Self::AtMost(read_number(&relation[2..])?)),
                [b'=', ..] => Ok(Self::Equal(read_number(&relation[1..])?)),
                _ => {
                    let (low, high) = relation
                        .split_once(':')
                        .ok_or(Malformed::new("a number of a feature has no relation"))?;
                    Ok(Self::Between(read_number(low)?, read_number(high)?))
                }
            };
        }
        match () {
            () if text.eq_ignore_ascii_case("TRUE") => Ok(Self::Boolean(true)),
            () if text.eq_ignore_ascii_case("FALSE") => Ok(Self::Boolean(false)),
            // The grammar wants tokens; `+g.3gpp.icsi-ref` and others hold more.
            () if !text.is_empty() && !text.contains(['"', '<', '>', '!', '#']) => {
                Ok(Self::Token(text.into()))
            }
            () => Err(Malformed::new("a value of a feature is neither token nor number nor text")),
        }
    }
}

fn read_number(text: &str) -> Result<f64, Malformed> {
    let digits = text.trim_start_matches(['+', '-']);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    match text.parse() {
        Ok(number) if plain => Ok(number),
        _ => Err(Malformed::new("a number of a feature is no number")),
    }
}

/// The features among parameters; a malformed one is left out, as it says nothing.
fn features(params: &Params) -> impl Iterator<Item = Feature> {
    params.iter().filter(|param| is_feature_tag(param.name)).filter_map(|param| Feature::read(param).ok())
}

impl ContactAddr {
    /// The features that this contact says it has (RFC 3840 §5).
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        features(&self.params)
    }
}

/// A set of features that the caller would like (RFC 3841 §9.2).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AcceptContact {
    /// Contacts without them do not come into question.
    pub require: bool,
    /// Contacts that do not say whether they have them do not match.
    pub explicit: bool,
    /// The features and all other parameters.
    pub params: Params,
}

impl AcceptContact {
    /// The features.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        features(&self.params)
    }
}

/// The value of both headers starts with a star.
fn split_star(value: &str) -> Result<Params, Malformed> {
    match Params::split(value)? {
        ("*", params) => Ok(params),
        _ => Err(Malformed::new("a caller's preference starts with a star")),
    }
}

impl Header for AcceptContact {
    const NAME: Name = Name::ACCEPT_CONTACT;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let mut params = split_star(value)?;
        Ok(Self { require: params.take_flag("require"), explicit: params.take_flag("explicit"), params })
    }
}

impl fmt::Display for AcceptContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{}", self.params)?;
        if self.require {
            f.write_str(";require")?;
        }
        if self.explicit {
            f.write_str(";explicit")?;
        }
        Ok(())
    }
}

/// A set of features that the caller would not like (RFC 3841 §9.2).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RejectContact {
    /// The features and all other parameters.
    pub params: Params,
}

impl RejectContact {
    /// The features.
    pub fn features(&self) -> impl Iterator<Item = Feature> {
        features(&self.params)
    }
}

impl Header for RejectContact {
    const NAME: Name = Name::REJECT_CONTACT;

    fn parse(value: &str) -> Result<Self, Malformed> {
        Ok(Self { params: split_star(value)? })
    }
}

impl fmt::Display for RejectContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Contact;

    /// RFC 3840 §5 and §9.
    #[test]
    fn what_a_contact_says_of_itself() {
        let contact = "<sip:u1@h.example.com>;audio;video;methods=\"INVITE,BYE\";q=0.2;x=y;+sip.rendering=\"no\";\
                       priority=\"!#>=5,#1:2\";description=\"<PC, \\\"loud\\\">\";automata=\"FALSE\"";
        let Contact::At(contact) = Contact::parse(contact).unwrap() else { panic!("an address") };
        let got: Vec<_> = contact.features().collect();
        let token = |text: &str| TagValue { negated: false, term: Term::Token(text.into()) };
        let tags = |tag: &str, values| Feature { tag: tag.into(), value: FeatureValue::Tags(values) };
        assert_eq!(
            got,
            [
                Feature { tag: "audio".into(), value: FeatureValue::True },
                Feature { tag: "video".into(), value: FeatureValue::True },
                tags("methods", vec![token("INVITE"), token("BYE")]),
                tags("+sip.rendering", vec![token("no")]),
                tags(
                    "priority",
                    vec![
                        TagValue { negated: true, term: Term::AtLeast(5.0) },
                        TagValue { negated: false, term: Term::Between(1.0, 2.0) },
                    ]
                ),
                Feature { tag: "description".into(), value: FeatureValue::Text("PC, \"loud\"".into()) },
                tags("automata", vec![TagValue { negated: false, term: Term::Boolean(false) }]),
            ]
        );
    }

    /// RFC 3841 §9.2.
    #[test]
    fn examples_of_preferences() {
        let accept = AcceptContact::parse("*;audio;require").unwrap();
        assert!(accept.require && !accept.explicit);
        assert_eq!(accept.features().count(), 1);
        assert_eq!(AcceptContact::parse("*;video;explicit").unwrap().to_string(), "*;video;explicit");
        let accept = AcceptContact::parse("*;methods=\"BYE\";class=\"business\";q=1.0").unwrap();
        assert_eq!(accept.params.get("q"), Some("1.0"));
        let reject = RejectContact::parse("*;actor=\"msg-taker\";video").unwrap();
        assert_eq!(reject.to_string(), "*;actor=\"msg-taker\";video");
        assert!(AcceptContact::parse("sip:a@b").is_err());
    }

    #[test]
    fn numbers() {
        for (text, term) in
            [("#=5", Term::Equal(5.0)), ("#<=-1.5", Term::AtMost(-1.5)), ("#+1:2.", Term::Between(1.0, 2.0))]
        {
            assert_eq!(text.parse::<Term>().unwrap(), term);
        }
        for bad in ["#", "#5", "#=x", "#=inf", "#=1e5", "", "#>=", "a<b"] {
            assert!(bad.parse::<Term>().is_err(), "{bad}");
        }
    }
}
