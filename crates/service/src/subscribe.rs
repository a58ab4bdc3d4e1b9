//! A SUBSCRIBE that comes in, as whoever is watched reads it: RFC 6665 §4.2.1.

use crate::desk::Desk;
use crate::watch::Package;
use cordboard_core::subscription::duration::{Terms, TooBrief};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_sip::body::dialog_info;
use cordboard_sip::header::{Event, Expires};
use cordboard_sip::{Name, Status, View};

/// For how long somebody may watch at a time (RFC 4235 §3.4, RFC 3856 §6.4, RFC 4575 §3.4, RFC 3842 §3.4, RFC 3680 §4.4;
/// the last two would have more by default, and whoever asks is given an hour).
const TERMS: Terms = Terms { default: 3_600, least: 60, most: 3_600 };

/// After how many seconds somebody may try again for whom there is no room.
pub(crate) const NO_ROOM_RETRY_S: u32 = 60;

/// A dialog, or those of one INVITE, that somebody watches alone (RFC 4235 §3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Only {
    call_id: Box<str>,
    /// Our tag.
    to_tag: Box<str>,
    /// The other side's.
    from_tag: Option<Box<str>>,
}

impl Only {
    /// What `Event` says of it. Without our tag there is nothing that it could mean.
    fn read(event: &Event) -> Result<Option<Self>, Status> {
        let text = |name| event.params.get(name).map(Box::<str>::from);
        match (text("call-id"), text("to-tag"), text("from-tag")) {
            (None, None, None) => Ok(None),
            (Some(call_id), Some(to_tag), from_tag) => Ok(Some(Self { call_id, to_tag, from_tag })),
            _ => Err(Status::BAD_REQUEST),
        }
    }

    pub(crate) fn names(&self, row: &dialog_info::Dialog) -> bool {
        row.call_id.as_deref() == Some(&*self.call_id)
            && row.local_tag.as_deref() == Some(&*self.to_tag)
            && self.from_tag.as_deref().is_none_or(|tag| row.remote_tag.as_deref() == Some(tag))
    }
}

/// A SUBSCRIBE that came in, as far as it can be understood.
pub(crate) struct Asked {
    pub(crate) package: Package,
    /// The `id` of its Event, for those of RFC 3265.
    pub(crate) id: Option<Box<str>>,
    pub(crate) only: Option<Only>,
    /// For how many seconds it is granted.
    pub(crate) granted: u32,
}

/// Why a SUBSCRIBE is refused before anybody is asked.
pub(crate) enum Refusal {
    Status(Status),
    /// A package that we do not tell of (§4.2.1.1).
    Package,
    TooBrief(TooBrief),
}

/// Reads it; `told` is of which packages there is something to tell, as in Allow-Events.
pub(crate) fn read(request: &View<'_>, told: &str) -> Result<Asked, Refusal> {
    let event = match request.header::<Event>() {
        Some(Ok(event)) => event,
        Some(Err(_)) => return Err(Refusal::Status(Status::BAD_REQUEST)),
        None => return Err(Refusal::Package),
    };
    // RFC 3515 §2.4.4: a REFER begins it, and nothing else does; ours lasts as long as there is something to report.
    if event.is("refer") {
        return Err(Refusal::Status(Status::FORBIDDEN));
    }
    let package = Package::of(event.event.as_str());
    let package = package.filter(|package| told.split(", ").any(|told| told == package.as_str()));
    let Some(package) = package else { return Err(Refusal::Package) };
    let only = if package == Package::Dialog { Only::read(&event).map_err(Refusal::Status)? } else { None };
    if !accepts(request, package.media_type()) {
        return Err(Refusal::Status(Status::NOT_ACCEPTABLE));
    }
    let asked = match request.header::<Expires>() {
        Some(Ok(Expires(seconds))) => Some(seconds),
        Some(Err(_)) => return Err(Refusal::Status(Status::BAD_REQUEST)),
        None => None,
    };
    let granted = TERMS.grant(asked).map_err(Refusal::TooBrief)?;
    Ok(Asked { package, id: event.id, only, granted })
}

/// Refuses it in the way of RFC 6665 §4.2.1.1.
pub(crate) fn refuse(
    desk: &mut Desk,
    now: Instant,
    server: ServerId,
    request: &View<'_>,
    refusal: &Refusal,
    told: &str,
) {
    let (status, line) = match refusal {
        Refusal::Status(status) => return desk.reply(now, server, request, *status),
        Refusal::Package => (Status::BAD_EVENT, (Name::ALLOW_EVENTS, told.to_owned())),
        Refusal::TooBrief(TooBrief(least)) => {
            (Status::INTERVAL_TOO_BRIEF, (Name::MIN_EXPIRES, least.to_string()))
        }
    };
    let bytes = desk.response(request, status).line(line.0, line.1).finish();
    desk.stack.respond(now, server, status, bytes);
}

/// Whether the documents of a package are wanted: without Accept they are (RFC 4235 §3.5 and its like).
fn accepts(request: &View<'_>, kind: &str) -> bool {
    let mut any = false;
    for value in request.values(Name::ACCEPT) {
        let named = value.text.split(';').next().unwrap_or_default().trim();
        if named.eq_ignore_ascii_case(kind) || matches!(named, "*/*" | "application/*") {
            return true;
        }
        any = true;
    }
    !any
}
