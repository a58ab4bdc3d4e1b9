//! `History-Info` (RFC 7044) and `Diversion` (RFC 5806): whom the call was for before.

use std::fmt;
use std::str::FromStr;

use super::event::token_enum;
use super::{Header, NameAddr, Privacy, PrivacyKind, Reason};
use crate::grammar::{self, token};
use crate::params::Params;
use crate::{Malformed, Name, limits};

/// Where an entry stands in the tree of targets: `1.2.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HistoryIndex(Vec<u32>);

impl HistoryIndex {
    /// The first entry of all.
    pub fn first() -> Self {
        Self(vec![1])
    }

    /// The `n`th child of this entry (§10.3).
    #[must_use]
    pub fn child(&self, n: u32) -> Self {
        let mut path = self.0.clone();
        path.push(n);
        Self(path)
    }

    /// The numbers from the root.
    pub fn path(&self) -> &[u32] {
        &self.0
    }
}

impl FromStr for HistoryIndex {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let path = text
            .split('.')
            .map(|n| grammar::number(n, "a history index is no numbers with dots between"))
            .collect::<Result<Vec<u32>, _>>()?;
        // As many as a request can have hops.
        if path.len() > limits::MAX_HEADERS {
            return Err(Malformed::new("a history index is deeper than any call is forwarded"));
        }
        Ok(Self(path))
    }
}

impl fmt::Display for HistoryIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if n > 0 { "." } else { "" })?;
        }
        Ok(())
    }
}

/// How an entry's target came to be (§10.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryTarget {
    /// `rc`: a registered contact of that entry's target.
    Contact(HistoryIndex),
    /// `mp`: another user than that entry's target.
    Mapped(HistoryIndex),
    /// `np`: the same target as that entry's, on its way.
    Unchanged(HistoryIndex),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryInfo {
    /// The target, with Reason and Privacy as headers of its URI.
    pub addr: NameAddr,
    /// Where it stands.
    pub index: HistoryIndex,
    /// How it came to be.
    pub target: Option<HistoryTarget>,
    /// All other parameters.
    pub params: Params,
}

impl HistoryInfo {
    /// An entry at that place.
    pub fn new(addr: impl Into<NameAddr>, index: HistoryIndex) -> Self {
        Self { addr: addr.into(), index, target: None, params: Params::new() }
    }

    /// Why the target was given up (§10.2).
    pub fn reason(&self) -> Option<Result<Reason, Malformed>> {
        let text = self.addr.uri.as_sip()?.headers.get("Reason")?;
        Some(Reason::parse(&text))
    }

    /// Whether the entry must be hidden before it leaves the domain (§10.1).
    pub fn is_private(&self) -> bool {
        let Some(text) = self.addr.uri.as_sip().and_then(|uri| uri.headers.get("Privacy")) else {
            return false;
        };
        Privacy::parse(&text).is_ok_and(|privacy| privacy.wants(&PrivacyKind::History))
    }
}

impl Header for HistoryInfo {
    const NAME: Name = Name::HISTORY_INFO;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (addr, mut params) = NameAddr::parse_with_params(value)?;
        let index = params.take_required("index")?;
        let contact = params.take("rc")?.map(HistoryTarget::Contact);
        let mapped = params.take("mp")?.map(HistoryTarget::Mapped);
        let unchanged = params.take("np")?.map(HistoryTarget::Unchanged);
        Ok(Self { addr, index, target: contact.or(mapped).or(unchanged), params })
    }
}

impl fmt::Display for HistoryInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};index={}", self.addr, self.index)?;
        match &self.target {
            Some(HistoryTarget::Contact(of)) => write!(f, ";rc={of}")?,
            Some(HistoryTarget::Mapped(of)) => write!(f, ";mp={of}")?,
            Some(HistoryTarget::Unchanged(of)) => write!(f, ";np={of}")?,
            None => {}
        }
        write!(f, "{}", self.params)
    }
}

token_enum! {
    /// Why a call was diverted (RFC 5806 §4).
    DiversionReason: "the reason of a diversion is no token",
    /// Not known.
    Unknown = "unknown",
    /// The line was busy.
    UserBusy = "user-busy",
    /// Nobody answered.
    NoAnswer = "no-answer",
    /// The phone could not be reached.
    Unavailable = "unavailable",
    /// All calls are diverted.
    Unconditional = "unconditional",
    /// Calls at this hour are diverted.
    TimeOfDay = "time-of-day",
    /// Nobody wants to be disturbed.
    DoNotDisturb = "do-not-disturb",
    /// The called person sent the call on.
    Deflection = "deflection",
    /// The called person is elsewhere.
    FollowMe = "follow-me",
    /// The line does not work.
    OutOfService = "out-of-service",
    /// The called person is away.
    Away = "away",
}

/// One diversion; the latest comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// From whom the call was diverted.
    pub addr: NameAddr,
    /// Why.
    pub reason: Option<DiversionReason>,
    /// How many diversions this stands for; none means one.
    pub counter: Option<u8>,
    /// How many there may be.
    pub limit: Option<u8>,
    /// `full`, `name`, `uri` or `off`: what of it is to be hidden.
    pub privacy: Option<Box<str>>,
    /// Whether the address was checked.
    pub screen: Option<Box<str>>,
    /// All other parameters.
    pub params: Params,
}

impl Diversion {
    /// A diversion from there, for that reason.
    pub fn new(addr: impl Into<NameAddr>, reason: DiversionReason) -> Self {
        Self {
            addr: addr.into(),
            reason: Some(reason),
            counter: None,
            limit: None,
            privacy: None,
            screen: None,
            params: Params::new(),
        }
    }
}

struct Count(u8);

impl FromStr for Count {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        grammar::number(text, "a count of diversions is no small number").map(Self)
    }
}

impl Header for Diversion {
    const NAME: Name = Name::DIVERSION;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (addr, mut params) = NameAddr::parse_with_params(value)?;
        let mut word = |name| match params.take_text(name) {
            Some(text) => token(&text, "a parameter of Diversion is no token").map(|t| Some(Box::from(t))),
            None => Ok(None),
        };
        let (privacy, screen) = (word("privacy")?, word("screen")?);
        Ok(Self {
            addr,
            reason: params.take("reason")?,
            counter: params.take::<Count>("counter")?.map(|count| count.0),
            limit: params.take::<Count>("limit")?.map(|count| count.0),
            privacy,
            screen,
            params,
        })
    }
}

impl fmt::Display for Diversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.addr)?;
        if let Some(reason) = &self.reason {
            write!(f, ";reason={reason}")?;
        }
        if let Some(counter) = self.counter {
            write!(f, ";counter={counter}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ";limit={limit}")?;
        }
        if let Some(privacy) = &self.privacy {
            write!(f, ";privacy={privacy}")?;
        }
        if let Some(screen) = &self.screen {
            write!(f, ";screen={screen}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::super::name_addr::tests::any_name_addr;
    use super::*;
    use crate::Status;
    use crate::grammar::comma_list;
    use proptest::prelude::*;

    /// RFC 7044 §5.
    #[test]
    fn examples_of_history() {
        let line = "<sip:UserA@ims.example.com?Reason=SIP%3Bcause%3D302>;index=1.1,\
                    <sip:UserB@example.com?Privacy=history&Reason=SIP%3Bcause%3D486>;index=1.2;mp=1.1,\
                    <sip:45432@192.168.0.3>;index=1.3;rc=1.2";
        let entries: Vec<_> = comma_list(line).map(|v| HistoryInfo::parse(v).unwrap()).collect();
        assert_eq!(entries[0].reason().unwrap().unwrap().status(), Some(Status::MOVED_TEMPORARILY));
        assert!(!entries[0].is_private() && entries[1].is_private());
        assert_eq!(entries[1].target, Some(HistoryTarget::Mapped("1.1".parse().unwrap())));
        assert_eq!(entries[2].to_string(), "<sip:45432@192.168.0.3>;index=1.3;rc=1.2");
        let entry = HistoryInfo::parse("<sip:UserA@ims.example.com>;index=1;foo=bar").unwrap();
        assert_eq!(entry.params.get("foo"), Some("bar"));
    }

    #[test]
    fn indices_are_ordered_as_a_tree() {
        let index = |text: &str| text.parse::<HistoryIndex>().unwrap();
        assert!(index("1.2") < index("1.2.1"));
        assert!(index("1.2.2") < index("1.10"));
        assert_eq!(HistoryIndex::first().child(2).to_string(), "1.2");
        for bad in ["", ".", "1.", "a", "1..2", "-1"] {
            assert!(bad.parse::<HistoryIndex>().is_err(), "{bad}");
        }
        assert!(HistoryInfo::parse("<sip:a@b>").is_err());
    }

    #[test]
    fn diversions() {
        let d = Diversion::parse(
            "<sip:bob@p2.example>;reason=user-busy;counter=1;privacy=\"off\";screen=yes;x=y",
        )
        .unwrap();
        assert_eq!(d.reason, Some(DiversionReason::UserBusy));
        assert_eq!(
            d.to_string(),
            "<sip:bob@p2.example>;reason=user-busy;counter=1;privacy=off;screen=yes;x=y"
        );
        let d =
            Diversion::new(NameAddr::parse_with_params("<sip:a@b>").unwrap().0, DiversionReason::FollowMe);
        assert_eq!(d.to_string(), "<sip:a@b>;reason=follow-me");
        assert!(Diversion::parse("<sip:a@b>;counter=1000").is_err());
        assert!(Diversion::parse("<sip:a@b>;reason=\"a b\"").is_err());
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            addr in any_name_addr(),
            path in "[0-9]{1,3}(\\.[0-9]{1,3}){0,4}",
            counter in any::<Option<u8>>(),
        ) {
            let mut entry = HistoryInfo::new(addr.clone(), path.parse().unwrap());
            entry.target = Some(HistoryTarget::Unchanged(HistoryIndex::first()));
            prop_assert_eq!(HistoryInfo::parse(&entry.to_string()).unwrap(), entry);
            let mut diversion = Diversion::new(addr, DiversionReason::Away);
            diversion.counter = counter;
            prop_assert_eq!(Diversion::parse(&diversion.to_string()).unwrap(), diversion);
        }
    }
}
