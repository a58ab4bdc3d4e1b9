//! Ours.

use std::fmt::Display;

use cordboard_sip::{View, uri::Uri};

use crate::fields::Fields;

/// The fields as the dispatcher reads them: spans of the bytes.
pub(super) fn read<R>(bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    // By reference: a view is too big to be moved about.
    let parsed = &View::parse(bytes);
    let view = parsed.as_ref().ok()?;
    let uri = view.request_uri();
    show_view(view, view.is_request().then_some(&uri as &dyn Display), show)
}

/// The same, with the Request-URI as a value.
pub(super) fn read_with_uri<R>(bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    let parsed = &View::parse(bytes);
    let view = parsed.as_ref().ok()?;
    if !view.is_request() {
        return show_view(view, None, show);
    }
    let uri: Uri = view.request_uri().parse().ok()?;
    show_view(view, Some(&uri), show)
}

fn show_view<R>(view: &View<'_>, uri: Option<&dyn Display>, show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
    let via = view.top_via();
    let to_tag = view.to_tag();
    Some(show(Fields {
        method: &view.method_text(),
        request_uri: uri,
        sent_by: &via.sent_by,
        branch: &via.branch?,
        from_tag: &view.from_tag()?,
        to_tag: to_tag.as_ref().map(|tag| tag as &dyn Display),
        call_id: &view.call_id(),
        cseq: view.cseq().0,
    }))
}
