//! What is told of those who are watched: as lamps, lists and sentences.

use cordboard_service::watch::{WatchEvent, Watched};
use cordboard_sip::body::conference_info::{Endpoint, EndpointStatus, User};
use cordboard_sip::body::dialog_info::{Dialog, Direction, State};
use cordboard_sip::body::message_summary::MessageSummary;
use cordboard_sip::body::presence::{Basic, Presence};
use cordboard_sip::body::reginfo::{self, Registration};
use serde_json::{Value, json};

use super::report::{Mood, Report, printable, shown, with_status};
use super::watches::Watches;

/// What the telephone told of something that is watched; `None` for what only its other parts want to know.
pub(super) fn of_watching(event: &WatchEvent, watches: &Watches) -> Option<Report> {
    let name = event.watch();
    let (whom, package) = watches.get(name).map_or(("", ""), |watch| (&*watch.whom, watch.package.as_str()));
    let report = |event, mood, says: String| {
        Report::new(event, mood, format!("watching {whom}: {}", printable(&says)))
            .with("watch", name.0)
            .with("whom", whom)
            .with("package", package)
    };
    Some(match event {
        WatchEvent::State { state, .. } => {
            let (says, fields) = of_state(state);
            fields
                .into_iter()
                .fold(report("watched", Mood::Plain, says), |report, (name, value)| report.with(name, value))
        }
        WatchEvent::Pending(_) => {
            report("watch-pending", Mood::Plain, "they have still to decide whether they let us".to_owned())
        }
        WatchEvent::Again { after, .. } => {
            let says = format!("it ended, and begins again in {} s", after.as_secs());
            report("watch-again", Mood::Plain, says).with("after_s", after.as_secs())
        }
        WatchEvent::Ended { status, reason, again, .. } => {
            let because = match (status, reason) {
                (Some(status), _) => format!(": {}", shown(*status)),
                (None, Some(reason)) => format!(": {reason}"),
                (None, None) => String::new(),
            };
            let mood = if status.is_some() { Mood::Bad } else { Mood::Plain };
            let mut ended = with_status(report("watch-ended", mood, format!("it is over{because}")), *status);
            if let Some(reason) = reason {
                ended = ended.with("why", reason.to_string());
            }
            match again {
                Some(again) => ended.with("again_s", again.as_secs()),
                None => ended,
            }
        }
        // The verb that pressed the button says so.
        WatchEvent::Impossible(_) => return None,
    })
}

fn of_state(state: &Watched) -> (String, Vec<(&'static str, Value)>) {
    match state {
        Watched::Dialogs(rows) => of_dialogs(rows),
        Watched::Messages(summary) => of_messages(summary),
        Watched::Presence(presence) => of_presence(presence),
        Watched::Registrations(registrations) => of_registrations(registrations),
        Watched::Conference { users, over, .. } => of_conference(users, *over),
    }
}

/// How a lamp shines: one that rings there blinks.
fn lamp(rows: &[Dialog]) -> &'static str {
    let rings = |row: &Dialog| row.state == State::Early && row.direction == Some(Direction::Recipient);
    if rows.iter().any(rings) {
        "ringing"
    } else if rows.iter().any(|row| row.state != State::Terminated) {
        "busy"
    } else {
        "free"
    }
}

fn of_dialogs(rows: &[Dialog]) -> (String, Vec<(&'static str, Value)>) {
    let with = |row: &Dialog| row.remote.identities.first().map(|identity| identity.uri.clone());
    let list = rows.iter().map(|row| {
        json!({ "state": row.state.as_str(), "direction": row.direction.map(Direction::as_str),
                "with": with(row), "call_id": row.call_id, "local_tag": row.local_tag,
                "remote_tag": row.remote_tag })
    });
    let live = rows.iter().filter(|row| row.state != State::Terminated);
    let calls: Vec<String> = live
        .map(|row| {
            let with = with(row).map(|with| format!(" with {with}")).unwrap_or_default();
            format!("{}{with}", row.state.as_str())
        })
        .collect();
    let lamp = lamp(rows);
    let says = if calls.is_empty() { lamp.to_owned() } else { format!("{lamp} ({})", calls.join(", ")) };
    (says, vec![("lamp", lamp.into()), ("dialogs", list.collect())])
}

fn of_messages(summary: &MessageSummary) -> (String, Vec<(&'static str, Value)>) {
    let kinds = summary
        .counts
        .iter()
        .map(|(kind, count)| json!({ "kind": kind, "new": count.new, "old": count.old }));
    let says = if summary.waiting { "messages wait" } else { "no message waits" };
    (says.to_owned(), vec![("waiting", summary.waiting.into()), ("messages", kinds.collect())])
}

fn of_presence(presence: &Presence) -> (String, Vec<(&'static str, Value)>) {
    let open = presence.tuples.iter().any(|tuple| tuple.basic == Some(Basic::Open));
    let of_tuples = presence.tuples.iter().flat_map(|tuple| &tuple.notes);
    let notes: Vec<&str> = presence.notes.iter().chain(of_tuples).map(|note| &*note.text).collect();
    let mut says = if open { "can be reached" } else { "cannot be reached" }.to_owned();
    for note in &notes {
        says.push_str(", ");
        says.push_str(note);
    }
    (says, vec![("reachable", open.into()), ("notes", notes.into())])
}

fn of_registrations(registrations: &[Registration]) -> (String, Vec<(&'static str, Value)>) {
    let active = |registration: &&Registration| registration.state == reginfo::State::Active;
    let contacts = registrations.iter().filter(active).flat_map(|registration| &registration.contacts);
    let contacts: Vec<&str> = contacts
        .filter(|contact| contact.state == reginfo::ContactState::Active)
        .map(|contact| &*contact.uri)
        .collect();
    let says = if contacts.is_empty() {
        "registered nowhere".to_owned()
    } else {
        format!("registered at {}", contacts.join(", "))
    };
    (says, vec![("contacts", contacts.into())])
}

fn of_conference(users: &[User], over: bool) -> (String, Vec<(&'static str, Value)>) {
    let status = |endpoints: &[Endpoint]| endpoints.first()?.status.map(EndpointStatus::as_str);
    let list = users.iter().map(|user| json!({ "user": user.entity, "status": status(&user.endpoints) }));
    let names: Vec<&str> = users.iter().map(|user| &*user.entity).collect();
    let says =
        if over { "the conference is over".to_owned() } else { format!("in it are {}", names.join(", ")) };
    (says, vec![("over", over.into()), ("users", list.collect())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_service::watch::{Package, WatchName};
    use cordboard_sip::Status;
    use cordboard_sip::body::dialog_info::Identity;
    use cordboard_sip::body::message_summary::Count;
    use cordboard_sip::header::SubReason;

    fn told(state: Watched) -> Report {
        let mut watches = Watches::default();
        let watch = watches.begin("sip:bob@h", Package::Dialog);
        of_watching(&WatchEvent::State { watch, state: Box::new(state) }, &watches).unwrap()
    }

    fn row(state: State, direction: Direction) -> Dialog {
        let mut row = Dialog::new("1", state);
        row.direction = Some(direction);
        row.remote.identities = vec![Identity::new("sip:carol@h")];
        row
    }

    #[test]
    fn a_lamp_is_free_busy_or_ringing() {
        use {Direction::*, State::*};
        for (rows, lamp) in [
            (vec![], "free"),
            (vec![row(Terminated, Recipient)], "free"),
            (vec![row(Confirmed, Initiator)], "busy"),
            (vec![row(Early, Initiator)], "busy"),
            (vec![row(Confirmed, Recipient), row(Early, Recipient)], "ringing"),
        ] {
            let report = told(Watched::Dialogs(rows));
            assert_eq!(report.field("lamp").as_deref(), Some(lamp));
        }
        let busy = told(Watched::Dialogs(vec![row(Confirmed, Recipient)]));
        assert_eq!(busy.says, "watching sip:bob@h: busy (confirmed with sip:carol@h)");
    }

    #[test]
    fn other_packages_have_their_own_fields() {
        let count = Count { new: 2, old: 1, urgent: None };
        let summary = MessageSummary {
            waiting: true,
            account: None,
            counts: vec![("voice-message".into(), count)],
            messages: Vec::new(),
        };
        let waits = told(Watched::Messages(summary));
        assert_eq!(waits.field("waiting").as_deref(), Some("true"));
        let over =
            told(Watched::Conference { description: None, users: vec![User::new("sip:a@h")], over: true });
        assert_eq!(over.field("over").as_deref(), Some("true"));
        assert!(told(Watched::Registrations(Vec::new())).says.ends_with("registered nowhere"));
    }

    #[test]
    fn the_end_says_why_and_when_to_try_again() {
        let mut watches = Watches::default();
        let watch = watches.begin("sip:bob@h", Package::Dialog);
        let ended = |status, reason| {
            of_watching(&WatchEvent::Ended { watch, status, reason, again: None }, &watches).unwrap()
        };
        assert_eq!(ended(Some(Status::FORBIDDEN), None).field("status").as_deref(), Some("403"));
        assert_eq!(ended(None, Some(SubReason::Rejected)).field("why").as_deref(), Some("rejected"));
        assert!(of_watching(&WatchEvent::Impossible(WatchName(1)), &watches).is_none());
    }
}
