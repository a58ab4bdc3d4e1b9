//! The eight fields.

use std::fmt::Display;

/// What a contender has read, in its own types; borrowed, so that nothing is copied for the reader's sake.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// The method of the request, or of `CSeq` in a response.
    pub method: &'a dyn Display,
    /// The Request-URI; a response has none.
    pub request_uri: Option<&'a dyn Display>,
    /// The sent-by of the top Via.
    pub sent_by: &'a dyn Display,
    /// The branch of the top Via.
    pub branch: &'a dyn Display,
    /// The tag of From.
    pub from_tag: &'a dyn Display,
    /// The tag of To, if it has one.
    pub to_tag: Option<&'a dyn Display>,
    /// The Call-ID.
    pub call_id: &'a dyn Display,
    /// The number in `CSeq`.
    pub cseq: u32,
}

impl Fields<'_> {
    /// The fields as text, for comparing.
    pub fn text(&self) -> [String; 8] {
        let or_none = |field: Option<&dyn Display>| field.map_or_else(|| "-".to_owned(), ToString::to_string);
        [
            self.method.to_string(),
            or_none(self.request_uri),
            self.sent_by.to_string(),
            self.branch.to_string(),
            self.from_tag.to_string(),
            or_none(self.to_tag),
            self.call_id.to_string(),
            self.cseq.to_string(),
        ]
    }
}
