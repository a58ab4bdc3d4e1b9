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

mod call_id;
mod contact;
mod counts;
mod cseq;
mod identifier;
mod lists;
mod name_addr;
mod parties;
mod route;
mod via;

pub use call_id::{CallId, InReplyTo};
pub use contact::{Contact, ContactAddr};
pub use counts::{ContentLength, Expires, FlowTimer, MaxBreadth, MaxForwards, MinExpires, RSeq};
pub use cseq::CSeq;
pub use identifier::{Branch, MethodToken, Quality, Tag};
pub use lists::{
    Allow, Coding, ContentEncoding, ContentLanguage, InfoPackageName, LanguageTag, OptionTag,
    ProxyRequire, RecvInfo, Require, Supported, Unsupported,
};
pub use name_addr::{NameAddr, NameAddrRef};
pub use parties::{From, ReplyTo, To};
pub use route::{Path, RecordRoute, Route, ServiceRoute};
pub use via::{Transport, Via, ViaRef, ViaRport};
