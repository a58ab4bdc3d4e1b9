//! What was told so far, for `wait`: each event counts once, and in order.

use std::collections::VecDeque;

use super::report::Report;
use super::verb::Wanted;

/// Events that are kept until somebody waits for them; older ones are forgotten.
const MAX_TOLD: usize = 1024;

/// Every event that can be waited for.
pub(super) const EVENTS: [&str; 49] = [
    "registered",
    "unregistered",
    "not-registered",
    "incoming",
    "refused",
    "dialing",
    "ringing",
    "redirected",
    "established",
    "media",
    "identity",
    "held",
    "unheld",
    "holding",
    "resumed",
    "change-refused",
    "referred",
    "taken-over",
    "called-back",
    "transfer-progress",
    "transferred",
    "ended",
    "digit",
    "hears",
    "played",
    "recorded",
    "asked",
    "message",
    "message-sent",
    "moved",
    "taken-up",
    "offer-answered",
    "identified",
    "joined",
    "in-conference",
    "options",
    "abilities",
    "digit-answered",
    "error-info",
    "peer-features",
    "dialog",
    "redial-waits",
    "redialling",
    "found",
    "parked",
    "watched",
    "watch-pending",
    "watch-again",
    "watch-ended",
];

/// Events that need a call: they do not come any more when the last one is over.
const IN_CALLS: [&str; 17] = [
    "ringing",
    "established",
    "media",
    "identity",
    "held",
    "unheld",
    "holding",
    "resumed",
    "referred",
    "digit",
    "hears",
    "played",
    "identified",
    "in-conference",
    "abilities",
    "digit-answered",
    "dialog",
];

/// What was told and not yet passed by a `wait`.
#[derive(Debug, Default)]
pub(super) struct Told(VecDeque<Report>);

impl Told {
    pub(super) fn add(&mut self, report: Report) {
        if self.0.len() == MAX_TOLD {
            self.0.pop_front();
        }
        self.0.push_back(report);
    }

    /// Whether it was told; if so, it and everything before it has been waited for.
    pub(super) fn take(&mut self, wanted: &Wanted) -> bool {
        let fits = |report: &Report| {
            report.event == wanted.event
                && wanted.fields.iter().all(|(name, value)| report.field(name).as_ref() == Some(value))
        };
        let Some(at) = self.0.iter().position(fits) else { return false };
        self.0.drain(..=at);
        true
    }

    /// Why it will not be told, if no call is left.
    pub(super) fn is_hopeless(&self, wanted: &Wanted) -> Option<String> {
        let last = self.0.iter().rev().find(|report| report.event == "ended")?;
        IN_CALLS.contains(&&*wanted.event).then(|| last.says.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Mood;
    use super::*;
    use std::time::Duration;

    fn report(event: &'static str, call: u32) -> Report {
        Report::new(event, Mood::Plain, format!("[{call}] {event}")).with("call", call)
    }

    fn wanted(event: &str, fields: &[(&str, &str)]) -> Wanted {
        let fields = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Wanted { event: event.into(), fields, patience: Duration::ZERO }
    }

    #[test]
    fn what_was_waited_for_is_past() {
        let mut told = Told::default();
        for event in ["ringing", "established", "hears"] {
            told.add(report(event, 1));
        }
        assert!(told.take(&wanted("established", &[])));
        assert!(!told.take(&wanted("ringing", &[])), "it came before");
        assert!(!told.take(&wanted("hears", &[("call", "2")])));
        assert!(told.take(&wanted("hears", &[("call", "1")])));
    }

    #[test]
    fn nobody_waits_for_what_cannot_come() {
        let mut told = Told::default();
        assert_eq!(told.is_hopeless(&wanted("established", &[])), None);
        told.add(report("ended", 1));
        assert_eq!(told.is_hopeless(&wanted("established", &[])).as_deref(), Some("[1] ended"));
        assert_eq!(told.is_hopeless(&wanted("incoming", &[])), None);
    }

    #[test]
    fn what_nobody_waits_for_is_bounded() {
        let mut told = Told::default();
        (0..3000).for_each(|call| told.add(report("ringing", call)));
        assert_eq!(told.0.len(), MAX_TOLD);
        assert!(IN_CALLS.iter().all(|event| EVENTS.contains(event)));
    }
}
