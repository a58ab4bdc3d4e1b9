//! `Target-Dialog` (RFC 4538): proof that the sender is party to a dialog of the recipient.

use std::fmt;

use super::{CallId, Header, Tag};
use crate::params::Params;
use crate::{Malformed, Name};

/// Names a dialog as the recipient of the request sees it: `local-tag` is the recipient's own (§3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDialog {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The recipient's tag.
    pub local_tag: Option<Tag>,
    /// The tag of the recipient's peer.
    pub remote_tag: Option<Tag>,
    /// All other parameters.
    pub params: Params,
}

impl TargetDialog {
    /// A dialog by its Call-ID and the tags of the recipient and of the recipient's peer.
    pub const fn new(call_id: CallId, local_tag: Tag, remote_tag: Tag) -> Self {
        Self { call_id, local_tag: Some(local_tag), remote_tag: Some(remote_tag), params: Params::new() }
    }

    /// Whether that is the dialog of the recipient (§4).
    pub fn names(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == *call_id
            && self.local_tag.as_ref().is_some_and(|tag| *tag == *local_tag)
            && self.remote_tag.as_ref().is_some_and(|tag| *tag == *remote_tag)
    }
}

impl Header for TargetDialog {
    const NAME: Name = Name::TARGET_DIALOG;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let (call_id, mut params) = Params::split_word(value)?;
        Ok(Self {
            call_id: call_id.parse()?,
            local_tag: params.take("local-tag")?,
            remote_tag: params.take("remote-tag")?,
            params,
        })
    }
}

impl fmt::Display for TargetDialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call_id)?;
        if let Some(tag) = &self.local_tag {
            write!(f, ";local-tag={tag}")?;
        }
        if let Some(tag) = &self.remote_tag {
            write!(f, ";remote-tag={tag}")?;
        }
        write!(f, "{}", self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// §10: the REFER goes to A, whose tag is `kkaz-`.
    #[test]
    fn example_of_the_standard() {
        let text = "fa77as7dad8-sd98ajzz@host.example.com\r\n  ;local-tag=kkaz-\r\n  ;remote-tag=6544";
        let target = TargetDialog::parse(text).unwrap();
        assert!(target.names("fa77as7dad8-sd98ajzz@host.example.com", "kkaz-", "6544"));
        assert!(!target.names("fa77as7dad8-sd98ajzz@host.example.com", "6544", "kkaz-"));
        assert_eq!(
            target.to_string(),
            "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544"
        );
    }

    #[test]
    fn a_missing_tag_names_nothing() {
        let target = TargetDialog::parse("a@b;local-tag=1").unwrap();
        assert!(!target.names("a@b", "1", ""));
        assert!(TargetDialog::parse("a@b;local-tag=1;local-tag=2").is_err());
    }
}
