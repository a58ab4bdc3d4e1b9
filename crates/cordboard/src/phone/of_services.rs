//! What the telephone tells of conferences, park and the like, and of what others can do, as it is told here.

use cordboard_service::call::{ConferenceName, ContactFeatures};
use cordboard_sip::Status;
use std::time::Duration;

use super::address::uri_of;
use super::report::{Mood, Report, printable, shown, with_status};

/// Somebody has come into a call or a conference of ours.
pub(super) fn joined(number: u32, joins: Option<u32>, from: &str, conference: ConferenceName) -> Report {
    let from = uri_of(from);
    let into = joins.map_or_else(|| "the conference".to_owned(), |joins| format!("call {joins}"));
    let report = Report::of_call(number, "joined", Mood::Good, format!("{from} joins {into}"));
    let report = report.with("from", from).with("conference", conference.0);
    match joins {
        Some(joins) => report.with("joins", joins),
        None => report,
    }
}

/// A call is part of a conference of ours.
pub(super) fn in_conference(number: u32, conference: ConferenceName) -> Report {
    Report::of_call(number, "in-conference", Mood::Good, "is part of the conference")
        .with("conference", conference.0)
}

/// The other side's Contact says something else of its user agent than before.
pub(super) fn peer_features(number: u32, features: ContactFeatures) -> Report {
    let ContactFeatures { focus, automaton, byeless, renders } = features;
    let said = [
        (focus, "it is the focus of a conference"),
        (automaton, "nobody sits at it"),
        (byeless, "it never hangs up"),
        (!renders, "it renders nothing"),
    ];
    let said: Vec<&str> = said.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect();
    let says = if said.is_empty() { "it is as usual again".to_owned() } else { said.join(", ") };
    Report::of_call(number, "peer-features", Mood::Plain, format!("of the other side: {says}"))
        .with("focus", focus)
        .with("automaton", automaton)
        .with("byeless", byeless)
        .with("renders", renders)
}

/// What the other side of a call can do.
pub(super) fn abilities(number: u32, allow: &str, supported: &str) -> Report {
    let says = format!("methods: {}; extensions: {}", listed(allow), listed(supported));
    Report::of_call(number, "abilities", Mood::Plain, says).with("allow", allow).with("supported", supported)
}

/// What somebody can do.
pub(super) fn options(to: &str, status: Status, lists: [&str; 4]) -> Report {
    let [allow, supported, allow_events, accept] = lists;
    let says = format!(
        "{to}: {}; methods: {}; extensions: {}; events: {}; bodies: {}",
        shown(status),
        listed(allow),
        listed(supported),
        listed(allow_events),
        listed(accept)
    );
    let report = Report::new("options", Mood::Plain, says).with("to", to);
    with_status(report, Some(status))
        .with("allow", allow)
        .with("supported", supported)
        .with("allow_events", allow_events)
        .with("accept", accept)
}

fn listed(list: &str) -> String {
    if list.is_empty() { "not told".to_owned() } else { printable(list) }
}

/// The other side signalled a digit by INFO.
pub(super) fn digit_signalled(number: u32, digit: char, duration: Duration) -> Report {
    Report::of_call(number, "digit", Mood::Plain, format!("the other side signals {digit}"))
        .with("digit", digit.to_string())
        .with("duration_ms", u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        .with("by", "info")
}

/// How the other side answered a digit of ours.
pub(super) fn digit_answered(number: u32, status: Status) -> Report {
    let mood = if status.is_success() { Mood::Plain } else { Mood::Bad };
    let says = format!("the signalled digit: {}", shown(status));
    with_status(Report::of_call(number, "digit-answered", mood, says), Some(status))
}

/// A call of ours was refused, and these say more.
pub(super) fn error_info(number: u32, uris: &[Box<str>]) -> Report {
    let uris: Vec<String> = uris.iter().map(|uri| printable(uri)).collect();
    let says = format!("more about that: {}", uris.join(", "));
    Report::of_call(number, "error-info", Mood::Plain, says).with("uris", uris)
}

/// What names a call in the network. The last field is what `join` wants of it, at whoever is to be joined.
pub(super) fn dialog(number: u32, call_id: &str, local_tag: &str, remote_tag: &str) -> Report {
    let joins = format!("{call_id};to-tag={local_tag};from-tag={remote_tag}");
    Report::of_call(number, "dialog", Mood::Plain, format!("is the dialog {joins}"))
        .with("call_id", call_id)
        .with("local_tag", local_tag)
        .with("remote_tag", remote_tag)
        .with("dialog", joins)
}

/// A server has the other side of a call now.
pub(super) fn parked(number: u32, at: Option<&str>) -> Report {
    let says = at.map_or_else(
        || "a server has them now: `take-back` has them back".to_owned(),
        |at| format!("a server has them now, at {at}: `take-back` has them back"),
    );
    let report = Report::of_call(number, "parked", Mood::Good, says);
    match at {
        Some(at) => report.with("at", at),
        None => report,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_other_side_is_is_said_in_words() {
        let usual = ContactFeatures::default();
        let focus = peer_features(1, ContactFeatures { focus: true, renders: false, ..usual });
        assert_eq!(focus.says, "[1] of the other side: it is the focus of a conference, it renders nothing");
        assert_eq!(focus.field("renders").as_deref(), Some("false"));
        assert!(peer_features(1, usual).says.ends_with("as usual again"));
    }

    #[test]
    fn a_strangers_words_move_no_cursor() {
        let report = error_info(2, &["sip:a\u{1b}[2J@h".into()]);
        assert!(!report.says.contains('\u{1b}'), "{}", report.says);
        assert!(
            options("sip:b@h", Status::OK, ["INVITE", "", "", "\u{7}"]).says.contains("extensions: not told")
        );
    }

    #[test]
    fn a_dialog_is_named_as_join_wants_it() {
        let report = dialog(1, "77@h", "ours", "theirs");
        assert_eq!(report.field("dialog").as_deref(), Some("77@h;to-tag=ours;from-tag=theirs"));
    }
}
