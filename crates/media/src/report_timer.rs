//! When reports are due: RFC 3550 §6.3 and Appendix A.7.

use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use std::time::Duration;

/// The shortest interval on average, in seconds (§6.2).
const MIN_TIME: f64 = 5.0;

/// The share of the reports' bandwidth that is for senders (§6.2).
const SENDER_SHARE: f64 = 0.25;

/// e − 3/2: what reconsideration makes intervals longer by (§6.3.1).
const COMPENSATION: f64 = std::f64::consts::E - 1.5;

/// The share of the session's bandwidth that is for reports (§6.2).
const REPORT_SHARE: f64 = 0.05;

/// Octets of UDP and IPv4 headers, which count too (§6.2).
const LOWER_HEADERS: usize = 28;

/// Who takes part, ourselves included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// All of them.
    pub members: u32,
    /// Those that sent sound lately.
    pub senders: u32,
    /// Whether we did, since the report before the last one.
    pub we_sent: bool,
}

/// The variables of §6.3, under their names in words.
#[derive(Clone, Debug)]
pub struct ReportTimer {
    /// `tp`: when we reported last, or joined.
    previous: Instant,
    /// `tn`: when we think of it next.
    next: Instant,
    /// `pmembers`.
    members_before: u32,
    /// `rtcp_bw`, octets a second.
    bandwidth: f64,
    /// `avg_rtcp_size`, octets.
    average_size: f64,
    initial: bool,
}

impl ReportTimer {
    /// We join `now`, in a session of so many octets a second, and our first report has about `size` octets
    /// (§6.3.2).
    pub fn new(now: Instant, session_bandwidth: u32, size: usize, dice: &mut Dice) -> Self {
        let mut timer = Self {
            previous: now,
            next: now,
            members_before: 1,
            bandwidth: (f64::from(session_bandwidth) * REPORT_SHARE).max(1.0),
            average_size: octets(size),
            initial: true,
        };
        timer.next = now + timer.drawn(Group { members: 1, senders: 0, we_sent: false }, dice);
        timer
    }

    /// When [`ReportTimer::is_due`] is to be asked.
    pub const fn next(&self) -> Instant {
        self.next
    }

    /// Whether to report now. If there are more of us than there were, or chance says so, then later: the
    /// interval is reconsidered (§6.3.6).
    pub fn is_due(&mut self, now: Instant, group: Group, dice: &mut Dice) -> bool {
        if self.next > now {
            return false;
        }
        self.members_before = group.members;
        self.next = self.previous + self.drawn(group, dice);
        self.next <= now
    }

    /// We reported with `size` octets.
    pub fn sent(&mut self, now: Instant, size: usize, group: Group, dice: &mut Dice) {
        self.average(size);
        self.previous = now;
        // Drawn before `initial` ends, as A.7 does it.
        self.next = now + self.drawn(group, dice);
        self.initial = false;
    }

    /// Somebody else reported with `size` octets (§6.3.3).
    pub fn received(&mut self, size: usize) {
        self.average(size);
    }

    /// Somebody left: with fewer of us there is room for more reports (§6.3.4).
    pub fn members_left(&mut self, now: Instant, members: u32) {
        if members >= self.members_before {
            return;
        }
        let part = f64::from(members) / f64::from(self.members_before);
        self.next = now + (self.next - now).mul_f64(part);
        let since = (now - self.previous).mul_f64(part);
        self.previous = Instant::from_micros(
            now.as_micros().saturating_sub(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)),
        );
        self.members_before = members;
    }

    /// The interval on average, without chance: five of them without a word make a member gone (§6.3.5).
    pub fn calculated(&self, group: Group) -> Duration {
        self.interval(group, MIN_TIME)
    }

    /// §6.3.1, steps 1 to 3.
    fn interval(&self, group: Group, min: f64) -> Duration {
        let (members, senders) = (f64::from(group.members), f64::from(group.senders));
        let (sharing, share) = match (senders <= members * SENDER_SHARE, group.we_sent) {
            (true, true) => (senders, SENDER_SHARE),
            (true, false) => (members - senders, 1.0 - SENDER_SHARE),
            (false, _) => (members, 1.0),
        };
        let time = self.average_size * sharing / (self.bandwidth * share);
        Duration::from_secs_f64(time.clamp(min, 3600.0))
    }

    /// §6.3.1, steps 2, 4 and 5.
    fn drawn(&self, group: Group, dice: &mut Dice) -> Duration {
        let min = if self.initial { MIN_TIME / 2.0 } else { MIN_TIME };
        let chance = f64::from((dice.bits() >> 32) as u32) / 2_f64.powi(32);
        self.interval(group, min).mul_f64((chance + 0.5) / COMPENSATION)
    }

    fn average(&mut self, size: usize) {
        self.average_size += (octets(size) - self.average_size) / 16.0;
    }
}

fn octets(size: usize) -> f64 {
    u32::try_from(size + LOWER_HEADERS).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Group = Group { members: 2, senders: 2, we_sent: true };

    fn dice() -> Dice {
        Dice::new([9; 32], 0)
    }

    /// Reports in virtual time until `until` seconds; when they were sent.
    fn reports(group: impl Fn(Instant) -> Group, until: u64) -> Vec<f64> {
        let mut dice = dice();
        let mut timer = ReportTimer::new(Instant::START, 8000, 100, &mut dice);
        let mut sent = Vec::new();
        while timer.next() < Instant::from_micros(until * 1_000_000) {
            let now = timer.next();
            if timer.is_due(now, group(now), &mut dice) {
                sent.push(Duration::from_micros(now.as_micros()).as_secs_f64());
                timer.sent(now, 100, group(now), &mut dice);
            }
        }
        sent
    }

    #[test]
    fn the_first_comes_after_half_the_time() {
        for seed in 0..200 {
            let timer = ReportTimer::new(Instant::START, 8000, 100, &mut Dice::new([seed; 32], 0));
            let first = (timer.next() - Instant::START).as_secs_f64();
            assert!((2.5 * 0.5 / COMPENSATION..2.5 * 1.5 / COMPENSATION).contains(&first), "{first}");
        }
    }

    #[test]
    fn two_report_every_five_seconds_on_average_and_never_in_step() {
        let sent = reports(|_| PAIR, 50_000);
        let intervals: Vec<f64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let average = sent.last().unwrap() / f64::from(u32::try_from(sent.len()).unwrap());
        assert!((4.6..5.4).contains(&average), "{average}");
        let shortest = intervals[1..].iter().copied().fold(f64::MAX, f64::min);
        let longest = intervals.iter().copied().fold(0.0, f64::max);
        assert!(shortest >= 5.0 * 0.5 / COMPENSATION && longest <= 5.0 * 1.5 / COMPENSATION + 1e-3);
        assert!(longest - shortest > 3.0, "from {shortest} to {longest}");
    }

    /// Appendix A.7: octets times members over the share of the bandwidth, once that is more than the minimum.
    #[test]
    fn crowds_share_the_bandwidth() {
        let timer = ReportTimer::new(Instant::START, 8000, 72, &mut dice());
        let seconds =
            |members, senders, we_sent| timer.calculated(Group { members, senders, we_sent }).as_secs_f64();
        assert!((seconds(2, 2, true) - 5.0).abs() < 1e-9);
        assert!((seconds(400, 200, true) - 100.0).abs() < 1e-9, "many senders: all of 400 octets a second");
        assert!((seconds(400, 100, true) - 100.0).abs() < 1e-9, "a quarter: 100 octets a second for 100");
        assert!((seconds(401, 1, false) - 133.333).abs() < 1e-3, "300 octets a second for 400");
        assert!((seconds(401, 1, true) - 5.0).abs() < 1e-9, "one sender has enough");
    }

    #[test]
    fn a_growing_group_holds_back() {
        let alone = reports(|_| Group { members: 1, senders: 0, we_sent: false }, 4);
        let crowded = reports(|_| Group { members: 5000, senders: 2500, we_sent: false }, 4);
        assert_eq!(alone.len(), 1);
        assert!(crowded.is_empty(), "the first report is reconsidered: {crowded:?}");
    }

    #[test]
    fn a_shrinking_group_reports_sooner() {
        let mut dice = dice();
        let mut timer = ReportTimer::new(Instant::START, 8000, 100, &mut dice);
        let many = Group { members: 1000, senders: 500, we_sent: true };
        let now = Instant::START + Duration::from_secs(100);
        timer.sent(now, 100, many, &mut dice);
        timer.members_before = many.members;
        let before = timer.next() - now;
        timer.members_left(now, 500);
        let ratio = (timer.next() - now).as_secs_f64() / before.as_secs_f64();
        assert!((ratio - 0.5).abs() < 1e-3, "{ratio}");
        timer.members_left(now, 700);
        assert!(
            ((timer.next() - now).as_secs_f64() / before.as_secs_f64() - ratio).abs() < 1e-9,
            "only fewer"
        );
    }

    #[test]
    fn sizes_are_averaged_over_sixteen() {
        let mut timer = ReportTimer::new(Instant::START, 8000, 72, &mut dice());
        timer.received(72 + 160);
        assert!((timer.average_size - 110.0).abs() < 1e-9);
    }
}
