//! Typed headers: one type a header, one file a type.

use crate::{Malformed, Name};

/// A header whose value has a type of its own.
///
/// `parse` gets one value: a whole line's, or one of the comma-separated values where the header is a list
/// ([`Name::is_list`]). Folds are already spaces where [`View::header`](crate::View::header) hands it over, but a
/// parser must treat CRLF followed by white space as one space all the same (RFC 3261 §7.3.1). Printing is
/// `Display` of the value, without name and line end.
pub trait Header: Sized {
    /// The name before the colon.
    const NAME: Name;

    /// Reads one value. Unknown parameters are kept.
    fn parse(value: &str) -> Result<Self, Malformed>;
}
