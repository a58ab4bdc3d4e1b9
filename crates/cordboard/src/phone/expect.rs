//! When a verb is done: what the telephone has to tell before the next one's turn.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallEvent, CallName};

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
            (
                Self::Sounds(call) | Self::Established(call) | Self::Held(call, _),
                CallEvent::Ended { call: other, outcome, .. },
            ) if call == other => Some(Err(format!("the call is over ({outcome})"))),
            (
                Self::Sounds(call)
                | Self::Established(call)
                | Self::Held(call, _)
                | Self::Transferred(call)
                | Self::Ended(call),
                CallEvent::Impossible(other),
            ) if call == other => Some(Err("that cannot be done in this call now; try `calls`".to_owned())),
            _ => None,
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
