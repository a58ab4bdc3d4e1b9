//! What the telephone tells of its calls, as it is told here.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallEvent, CallName};
use cordboard_sip::Status;

use super::address::uri_of;
use super::calls::Calls;
use super::of_services as services;
use super::of_watching::of_watching;
use super::report::{Mood, Report, printable, shown, with_status};
use super::watches::Watches;

/// What the telephone told; `None` for what only its other parts want to know.
pub(super) fn of_call(event: &CallEvent, calls: &Calls, watches: &Watches) -> Option<Report> {
    use Mood::{Asking, Bad, Good, Plain};
    let number = |call: &CallName| calls.number(*call);
    let about = |call: &CallName, event, mood, says: &str| Report::of_call(number(call), event, mood, says);
    Some(match event {
        CallEvent::Registered { contacts } if contacts.is_empty() => {
            Report::new("unregistered", Plain, "nobody is registered under this address".into())
        }
        CallEvent::Registered { contacts } => {
            let list: Vec<&str> = contacts.iter().map(|contact| &**contact).collect();
            Report::new("registered", Good, format!("registered at {}", list.join(", ")))
                .with("contacts", list)
        }
        CallEvent::NotRegistered(status) => with_status(
            Report::new("not-registered", Bad, format!("not registered: {}", shown(*status))),
            Some(*status),
        ),
        CallEvent::Incoming { call, from, .. } => {
            let from = uri_of(from);
            about(call, "incoming", Asking, &format!("{from} calls: answer or decline")).with("from", from)
        }
        CallEvent::Asked { call, from, to, .. } => {
            let from = uri_of(from);
            let says = format!("{from} asks us to call {to}: answer or decline");
            about(call, "asked", Asking, &says).with("from", from).with("to", &**to)
        }
        CallEvent::AskedToRemove { call, from, who, .. } => {
            let from = uri_of(from);
            let says = format!("{from} asks that {who} leave");
            about(call, "asked-to-remove", Asking, &says).with("from", from).with("who", &**who)
        }
        CallEvent::MessageReceived { from, content_type, body } => {
            let from = uri_of(from);
            Report::new("message", Plain, format!("{from} writes: {}", printable(body)))
                .with("from", from)
                .with("content_type", &**content_type)
                .with("text", &**body)
        }
        CallEvent::MessageSent { to, status } => {
            let mood = if status.is_success() { Plain } else { Bad };
            let says = format!("the message to {to}: {}", shown(*status));
            with_status(Report::new("message-sent", mood, says).with("to", &**to), Some(*status))
        }
        CallEvent::Refused { from } => {
            let from = uri_of(from);
            Report::new("refused", Plain, format!("{from} called and was refused")).with("from", from)
        }
        CallEvent::Ringing(call) => about(call, "ringing", Plain, "it rings there"),
        CallEvent::Redirected(call, to) => {
            about(call, "redirected", Plain, &format!("redirected to {to}")).with("to", &**to)
        }
        CallEvent::Established(call) => {
            let peer = calls.get(number(call)).map_or("", |call| &call.peer);
            about(call, "established", Good, &format!("talking to {peer}")).with("peer", peer)
        }
        CallEvent::Media(call, path) => {
            // Whoever holds has nothing to say meanwhile.
            let sends = path.sends && !calls.get(number(call)).is_some_and(|call| call.holds);
            let way = match (sends, path.receives) {
                (true, true) => "both ways",
                (true, false) => "only from here",
                (false, true) => "only to here",
                (false, false) => "neither way",
            };
            about(call, "media", Plain, &format!("sound goes {way}"))
                .with("local", path.local.to_string())
                .with("remote", path.remote.to_string())
                .with("sends", sends)
                .with("receives", path.receives)
        }
        CallEvent::Identity { call, address, asserted } => {
            let peer = uri_of(address);
            let by = if *asserted { "the server says" } else { "they say" };
            about(call, "identity", Plain, &format!("{by} that this is {peer}"))
                .with("peer", peer)
                .with("asserted", *asserted)
        }
        CallEvent::HeldByPeer(call, true) => about(call, "held", Plain, "the other side put us on hold"),
        CallEvent::HeldByPeer(call, false) => about(call, "unheld", Plain, "the other side took us off hold"),
        CallEvent::HoldChanged(call, true) => about(call, "holding", Plain, "on hold"),
        CallEvent::HoldChanged(call, false) => about(call, "resumed", Plain, "off hold"),
        CallEvent::ChangeRefused(call, status) => with_status(
            about(
                call,
                "change-refused",
                Bad,
                &format!("refused: {}; the call goes on as it was", shown(*status)),
            ),
            Some(*status),
        ),
        CallEvent::Referred { call, new, to } => {
            let new = number(new);
            let says = format!("the other side hands us over to {to}: that is call {new}");
            let report = match call {
                Some(call) => about(call, "referred", Plain, &says),
                None => Report::new(
                    "referred",
                    Plain,
                    format!("{to} is called, as was asked: that is call {new}"),
                ),
            };
            report.with("new", new).with("to", &**to)
        }
        CallEvent::TakenOver { call, replaces, from } => {
            let (from, replaces) = (uri_of(from), number(replaces));
            about(call, "taken-over", Good, &format!("{from} takes the place of call {replaces}"))
                .with("replaces", replaces)
                .with("from", from)
        }
        CallEvent::CalledBack { call, to } => {
            about(call, "called-back", Plain, &format!("nobody took us, so that {to} is called back"))
                .with("to", &**to)
        }
        CallEvent::TransferProgress(call, status) => with_status(
            about(call, "transfer-progress", Plain, &format!("the transfer goes on: {}", shown(*status))),
            Some(*status),
        ),
        CallEvent::Transferred { call, kind, outcome, status, says } => {
            let mood = if *outcome == Outcome::Completed { Good } else { Bad };
            let evidence = evidence(*outcome, *status);
            let line = format!("{kind}: {outcome}, {says} ({evidence})");
            with_status(
                about(call, "transferred", mood, &line)
                    .with("says", &**says)
                    .with("kind", kind.as_str())
                    .with("outcome", outcome.as_str()),
                *status,
            )
            .with("evidence", evidence)
        }
        CallEvent::Ended { call, outcome, status, by_peer } => {
            let mood = if *outcome == Outcome::Answered { Plain } else { Bad };
            let who = if *by_peer { "the other side" } else { "us" };
            let because = status.map(|status| format!(": {}", shown(status))).unwrap_or_default();
            let says = format!("ended by {who}, {outcome}{because}");
            with_status(
                about(call, "ended", mood, &says).with("outcome", outcome.as_str()).with("by_peer", *by_peer),
                *status,
            )
        }
        CallEvent::Joined { call, joins, from, conference } => {
            services::joined(number(call), joins.map(|joins| number(&joins)), from, *conference)
        }
        CallEvent::InConference { call, conference } => services::in_conference(number(call), *conference),
        CallEvent::PeerFeatures(call, features) => services::peer_features(number(call), *features),
        CallEvent::Abilities { call, allow, supported } => {
            services::abilities(number(call), allow, supported)
        }
        CallEvent::Options { to, status, allow, supported, allow_events, accept } => {
            services::options(to, *status, [allow, supported, allow_events, accept])
        }
        CallEvent::DigitSignalled { call, digit, duration } => {
            services::digit_signalled(number(call), *digit, *duration)
        }
        CallEvent::DigitAnswered(call, status) => services::digit_answered(number(call), *status),
        CallEvent::ErrorInfo(call, uris) => services::error_info(number(call), uris),
        CallEvent::Dialog { call, call_id, local_tag, remote_tag } => {
            services::dialog(number(call), call_id, local_tag, remote_tag)
        }
        CallEvent::RedialWaits(call) => {
            about(call, "redial-waits", Plain, "they are busy, and are called as soon as they are free")
        }
        CallEvent::Redialling(call) => about(call, "redialling", Good, "they are free, and are called"),
        CallEvent::Found { call, to } => {
            let to = uri_of(to);
            about(call, "found", Plain, &format!("found: a call with {to}, which is taken over"))
                .with("to", to)
        }
        CallEvent::Parked { call, at } => services::parked(number(call), at.as_deref()),
        CallEvent::TakenUp { call, with } => {
            let with = uri_of(with);
            about(call, "taken-up", Good, &format!("the call with {with} from before is here again"))
                .with("with", with)
        }
        CallEvent::Moved(call) => about(call, "moved", Plain, "it goes on from another address of ours"),
        CallEvent::OfferAnswered(call) => {
            about(call, "offer-answered", Plain, "the other side made an offer and has our answer")
        }
        CallEvent::Identified(call) => {
            about(call, "identified", Plain, "the other side is shown our other address")
        }
        CallEvent::Watching(event) => return of_watching(event, watches),
        // The verb that pressed the button says so.
        CallEvent::Impossible(_) => return None,
    })
}

/// What on the wire says how a transfer ended.
fn evidence(outcome: Outcome, status: Option<Status>) -> String {
    match (outcome, status) {
        (Outcome::Refused, Some(status)) => format!("the REFER was answered {}", shown(status)),
        (Outcome::Refused, None) => "the REFER was not answered".to_owned(),
        (_, Some(status)) => format!("the last NOTIFY reported {}", shown(status)),
        (_, None) => "no NOTIFY reported anything".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_ladder::Kind;

    fn transferred(outcome: Outcome, status: Option<Status>) -> Report {
        let call = CallName(1);
        let says = "as it was".into();
        let event = CallEvent::Transferred { call, kind: Kind::UnattendedTransfer, outcome, status, says };
        of_call(&event, &Calls::default(), &Watches::default()).unwrap()
    }

    #[test]
    fn a_transfer_ends_in_its_word_with_evidence() {
        let busy = transferred(Outcome::TargetBusy, Some(Status::BUSY_HERE));
        assert_eq!(busy.field("outcome").as_deref(), Some("target-busy"));
        assert_eq!(busy.field("status").as_deref(), Some("486"));
        assert_eq!(busy.field("evidence").as_deref(), Some("the last NOTIFY reported 486 Busy Here"));
        assert_eq!(busy.mood, Mood::Bad);
        let refused = transferred(Outcome::Refused, Some(Status::DECLINE));
        assert_eq!(refused.field("evidence").as_deref(), Some("the REFER was answered 603 Decline"));
        assert_eq!(transferred(Outcome::NotReported, None).field("status"), None);
    }
}
