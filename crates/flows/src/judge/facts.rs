//! What is so in a message, read from its bytes and held against the golden facts.

use super::dialogs::{Addresses, Dialogs, Resolved, link};
use super::wire::Wire;
use crate::golden::{Drawn, Facts, Named};
use cordboard_sip::body::{Multipart, Sipfrag};
use cordboard_sip::header::{
    Contact, ContentType, Event, Join, ReferSub, ReferTo, Replaces, Require, SubscriptionState, TargetDialog,
};
use cordboard_sip::sdp::Sdp;
use cordboard_sip::{Header, Method, Name};
use std::collections::BTreeMap;

/// What the facts of a message are held against.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) dialogs: &'a Dialogs,
    pub(super) addresses: &'a Addresses,
    /// The labels of the drawing: which dialog each is.
    pub(super) labels: BTreeMap<&'a str, usize>,
    /// The `CSeq` number of the transactions of the drawing that were found.
    pub(super) numbers: BTreeMap<&'a str, u32>,
}

/// In what a message differs from the facts, in words.
pub(super) fn differences(drawn: &Drawn, wire: &Wire<'_>, known: &Known<'_>) -> Vec<String> {
    let mut told = Vec::new();
    let facts = &drawn.facts;
    body(facts, wire, &mut told);
    contact(facts, wire, &mut told);
    subscription(facts, wire, known, &mut told);
    refer(facts, wire, known, &mut told);
    dialogs(facts, wire, known, &mut told);
    for tag in &facts.require {
        let required = wire.view.headers::<Require>().flatten().any(|require| require.contains(tag));
        if !required {
            told.push(format!("Require does not name {tag}"));
        }
    }
    told
}

/// Tells of two words that should be the same.
fn compare(what: &str, wanted: Option<&str>, found: &str, told: &mut Vec<String>) {
    if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
        told.push(format!("{what} is {found}, not {wanted}"));
    }
}

fn body(facts: &Facts, wire: &Wire<'_>, told: &mut Vec<String>) {
    compare("the direction of its SDP", facts.sdp.as_deref(), &direction(wire), told);
    if let Some(wanted) = facts.sipfrag {
        match part(wire, "message", "sipfrag").map(Sipfrag::parse) {
            None => told.push(format!("has no message/sipfrag, which should tell of {wanted}")),
            Some(Err(wrong)) => told.push(format!("has a sipfrag that cannot be read: {wrong}")),
            Some(Ok(fragment)) => {
                let found =
                    fragment.status().map_or("no status".to_owned(), |status| status.code().to_string());
                compare("the status in its sipfrag", Some(&wanted.to_string()), &found, told);
            }
        }
    }
    if let Some(wanted) = &facts.content {
        let found =
            media_type(wire).map_or("none".to_owned(), |found| format!("{}/{}", found.kind, found.subtype));
        compare("the type of its body", Some(wanted), &found, told);
    }
}

fn media_type(wire: &Wire<'_>) -> Option<cordboard_sip::header::MediaType> {
    wire.view.header::<ContentType>().and_then(Result::ok).map(|content| content.0)
}

/// The body of that type, alone or among others.
fn part<'v>(wire: &'v Wire<'_>, kind: &str, subtype: &str) -> Option<&'v [u8]> {
    let media_type = media_type(wire)?;
    let body = wire.view.body();
    if media_type.is(kind, subtype) {
        return (!body.is_empty()).then_some(body);
    }
    Multipart::parse(&media_type, body).ok()?.find(kind, subtype).map(cordboard_sip::body::Part::body)
}

fn direction(wire: &Wire<'_>) -> String {
    match part(wire, "application", "sdp").map(Sdp::parse) {
        None => "none".to_owned(),
        Some(Err(wrong)) => format!("unreadable ({wrong})"),
        Some(Ok(sdp)) => {
            let audio = sdp.audio();
            audio.map_or("that of no audio".to_owned(), |audio| audio.direction().as_str().to_owned())
        }
    }
}

fn contact(facts: &Facts, wire: &Wire<'_>, told: &mut Vec<String>) {
    let feature = |tag: &str| {
        let contact = wire.view.header::<Contact>()?.ok()?;
        contact.addr()?.feature(tag)
    };
    if let Some(wanted) = &facts.rendering {
        let found = feature("+sip.rendering").filter(|value| &**value == "no");
        compare("+sip.rendering", Some(wanted), found.as_deref().unwrap_or("none"), told);
    }
    if let Some(wanted) = facts.isfocus.filter(|wanted| *wanted != feature("isfocus").is_some()) {
        told.push(if wanted { "the Contact lacks isfocus" } else { "the Contact says isfocus" }.to_owned());
    }
}

fn subscription(facts: &Facts, wire: &Wire<'_>, known: &Known<'_>, told: &mut Vec<String>) {
    let event = wire.view.header::<Event>().and_then(Result::ok);
    let package = event.as_ref().map_or("absent", |event| event.event.as_str());
    compare("Event", facts.event.as_deref(), package, told);
    if let Some(number) = facts.event_id.as_deref().and_then(|refer| known.numbers.get(refer)) {
        let found = event.as_ref().and_then(|event| event.id.as_deref()).unwrap_or("absent");
        compare("the id of Event", Some(&number.to_string()), found, told);
    }
    if let Some(wanted) = &facts.subscription {
        let found = wire.view.header::<SubscriptionState>().and_then(Result::ok);
        let found = found.map_or("absent".to_owned(), |found| {
            let reason = found.reason.filter(|_| wanted.contains(";reason="));
            let reason = reason.map(|reason| format!(";reason={reason}")).unwrap_or_default();
            format!("{}{reason}", found.state)
        });
        compare("Subscription-State", Some(wanted), &found, told);
    }
}

fn refer(facts: &Facts, wire: &Wire<'_>, known: &Known<'_>, told: &mut Vec<String>) {
    if let Some(wanted) = &facts.refer_to {
        match wire.view.header::<ReferTo>() {
            None => told.push(format!("has no Refer-To, which should name {wanted}")),
            Some(Err(wrong)) => told.push(format!("has a Refer-To that cannot be read: {wrong}")),
            Some(Ok(found)) => {
                target("Refer-To", wanted, facts.refer_replaces.as_ref(), &found, known, told);
            }
        }
    }
    if let Some(wanted) = &facts.link_to {
        match link(&String::from_utf8_lossy(wire.view.body())) {
            None => told.push(format!("has no link in its body, which should lead to {wanted}")),
            Some(found) => target("the link", wanted, facts.link_replaces.as_ref(), &found, known, told),
        }
    }
    let has = wire.view.has(Name::REFERRED_BY);
    if facts.referred_by.is_some_and(|wanted| wanted != has) {
        told.push(if has { "has a Referred-By" } else { "has no Referred-By" }.to_owned());
    }
    if let Some(wanted) = facts.refer_sub {
        let found = wire.view.header::<ReferSub>().and_then(Result::ok);
        let found = found.map_or("absent".to_owned(), |found| found.wanted.to_string());
        compare("Refer-Sub", Some(&wanted.to_string()), &found, told);
    }
}

/// Whom a reference names, and in place of which dialog.
fn target(
    what: &str,
    wanted: &str,
    replaces: Option<&Named>,
    found: &ReferTo,
    known: &Known<'_>,
    told: &mut Vec<String>,
) {
    let who = known.addresses.who(&found.addr.uri);
    if who.is_empty() {
        told.push(format!("{what} names {}, which is nobody's address, not {wanted}", found.addr.uri));
    } else if !who.contains(&wanted) {
        told.push(format!("{what} names {}, not {wanted}", who.join(" or ")));
    }
    let within = format!("the Replaces in {what}");
    match (replaces, found.replaces()) {
        (None, None) => {}
        (None, Some(_)) => told.push(format!("{what} has a Replaces in it, and should have none")),
        (Some(wanted), None) => {
            told.push(format!("{what} has no Replaces in it, which should name {}", wanted.dialog));
        }
        (Some(_), Some(Err(wrong))) => told.push(format!("{within} cannot be read: {wrong}")),
        (Some(wanted), Some(Ok(found))) => {
            names(
                &within,
                wanted,
                [found.call_id.as_ref(), found.to_tag.as_str(), found.from_tag.as_str()],
                known,
                told,
            );
        }
    }
}

fn dialogs(facts: &Facts, wire: &Wire<'_>, known: &Known<'_>, told: &mut Vec<String>) {
    if wire.status().is_none() && wire.view.method() == Method::Invite {
        named::<Replaces>(facts.replaces.as_ref(), wire, known, told, |found| {
            [found.call_id.to_string(), found.to_tag.to_string(), found.from_tag.to_string()]
        });
        named::<Join>(facts.join.as_ref(), wire, known, told, |found| {
            [found.call_id.to_string(), found.to_tag.to_string(), found.from_tag.to_string()]
        });
    }
    let Some(label) = &facts.target_dialog else { return };
    let what = "Target-Dialog";
    match wire.view.header::<TargetDialog>() {
        None => told.push(format!("has no {what}, which should name {label}")),
        Some(Err(wrong)) => told.push(format!("has a {what} that cannot be read: {wrong}")),
        Some(Ok(found)) => {
            let text =
                |tag: Option<cordboard_sip::header::Tag>| tag.map(|tag| tag.to_string()).unwrap_or_default();
            // RFC 4538 §3: both tags as the recipient has them.
            let wanted =
                Named { dialog: label.clone(), to_tag: wire.to.to_owned(), from_tag: wire.from.to_owned() };
            let tags = [found.call_id.as_ref(), &*text(found.local_tag), &*text(found.remote_tag)];
            names(what, &wanted, tags, known, told);
        }
    }
}

/// A header that names a dialog, or that must not be there.
fn named<H: Header>(
    wanted: Option<&Named>,
    wire: &Wire<'_>,
    known: &Known<'_>,
    told: &mut Vec<String>,
    parts: impl Fn(&H) -> [String; 3],
) {
    let what = H::NAME.as_str();
    match (wanted, wire.view.header::<H>()) {
        (None, None) => {}
        (None, Some(_)) => told.push(format!("has a {what}, and should have none")),
        (Some(wanted), None) => told.push(format!("has no {what}, which should name {}", wanted.dialog)),
        (Some(_), Some(Err(wrong))) => told.push(format!("has a {what} that cannot be read: {wrong}")),
        (Some(wanted), Some(Ok(found))) => {
            let [call_id, to_tag, from_tag] = parts(&found);
            names(what, wanted, [&call_id, &to_tag, &from_tag], known, told);
        }
    }
}

/// Whether a Call-ID and the tags of its recipient and of its peer name that dialog.
fn names(
    what: &str,
    wanted: &Named,
    [call_id, to_tag, from_tag]: [&str; 3],
    known: &Known<'_>,
    told: &mut Vec<String>,
) {
    match known.dialogs.resolve(call_id, to_tag, from_tag) {
        Resolved::Nothing(why) => told.push(format!("{what} names {why}; it should name {}", wanted.dialog)),
        Resolved::Dialog { index, to_tag, from_tag } => {
            if known.labels.get(wanted.dialog.as_str()) != Some(&index) {
                let label = known.labels.iter().find(|(_, bound)| **bound == index);
                let label = label.map_or("a dialog that is not drawn", |(label, _)| label);
                told.push(format!("{what} names {label}, not {}", wanted.dialog));
            } else if [to_tag, from_tag] == [&*wanted.from_tag, &*wanted.to_tag] {
                told.push(format!(
                    "{what} has its tags swapped: the recipient's own, {}'s, is named as its peer's",
                    wanted.to_tag
                ));
            } else if [to_tag, from_tag] != [&*wanted.to_tag, &*wanted.from_tag] {
                told.push(format!(
                    "{what} names the tags of {to_tag} and {from_tag}, not of {} and {}",
                    wanted.to_tag, wanted.from_tag
                ));
            }
        }
    }
}
