//! What an operator has done with people's telephones (RFC 5359 §2.18): each telephone is called, and handed over to
//! whoever its user is to talk with.
//!
//! A REFER outside any call would ask the telephone just that, but few take one. A call is taken by all of them, and its
//! REFER by most; so it is a call, whose two ends [`Connecting`] brings together.

use super::connecting::{Connecting, End, Ended};
use crate::call::{CallAction, CallEvent};
use crate::door::CommandId;
use crate::operate::{Asked, Connect, Operated};
use crate::telephone::verdict::sentence;
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::Status;
use std::collections::{BTreeMap, VecDeque};

/// Connections at a time, those that we stay between included: each has two calls at most.
const MAX_CONNECTIONS: usize = 32;

/// The program.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    connecting: Connecting,
    /// Who waits to be told, by the number of the connection.
    asked: BTreeMap<u64, (CommandId, Kind)>,
    actions: VecDeque<CallAction>,
    answers: VecDeque<(CommandId, Operated)>,
    numbers: u64,
}

impl Operator {
    pub(super) fn hears(&mut self, event: &CallEvent) {
        match event {
            // Whoever was handed over in vain calls back (RFC 5359 §2.4); there is nobody here.
            CallEvent::Incoming { call, .. } => {
                self.actions.push_back(CallAction::Decline(*call, Status::TEMPORARILY_UNAVAILABLE));
            }
            event => self.connecting.hears(event),
        }
        self.learn();
    }

    pub(super) fn poll_action(&mut self) -> Option<CallAction> {
        self.actions.pop_front().or_else(|| self.connecting.poll_action())
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.connecting.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.connecting.poll_timeout()
    }

    /// Somebody is to be called and connected. Told once, when that is done or has failed.
    pub(super) fn connect(&mut self, now: Instant, id: CommandId, connect: &Connect, asked: &Asked) {
        if self.connecting.len() >= MAX_CONNECTIONS {
            let says = format!("{MAX_CONNECTIONS} calls are being placed already: try again");
            return self.answer(id, connect.kind, (Outcome::Failed, None, says.into()));
        }
        self.numbers += 1;
        self.asked.insert(self.numbers, (id, connect.kind));
        self.connecting.begin(now, self.numbers, (&connect.from, &asked.uri), asked.needs);
    }

    /// Whoever wanted it has gone: what has not got far is ended.
    pub(super) fn give_up(&mut self, id: CommandId) {
        if let Some((number, _)) = self.asked.iter().find(|(_, (asked, _))| *asked == id) {
            self.connecting.give_up(*number);
        }
        self.learn();
    }

    /// The next that has come to something, or to nothing.
    pub(super) fn poll_answer(&mut self) -> Option<(CommandId, Operated)> {
        self.answers.pop_front()
    }

    fn learn(&mut self) {
        while let Some((number, ended)) = self.connecting.poll_ended() {
            if let Some((id, kind)) = self.asked.remove(&number) {
                self.answer(id, kind, told(kind, &ended));
            }
        }
    }

    fn answer(&mut self, id: CommandId, kind: Kind, told: (Outcome, Option<Status>, Box<str>)) {
        let (outcome, status, says) = told;
        self.answers.push_back((id, Operated { kind, outcome, status, says }));
    }
}

/// How a connection ended, for whoever has asked for it.
fn told(kind: Kind, ended: &Ended) -> (Outcome, Option<Status>, Box<str>) {
    let report = ended.report.as_ref();
    let status = report.and_then(|report| report.status);
    let of_target = |outcome| {
        let says = report.and_then(|report| report.says.clone());
        (outcome, status, says.unwrap_or_else(|| sentence(outcome, kind, status, None)))
    };
    match ended.end {
        End::Connected => (Outcome::Completed, Some(Status::OK), "the new call is up".into()),
        End::NoAsker => {
            let outcome = report.map_or(Outcome::Failed, |report| report.outcome);
            let says = match outcome {
                Outcome::Busy => "the telephone that was called first is busy",
                Outcome::NoAnswer | Outcome::Cancelled => {
                    "the telephone that was called first was not answered"
                }
                Outcome::Declined => "the telephone that was called first has declined",
                Outcome::NotFound => "there is no telephone of that user",
                _ => "the telephone that was to be called first was not reached",
            };
            // It was cancelled by nobody but us, because nobody answered.
            let outcome = if outcome == Outcome::Cancelled { Outcome::NoAnswer } else { outcome };
            let status = status.filter(|status| !status.is_success());
            let code = status.map(|status| format!(" ({})", status.code())).unwrap_or_default();
            (outcome, status, format!("{says}{code}").into())
        }
        End::AskerLeft => {
            (Outcome::TransfereeLeft, None, sentence(Outcome::TransfereeLeft, kind, None, None))
        }
        End::Unable => {
            let says = "the telephone that was called does not know Join (RFC 3911): call a conference room with it instead";
            (Outcome::Failed, None, says.into())
        }
        End::Busy | End::Failed => of_target(report.map_or(Outcome::Failed, |report| report.outcome)),
        End::GivenUp => (Outcome::Cancelled, None, "it was given up".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::CallName;
    use crate::operate::{Needs, Whom};

    fn connect() -> Connect {
        Connect {
            kind: Kind::ClickToDial,
            from: "sip:alice@example.com".into(),
            to: Whom::Address("sip:bob@example.com".into()),
        }
    }

    fn asked() -> Asked {
        Asked { uri: "sip:bob@example.com".into(), needs: Needs::Nothing }
    }

    /// What nobody answers takes no more room than was said, and what is over none.
    #[test]
    fn what_is_being_placed_is_bounded() {
        let mut operator = Operator::default();
        for id in 0..MAX_CONNECTIONS as u64 {
            operator.connect(Instant::START, CommandId(id), &connect(), &asked());
        }
        assert_eq!(operator.poll_answer(), None);
        operator.connect(Instant::START, CommandId(1_000), &connect(), &asked());
        let (id, refused) = operator.poll_answer().unwrap();
        assert_eq!((id, refused.outcome), (CommandId(1_000), Outcome::Failed));
        operator.give_up(CommandId(0));
        let (id, given_up) = operator.poll_answer().unwrap();
        assert_eq!((id, given_up.outcome), (CommandId(0), Outcome::Cancelled));
        operator.connect(Instant::START, CommandId(1_001), &connect(), &asked());
        assert_eq!(operator.poll_answer(), None);
        assert_eq!(operator.asked.len(), MAX_CONNECTIONS);
    }

    /// Without room for a call nobody waits for an answer.
    #[test]
    fn what_cannot_be_dialled_is_told() {
        let mut operator = Operator::default();
        operator.connect(Instant::START, CommandId(7), &connect(), &asked());
        assert!(matches!(operator.poll_action(), Some(CallAction::DialFor { call: CallName(1), .. })));
        operator.hears(&CallEvent::Impossible(CallName(1)));
        let (id, told) = operator.poll_answer().unwrap();
        assert_eq!((id, told.outcome), (CommandId(7), Outcome::Failed));
    }
}
