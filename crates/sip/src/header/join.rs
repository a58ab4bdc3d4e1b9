//! `Join` (RFC 3911): the dialog to which an INVITE is added.

use std::fmt;

use super::replaces::tag_fits;
use super::{CallId, Header, Tag};
use crate::params::Params;
use crate::{Malformed, Name};

/// Names a dialog as its recipient sees it: `to-tag` is the recipient's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Join {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The recipient's tag.
    pub to_tag: Tag,
    /// The tag of the recipient's peer.
    pub from_tag: Tag,
    /// All other parameters.
    pub params: Params,
}

impl Join {
    /// A dialog by its Call-ID and the recipient's and the recipient's peer's tag.
    pub const fn new(call_id: CallId, to_tag: Tag, from_tag: Tag) -> Self {
        Self { call_id, to_tag, from_tag, params: Params::new() }
    }

    /// Whether that is the dialog of the recipient (§4). A tag of zero also stands for none (§7.1).
    pub fn names(&self, call_id: &str, local_tag: Option<&str>, remote_tag: Option<&str>) -> bool {
        self.call_id == *call_id && tag_fits(&self.to_tag, local_tag) && tag_fits(&self.from_tag, remote_tag)
    }
}

impl Header for Join {
    const NAME: Name = Name::JOIN;

    /// §7.1: exactly one of each tag, in any order.
    fn parse(value: &str) -> Result<Self, Malformed> {
        let (call_id, mut params) = Params::split_word(value)?;
        Ok(Self {
            call_id: call_id.parse()?,
            to_tag: params.take_required("to-tag")?,
            from_tag: params.take_required("from-tag")?,
            params,
        })
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}{}", self.call_id, self.to_tag, self.from_tag, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §7.1.
    #[test]
    fn examples_of_the_standard() {
        let join = Join::parse("98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n ;to-tag=ff87ff").unwrap();
        assert!(join.names("98732@sip.example.com", Some("ff87ff"), Some("r33th4x0r")));
        let join = Join::parse("87134@192.0.2.23;to-tag=24796;from-tag=0;x=y").unwrap();
        assert!(join.names("87134@192.0.2.23", Some("24796"), None));
        assert_eq!(join.to_string(), "87134@192.0.2.23;to-tag=24796;from-tag=0;x=y");
        assert!(Join::parse("x;to-tag=1;from-tag=2;from-tag=3").is_err());
        assert!(Join::parse("x;to-tag=1").is_err());
    }
}
