//! How far away a switchboard is: the shortest time in which it has answered.

use cordboard_core::time::Instant;
use cordboard_sip::{Method, View};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was asked, and how soon anything was answered.
#[derive(Debug, Default)]
pub(crate) struct Distance {
    /// When, by the branch. None for what was asked again: nobody knows which of the two is answered.
    asked: BTreeMap<Box<str>, Option<Instant>>,
    shortest: Option<Duration>,
}

impl Distance {
    /// A request goes there.
    pub(crate) fn asks(&mut self, now: Instant, request: &View<'_>) {
        if let (true, Some(branch)) = (request.method() != Method::Ack, request.top_via().branch) {
            self.asked.entry(branch.into()).and_modify(|at| *at = None).or_insert(Some(now));
        }
    }

    /// An answer comes from there.
    pub(crate) fn hears(&mut self, now: Instant, response: &View<'_>) {
        let asked = response.top_via().branch.and_then(|branch| self.asked.remove(branch)).flatten();
        let took = asked.map(|at| now.since(at));
        self.shortest = self.shortest.into_iter().chain(took).min();
    }

    /// How long it takes to go there and back, as far as that is known.
    pub(crate) fn round_trip(&self) -> Duration {
        self.shortest.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::START + Duration::from_millis(milliseconds)
    }

    fn text(start: &str, branch: &str) -> String {
        let method = if start.starts_with("ACK") { "ACK" } else { "OPTIONS" };
        format!(
            "{start}\r\nVia: SIP/2.0/UDP here;branch={branch}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n\
             Call-ID: x\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    /// What is asked at a time, and what is answered at another.
    fn told(asked: &[(u64, &str, &str)], answered: &[(u64, &str)]) -> Duration {
        let mut distance = Distance::default();
        for (when, method, branch) in asked {
            let request = text(&format!("{method} sip:c@d SIP/2.0"), branch);
            distance.asks(at(*when), &View::parse(request.as_bytes()).expect("it can be read"));
        }
        for (when, branch) in answered {
            let response = text("SIP/2.0 200 OK", branch);
            distance.hears(at(*when), &View::parse(response.as_bytes()).expect("it can be read"));
        }
        distance.round_trip()
    }

    #[test]
    fn the_shortest_way_there_and_back_counts() {
        let asked = [(0, "OPTIONS", "one"), (100, "OPTIONS", "two")];
        assert_eq!(told(&asked, &[]), Duration::ZERO);
        assert_eq!(told(&asked, &[(90, "one")]), Duration::from_millis(90));
        assert_eq!(told(&asked, &[(90, "one"), (130, "two")]), Duration::from_millis(30));
    }

    #[test]
    fn what_is_asked_again_or_answers_nothing_tells_nothing() {
        let again = [(0, "OPTIONS", "one"), (500, "OPTIONS", "one")];
        assert_eq!(told(&again, &[(510, "one")]), Duration::ZERO);
        assert_eq!(told(&[(0, "ACK", "one")], &[(10, "one"), (20, "two")]), Duration::ZERO);
        assert_eq!(told(&[(0, "OPTIONS", "one")], &[(80, "one"), (90, "one")]), Duration::from_millis(80));
    }
}
