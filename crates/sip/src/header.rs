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

mod accept;
mod call_id;
mod contact;
mod content;
mod counts;
mod cseq;
mod date;
mod disposition;
mod event;
mod feature;
mod history_info;
mod identifier;
mod info_package;
mod info_uris;
mod join;
mod lists;
mod name_addr;
mod parties;
mod privacy;
mod publication;
mod rack;
mod reason;
mod refer;
mod replaces;
mod retry_after;
mod route;
mod session_timer;
mod software;
mod target_dialog;
mod text;
mod timestamp;
mod via;
mod warning;

pub use accept::{Accept, AcceptEncoding, AcceptLanguage, AcceptedCoding, AcceptedLanguage, MediaRange};
pub use call_id::{CallId, InReplyTo};
pub use contact::{Contact, ContactAddr, ContactRef};
pub use content::{ContentDisposition, ContentId, ContentType, Disposition, MediaType, MimeVersion};
pub use counts::{ContentLength, Expires, FlowTimer, MaxBreadth, MaxForwards, MinExpires, RSeq};
pub use cseq::CSeq;
pub use date::Date;
pub use disposition::{Directive, RequestDisposition};
pub use event::{Event, EventType, SubReason, SubState, SubscriptionState};
pub use feature::{AcceptContact, Feature, FeatureValue, RejectContact, TagValue, Term, is_feature_tag};
pub use history_info::{Diversion, DiversionReason, HistoryIndex, HistoryInfo, HistoryTarget};
pub use identifier::{Branch, MethodToken, Quality, Tag};
pub use info_package::{InfoPackage, RecvInfo};
pub use info_uris::{AlertInfo, CallInfo, ErrorInfo};
pub use join::Join;
pub use lists::{
    Allow, AllowEvents, Coding, ContentEncoding, ContentLanguage, LanguageTag, OptionTag, ProxyRequire,
    Require, Supported, Unsupported,
};
pub use name_addr::{NameAddr, NameAddrRef};
pub use parties::{From, ReplyTo, To};
pub use privacy::{PAssertedIdentity, PPreferredIdentity, Privacy, PrivacyKind};
pub use publication::{EntityTag, SipEtag, SipIfMatch};
pub use rack::RAck;
pub use reason::Reason;
pub use refer::{ReferSub, ReferTo, ReferredBy};
pub use replaces::Replaces;
pub use retry_after::RetryAfter;
pub use route::{Path, RecordRoute, Route, ServiceRoute};
pub use session_timer::{MinSe, Refresher, SessionExpires};
pub use software::{Server, SoftwarePart, UserAgent};
pub use target_dialog::TargetDialog;
pub use text::{Organization, Priority, Subject};
pub use timestamp::{DecimalSeconds, Timestamp};
pub use via::{Transport, Via, ViaRef};
pub use warning::Warning;
