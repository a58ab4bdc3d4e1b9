//! `Replaces` (RFC 3891): the dialog that an INVITE takes over.

use std::fmt;

use super::{CallId, Header, Tag};
use crate::params::Params;
use crate::{Malformed, Name};

/// Names a dialog as its recipient sees it: `to-tag` is the recipient's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaces {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The recipient's tag.
    pub to_tag: Tag,
    /// The tag of the recipient's peer.
    pub from_tag: Tag,
    /// Only if the dialog is not answered yet.
    pub early_only: bool,
    /// All other parameters.
    pub params: Params,
}

impl Replaces {
    /// A dialog by its Call-ID and the recipient's and the recipient's peer's tag.
    pub const fn new(call_id: CallId, to_tag: Tag, from_tag: Tag) -> Self {
        Self { call_id, to_tag, from_tag, early_only: false, params: Params::new() }
    }

    /// Whether that is the dialog of the recipient (§3). A tag of zero also stands for none, as peers
    /// of before RFC 3261 have none (§6.1).
    pub fn names(&self, call_id: &str, local_tag: Option<&str>, remote_tag: Option<&str>) -> bool {
        self.call_id == *call_id && tag_fits(&self.to_tag, local_tag) && tag_fits(&self.from_tag, remote_tag)
    }
}

pub(super) fn tag_fits(named: &Tag, tag: Option<&str>) -> bool {
    match tag {
        Some(tag) => *named == *tag,
        None => *named == "0",
    }
}

impl Header for Replaces {
    const NAME: Name = Name::REPLACES;

    /// §6.1: exactly one of each tag, in any order.
    fn parse(value: &str) -> Result<Self, Malformed> {
        let (call_id, mut params) = Params::split_word(value)?;
        Ok(Self {
            call_id: call_id.parse()?,
            to_tag: params.take_required("to-tag")?,
            from_tag: params.take_required("from-tag")?,
            early_only: params.take_flag("early-only"),
            params,
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)?;
        if self.early_only {
            f.write_str(";early-only")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// §6.1.
    #[test]
    fn examples_of_the_standard() {
        let r = Replaces::parse("98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff").unwrap();
        assert!(r.names("98732@sip.example.com", Some("ff87ff"), Some("r33th4x0r")));
        assert!(!r.names("98732@sip.example.com", Some("r33th4x0r"), Some("ff87ff")));
        assert!(!r.names("98732@SIP.example.com", Some("ff87ff"), Some("r33th4x0r")));
        let r = Replaces::parse("12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only").unwrap();
        assert!(r.early_only);
        assert_eq!(r.to_string(), "12adf2f34456gs5;to-tag=12345;from-tag=54321;early-only");
        let r = Replaces::parse("87134@171.161.34.23;to-tag=24796;from-tag=0").unwrap();
        assert!(r.names("87134@171.161.34.23", Some("24796"), None));
        assert!(r.names("87134@171.161.34.23", Some("24796"), Some("0")));
        assert!(!r.names("87134@171.161.34.23", None, None));
    }

    #[test]
    fn exactly_one_of_each_tag() {
        for bad in [
            "x",
            "x;to-tag=1",
            "x;from-tag=1",
            "x;to-tag=1;to-tag=1;from-tag=2",
            "x;to-tag;from-tag=1",
            ";to-tag=1;from-tag=2",
        ] {
            assert!(Replaces::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            id in "[a-z0-9.]{1,9}(@[a-z0-9.]{1,9})?",
            to in "[a-zA-Z0-9.-]{1,9}",
            from in "[a-zA-Z0-9.-]{1,9}",
            early_only in any::<bool>(),
            extra in "(;x[a-z]{1,3}(=[a-z]{1,3})?){0,2}",
        ) {
            let mut replaces = Replaces::new(id.parse().unwrap(), to.parse().unwrap(), from.parse().unwrap());
            replaces.early_only = early_only;
            replaces.params = Params::parse(&extra).unwrap();
            prop_assert_eq!(Replaces::parse(&replaces.to_string()).unwrap(), replaces);
        }
    }
}
