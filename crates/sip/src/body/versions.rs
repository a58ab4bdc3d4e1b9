//! Documents that come in versions, whole or as changes: what dialog-info (RFC 4235 §4.3), reginfo
//! (RFC 3680 §5.2) and conference-info (RFC 4575 §4.6) have in common.

use super::xml::words;

words! {
    /// How much a document tells.
    Completeness: "the state of a document is neither full nor partial",
    /// Everything.
    Full = "full",
    /// What has changed.
    Partial = "partial",
}

impl Completeness {
    /// Reads the attribute `state`.
    pub(super) fn of(text: &str) -> Result<Self, crate::Malformed> {
        Self::read(text)
    }
}

/// What became of a document that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged {
    /// It counts.
    Taken,
    /// It counts as far as it goes, and something before it is missing: the subscriber should refresh
    /// to get all.
    Incomplete,
    /// It counts, and there was no room for some of it. To refresh would not help.
    Overfull,
    /// It is older than what is known, and was dropped.
    Old,
}
