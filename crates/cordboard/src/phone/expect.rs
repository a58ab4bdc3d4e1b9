//! When a verb is done: what the telephone has to tell before the next one's turn.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallEvent, CallName};
use cordboard_service::watch::{WatchEvent, WatchName};

use super::report::shown;

/// What a verb waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// That the registrar has answered.
    Registered,
    /// That sound is agreed in the call.
    Sounds(CallName),
    /// That the call is up.
    Established(CallName),
    /// That the other side is on hold, or off it.
    Held(CallName, bool),
    /// How the transfer of this call ended.
    Transferred(CallName),
    /// That the call is over.
    Ended(CallName),
    /// What became of a message to this address.
    Sent(Box<str>),
    /// That the other side takes the address that it is shown.
    Identified(CallName),
    /// That the call is part of a conference.
    InConference(CallName),
    /// How a signalled digit was answered.
    Signalled(CallName),
    /// What somebody can do.
    Options(Box<str>),
    /// What the other side can do.
    Abilities(CallName),
    /// What names the call.
    Dialog(CallName),
    /// How what is watched is, for the first time.
    Watched(WatchName),
    /// That it is watched no longer.
    Unwatched(WatchName),
}

impl Expect {
    /// Whether this was it, and whether it went well.
    pub(super) fn judge(&self, event: &CallEvent) -> Option<Result<(), String>> {
        match (self, event) {
            (Self::Registered, CallEvent::Registered { .. }) => Some(Ok(())),
            (Self::Registered, CallEvent::NotRegistered(status)) => Some(Err(format!(
                "the registrar says {}; try --user, --password and --domain as it knows them",
                shown(*status)
            ))),
            (Self::Sounds(call), CallEvent::Media(other, _)) if call == other => Some(Ok(())),
            (Self::Established(call), CallEvent::Established(other)) if call == other => Some(Ok(())),
            (Self::Held(call, wanted), CallEvent::HoldChanged(other, holds))
                if call == other && wanted == holds =>
            {
                Some(Ok(()))
            }
            (Self::Held(call, _), CallEvent::ChangeRefused(other, status)) if call == other => {
                Some(Err(format!("the other side says {}; the call goes on as it was", shown(*status))))
            }
            (Self::Transferred(call), CallEvent::Transferred { call: other, outcome, status, .. })
                if call == other =>
            {
                Some(match outcome {
                    Outcome::Completed => Ok(()),
                    other => Err(match status {
                        Some(status) => format!("{other}: {}", shown(*status)),
                        None => other.to_string(),
                    }),
                })
            }
            (Self::Sent(to), CallEvent::MessageSent { to: other, status }) if to == other => {
                Some(if status.is_success() {
                    Ok(())
                } else {
                    Err(format!("the message was refused: {}; try another address", shown(*status)))
                })
            }
            (Self::Ended(call), CallEvent::Ended { call: other, .. }) if call == other => Some(Ok(())),
            (Self::Identified(call), CallEvent::Identified(other)) if call == other => Some(Ok(())),
            (Self::Identified(call), CallEvent::ChangeRefused(other, status)) if call == other => {
                Some(Err(format!("the other side says {}", shown(*status))))
            }
            (Self::InConference(call), CallEvent::InConference { call: other, .. }) if call == other => {
                Some(Ok(()))
            }
            (Self::Signalled(call), CallEvent::DigitAnswered(other, status)) if call == other => {
                Some(if status.is_success() {
                    Ok(())
                } else {
                    Err(format!("the other side says {}; try `dtmf`", shown(*status)))
                })
            }
            (Self::Options(to), CallEvent::Options { to: other, status, .. }) if to == other => {
                Some(match status.code() {
                    408 | 503 => Err("nobody answers there; try another address".to_owned()),
                    _ => Ok(()),
                })
            }
            (Self::Abilities(call), CallEvent::Abilities { call: other, .. }) if call == other => {
                Some(Ok(()))
            }
            (Self::Dialog(call), CallEvent::Dialog { call: other, .. }) if call == other => Some(Ok(())),
            (Self::Watched(_) | Self::Unwatched(_), CallEvent::Watching(event)) => self.judge_watch(event),
            (
                Self::Sounds(call)
                | Self::Established(call)
                | Self::Held(call, _)
                | Self::Identified(call)
                | Self::InConference(call)
                | Self::Signalled(call)
                | Self::Abilities(call)
                | Self::Dialog(call),
                CallEvent::Ended { call: other, outcome, .. },
            ) if call == other => Some(Err(format!("the call is over ({outcome})"))),
            (
                Self::Sounds(call)
                | Self::Established(call)
                | Self::Held(call, _)
                | Self::Transferred(call)
                | Self::Identified(call)
                | Self::InConference(call)
                | Self::Signalled(call)
                | Self::Abilities(call)
                | Self::Dialog(call)
                | Self::Ended(call),
                CallEvent::Impossible(other),
            ) if call == other => Some(Err("that cannot be done in this call now; try `calls`".to_owned())),
            _ => None,
        }
    }

    /// The same of what is told about something that is watched.
    fn judge_watch(&self, event: &WatchEvent) -> Option<Result<(), String>> {
        let (watch, begins) = match self {
            Self::Watched(watch) => (watch, true),
            Self::Unwatched(watch) => (watch, false),
            _ => return None,
        };
        if event.watch() != *watch {
            return None;
        }
        match event {
            WatchEvent::State { .. } | WatchEvent::Pending(_) => begins.then_some(Ok(())),
            WatchEvent::Again { .. } => None,
            WatchEvent::Ended { .. } if !begins => Some(Ok(())),
            WatchEvent::Ended { status: Some(status), .. } => {
                Some(Err(format!("it cannot be watched: {}; try another address", shown(*status))))
            }
            WatchEvent::Ended { status: None, .. } => Some(Err("it was watched and is no longer".to_owned())),
            WatchEvent::Impossible(_) => Some(Err("that cannot be watched; try an address".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_ladder::Kind;
    use cordboard_sip::Status;

    const CALL: CallName = CallName(1);
    const OTHER: CallName = CallName(2);

    #[test]
    fn only_what_happens_in_its_call_counts() {
        let hold = Expect::Held(CALL, true);
        assert_eq!(hold.judge(&CallEvent::HoldChanged(OTHER, true)), None);
        assert_eq!(hold.judge(&CallEvent::HoldChanged(CALL, false)), None);
        assert_eq!(hold.judge(&CallEvent::HoldChanged(CALL, true)), Some(Ok(())));
        let refused = hold.judge(&CallEvent::ChangeRefused(CALL, Status::NOT_ACCEPTABLE_HERE));
        assert!(refused.unwrap().unwrap_err().contains("488"));
        assert!(hold.judge(&CallEvent::Impossible(CALL)).unwrap().is_err());
    }

    #[test]
    fn a_transfer_fails_in_its_word() {
        let event = |outcome, status| CallEvent::Transferred {
            call: CALL,
            kind: Kind::AttendedTransfer,
            outcome,
            status,
            says: "as it was".into(),
        };
        let transfer = Expect::Transferred(CALL);
        assert_eq!(transfer.judge(&event(Outcome::Completed, Some(Status::OK))), Some(Ok(())));
        let busy = transfer.judge(&event(Outcome::TargetBusy, Some(Status::BUSY_HERE)));
        assert_eq!(busy, Some(Err("target-busy: 486 Busy Here".into())));
        assert_eq!(transfer.judge(&event(Outcome::TimedOut, None)), Some(Err("timed-out".into())));
        let ended = CallEvent::Ended { call: CALL, outcome: Outcome::Answered, status: None, by_peer: true };
        assert_eq!(transfer.judge(&ended), None, "how it ended is still told");
        assert!(Expect::Established(CALL).judge(&ended).unwrap().is_err());
        assert_eq!(Expect::Ended(CALL).judge(&ended), Some(Ok(())));
    }
}
