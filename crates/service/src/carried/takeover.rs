//! Who may take over or join a call: RFC 3891 §3, RFC 3911 §4.
//!
//! The same user, somebody of the same group, or whoever holds a [ticket](super::tickets). A phone checks that the
//! tags fit; who the caller is it cannot know, and we do.

use super::tickets::{NoTicket, Recipient, Referrer};
use super::{Carried, DialogKey};
use crate::directory::Directory;
use cordboard_core::time::Instant;
use cordboard_sip::header::{Header, Join, ReferTo, Replaces};
use cordboard_sip::uri::unescape;
use cordboard_sip::{Malformed, Method, Name, UriRef, View};

/// Links that are looked for in one instant message, and how much of it is looked at.
const MAX_LINKS: usize = 8;
const MAX_LINK_BODY: usize = 8_192;

/// A dialog that a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) call_id: Box<str>,
    /// Both ends', in no order.
    pub(crate) tags: [Box<str>; 2],
}

impl From<Replaces> for Named {
    fn from(header: Replaces) -> Self {
        Self {
            call_id: header.call_id.to_string().into(),
            tags: [header.to_tag, header.from_tag].map(|tag| tag.to_string().into()),
        }
    }
}

impl From<Join> for Named {
    fn from(header: Join) -> Self {
        Self {
            call_id: header.call_id.to_string().into(),
            tags: [header.to_tag, header.from_tag].map(|tag| tag.to_string().into()),
        }
    }
}

/// The dialog that an INVITE takes over or joins. More than one, or one that cannot be read, is what the phone would
/// refuse with 400 (RFC 3891 §3).
pub(crate) fn named_by_invite(request: &View<'_>) -> Result<Option<Named>, Malformed> {
    let lines = request.lines_named(Name::REPLACES).count() + request.lines_named(Name::JOIN).count();
    match lines {
        0 => return Ok(None),
        1 => {}
        _ => return Err(Malformed::new("a request names more than one dialog to take over or to join")),
    }
    match (request.header::<Replaces>(), request.header::<Join>()) {
        (Some(replaces), _) => replaces.map(|header| Some(header.into())),
        (None, Some(join)) => join.map(|header| Some(header.into())),
        (None, None) => Ok(None),
    }
}

/// The dialogs that a REFER or a MESSAGE asks somebody to take over or to join.
pub(crate) fn named_by_request(request: &View<'_>) -> Vec<Named> {
    match request.method() {
        Method::Refer => match request.header::<ReferTo>() {
            Some(Ok(refer_to)) => named_by_uri(&refer_to.addr.uri.to_string()).into_iter().collect(),
            Some(Err(_)) | None => Vec::new(),
        },
        Method::Message => links(request.body()).filter_map(named_by_uri).take(MAX_LINKS).collect(),
        _ => Vec::new(),
    }
}

/// The dialog that a URI would have an INVITE take over or join. What asks for another method names none.
pub(crate) fn named_by_uri(text: &str) -> Option<Named> {
    let uri = UriRef::parse(text).ok()?;
    if uri.params().get("method").is_some_and(|method| method != "INVITE") {
        return None;
    }
    let value = |name: &str| uri.headers().get(name).map(unescape);
    match (value("Replaces"), value("Join")) {
        (Some(replaces), None) => Replaces::parse(&replaces).ok().map(Named::from),
        (None, Some(join)) => Join::parse(&join).ok().map(Named::from),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// What may be SIP URIs with headers in a text (RFC 5359 §2.6).
fn links(body: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(body.get(..MAX_LINK_BODY).unwrap_or(body)).unwrap_or_default();
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\''))
        .filter(|word| word.contains('?'))
        .filter_map(|word| {
            let at = ["sips:", "sip:"].iter().find_map(|scheme| word.find(scheme))?;
            Some(word[at..].trim_end_matches(['.', ',', ')', '!']))
        })
}

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To take over or join a dialog.
    Dialog,
    /// To call a server of ours, which serves them.
    Server,
    /// To call a server of ours, which does not.
    Guest,
}

/// Somebody wants to take over or join a dialog, or to call a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) aim: Aim,
    pub(crate) dialog: DialogKey,
    /// Who: one of ours, if that is proved.
    pub(crate) asker: Option<Box<str>>,
    /// Their call, by a hash of its Call-ID and their tag.
    pub(crate) call: u64,
    pub(crate) referrer: Referrer,
}

/// What is said to a claim; if it is for a server of ours, with who has just sent them there.
pub(crate) type Ruling = Result<Option<Box<str>>, Refusal>;

/// Why a claim is refused: always with 403, and the calls stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// They have no part in it, and nobody has asked them to.
    NotTheirs,
    /// They are not ours, and the dialog is not known.
    Unknown,
    /// Their ticket has expired.
    Late,
    /// Another call took it.
    Used,
    /// Referred-By names somebody else than who made it.
    Forged,
}

impl Refusal {
    /// The same in words, for the log.
    pub(crate) const fn says(self) -> &'static str {
        match self {
            Self::NotTheirs => "refused to let a call be taken over by who has no part in it",
            Self::Unknown => "refused to let a call be taken over that is not known here",
            Self::Late => "refused a takeover whose transfer ticket has expired",
            Self::Used => "refused a takeover whose transfer ticket was used by another call",
            Self::Forged => "refused a takeover whose Referred-By is not who asked for it",
        }
    }
}

impl Carried {
    /// Decides on a claim; a ticket that serves it is taken.
    ///
    /// Of a dialog that we do not know (it was begun before a restart, passes another server, or has ended) we know
    /// no ends. One of ours passes then, because a phone lets in only who knows both tags, and those were told by one
    /// of the parties. Somebody from elsewhere does not.
    pub(crate) fn rule(&mut self, directory: &Directory, now: Instant, claim: &Claim) -> Ruling {
        if let (Aim::Server, Some(asker)) = (claim.aim, &claim.asker) {
            return Ok(self.tickets.sent_by(now, claim.dialog, claim.call, asker));
        }
        let known = self.get(claim.dialog).map(|(_, ends)| ends);
        if let (Aim::Dialog | Aim::Server, Some(asker)) = (claim.aim, &claim.asker)
            && known.is_none_or(|ends| self.is_theirs(directory, asker, ends))
        {
            return Ok(None);
        }
        let taken =
            self.tickets.take(now, claim.dialog, (claim.call, claim.asker.as_deref()), &claim.referrer);
        taken.map(Some).map_err(|why| match why {
            NoTicket::None if known.is_none() => Refusal::Unknown,
            NoTicket::None => Refusal::NotTheirs,
            NoTicket::Late => Refusal::Late,
            NoTicket::Used => Refusal::Used,
            NoTicket::Forged => Refusal::Forged,
        })
    }

    /// One of ours has asked somebody to take over or to join a dialog. They can give away only what they may do
    /// themselves: without a dialog that is known to be theirs there is no ticket.
    pub(crate) fn vouch(&mut self, directory: &Directory, now: Instant, dialog: DialogKey, by: &str) {
        if self.get(dialog).is_some_and(|(_, ends)| self.is_theirs(directory, by, ends)) {
            self.tickets.make(now, dialog, by.into(), Recipient::Elsewhere);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(call_id: &str, to: &str, from: &str) -> Named {
        Named { call_id: call_id.into(), tags: [to.into(), from.into()] }
    }

    #[test]
    fn uris_that_name_a_dialog() {
        let named = |text| named_by_uri(text).map(|named| named.call_id);
        let uri = "sip:carol@example.com?Replaces=1%40x%3Bto-tag%3Da%3Bfrom-tag%3Db";
        assert_eq!(named(uri).as_deref(), Some("1@x"));
        assert_eq!(named("sip:carol@example.com?Join=1@x;to-tag=a;from-tag=b").as_deref(), Some("1@x"));
        for text in [
            "sip:carol@example.com",
            "sip:carol@example.com;method=BYE?Replaces=1%40x%3Bto-tag%3Da%3Bfrom-tag%3Db",
            "sip:carol@example.com?Replaces=1%40x%3Bto-tag%3Da",
            "sip:carol@example.com?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Join=1%3Bto-tag%3Da%3Bfrom-tag%3Db",
            "tel:+1201",
        ] {
            assert_eq!(named(text), None, "{text}");
        }
    }

    #[test]
    fn links_in_texts() {
        let uri = "sips:c@x.example?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db";
        for text in [
            uri.to_owned(),
            format!("Please take this call: {uri}."),
            format!("<a href=\"{uri}\">take it</a>"),
            format!("see http://x?y=1 and <{uri}>\r\n"),
        ] {
            let found: Vec<Named> = links(text.as_bytes()).filter_map(named_by_uri).collect();
            assert_eq!(found, [named("1", "a", "b")], "{text}");
        }
        assert_eq!(links(b"sip:bob@example.com \xff").count(), 0);
        assert_eq!(links(&b"sip:a?".repeat(5_000)).count(), 1);
    }
}
