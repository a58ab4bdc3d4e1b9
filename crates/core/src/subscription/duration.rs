//! How long a subscription lasts: what the notifier grants (RFC 6665 §4.2.1.1), and what the
//! subscriber knows of it and does about it (§4.1.2.2, §4.1.3).

use crate::time::Instant;
use crate::timing::Timing;
use std::time::Duration;

/// Below this a notifier may refuse with 423 what is too brief for it, never above (§4.2.1.1): 1 h, in
/// seconds.
pub const BRIEF: u32 = 3_600;

/// Refreshes follow each other at this distance at least; a subscription that is too short for it runs
/// out. A notifier that grants no time at all must not have us subscribe without pause.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What a notifier grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// For requests that ask for no duration; the event package says how long, in seconds.
    pub default: u32,
    /// The least, in seconds.
    pub least: u32,
    /// The most, in seconds.
    pub most: u32,
}

/// The duration that was asked for is too brief: 423 with this in `Min-Expires`, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subscription must last {0} seconds at least")]
pub struct TooBrief(pub u32);

impl Terms {
    /// The duration that is granted to whoever asks for `asked` seconds in `Expires`: shorter at most,
    /// and never longer. 0 is granted always, for it ends a subscription or fetches.
    pub const fn grant(&self, asked: Option<u32>) -> Result<u32, TooBrief> {
        match asked {
            Some(seconds) if 0 < seconds && seconds < BRIEF && seconds < self.least => {
                Err(TooBrief(if self.least < BRIEF { self.least } else { BRIEF }))
            }
            Some(seconds) if seconds < self.most => Ok(seconds),
            Some(_) => Ok(self.most),
            None => Ok(self.default),
        }
    }
}

/// What a subscriber knows of the end of its subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// What the request that is out asked for, until a NOTIFY or a 2xx says what is granted.
    asked: Option<Duration>,
    /// A NOTIFY since that request has said when the end is.
    notified: bool,
    ends: Option<Instant>,
    refresh: Option<Instant>,
}

impl Lifetime {
    /// A request went out that asks for `seconds`; REFER names no duration (RFC 3515 §2.4.4).
    pub fn requested(seconds: Option<u32>) -> Self {
        Self { asked: seconds.map(whole), notified: false, ends: None, refresh: None }
    }

    /// A refresh went out that asks for `seconds`. The end that is known holds until it is answered.
    pub fn refreshing(&mut self, seconds: u32) {
        self.asked = Some(whole(seconds));
        self.notified = false;
        self.refresh = None;
    }

    /// A 2xx came, with that in `Expires`. A NOTIFY that overtook it has said it already, and its word
    /// is the authoritative one (§4.1.3).
    pub fn answered(&mut self, now: Instant, expires: Option<u32>, timing: &Timing) {
        if !self.notified {
            self.agree(now, expires, timing);
        }
    }

    /// A NOTIFY came, with that in `expires` of `Subscription-State`. Without it, as from notifiers of
    /// RFC 3265, what was known before holds.
    pub fn notified(&mut self, now: Instant, expires: Option<u32>, timing: &Timing) {
        if expires.is_some() || (self.ends.is_none() && self.asked.is_some()) {
            self.agree(now, expires, timing);
        }
        self.notified |= expires.is_some();
    }

    /// A refresh was refused and the subscription goes on: one more, halfway to its end, unless that
    /// is too near for Timer N to pass.
    pub fn refused(&mut self, now: Instant, timing: &Timing) {
        self.refresh = self
            .ends
            .map(|end| end.since(now) / 2)
            .filter(|half| *half > timing.give_up())
            .map(|half| now + half);
    }

    /// When to refresh; never, if nobody has said how long it lasts or a refresh is out.
    pub const fn refresh_at(&self) -> Option<Instant> {
        self.refresh
    }

    /// When it is over unless it is refreshed.
    pub const fn ends_at(&self) -> Option<Instant> {
        self.ends
    }

    fn agree(&mut self, now: Instant, granted: Option<u32>, timing: &Timing) {
        // The notifier must not lengthen it (§4.2.1.1, §4.2.2); if it does, we come back when we said.
        let length = match (granted.map(whole), self.asked) {
            (Some(granted), Some(asked)) => granted.min(asked),
            (Some(length), None) | (None, Some(length)) => length,
            (None, None) => return,
        };
        self.ends = Some(now + length);
        let wait = refresh_after(length, timing);
        self.refresh = (wait >= PAUSE).then(|| now + wait);
    }
}

/// When to refresh a subscription of that length: so early that Timer N passes twice before the end,
/// or at half time if it is short. The standard leaves it open (§4.1.2.2: "at any time before").
pub fn refresh_after(length: Duration, timing: &Timing) -> Duration {
    length.saturating_sub((timing.give_up() * 2).min(length / 2))
}

const fn whole(seconds: u32) -> Duration {
    Duration::from_secs(seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::START;

    fn at(seconds: u64) -> Instant {
        START + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_granted() {
        let terms = Terms { default: 3_600, least: 60, most: 7_200 };
        assert_eq!(terms.grant(None), Ok(3_600));
        assert_eq!(terms.grant(Some(0)), Ok(0));
        assert_eq!(terms.grant(Some(59)), Err(TooBrief(60)));
        assert_eq!(terms.grant(Some(60)), Ok(60));
        assert_eq!(terms.grant(Some(86_400)), Ok(7_200));
        // An hour is never too brief.
        let long = Terms { default: 86_400, least: 7_200, most: 86_400 };
        assert_eq!(long.grant(Some(3_599)), Err(TooBrief(3_600)));
        assert_eq!(long.grant(Some(3_600)), Ok(3_600));
    }

    #[test]
    fn the_word_of_the_notify_holds_whichever_comes_first() {
        let timing = Timing::default();
        let mut one = Lifetime::requested(Some(3_600));
        one.answered(START, Some(3_000), &timing);
        assert_eq!(one.ends_at(), Some(at(3_000)));
        one.notified(START, Some(600), &timing);
        let mut other = Lifetime::requested(Some(3_600));
        other.notified(START, Some(600), &timing);
        other.answered(START, Some(3_000), &timing);
        for life in [one, other] {
            assert_eq!((life.ends_at(), life.refresh_at()), (Some(at(600)), Some(at(536))));
        }
    }

    #[test]
    fn a_notify_without_a_duration_changes_none() {
        let timing = Timing::default();
        let mut life = Lifetime::requested(Some(3_600));
        life.answered(START, Some(60), &timing);
        life.notified(at(10), None, &timing);
        assert_eq!((life.ends_at(), life.refresh_at()), (Some(at(60)), Some(at(30))));
        // It overtakes the 200: what was asked for holds until the 200 says less.
        let mut life = Lifetime::requested(Some(3_600));
        life.notified(START, None, &timing);
        assert_eq!(life.ends_at(), Some(at(3_600)));
        life.answered(START, Some(60), &timing);
        assert_eq!(life.ends_at(), Some(at(60)));
        // Nobody has said anything of a REFER's.
        let mut life = Lifetime::requested(None);
        life.notified(START, None, &timing);
        assert_eq!((life.ends_at(), life.refresh_at()), (None, None));
        life.notified(at(1), Some(180), &timing);
        assert_eq!(life.ends_at(), Some(at(181)));
    }

    #[test]
    fn a_refresh_leaves_the_old_end_until_it_is_answered() {
        let timing = Timing::default();
        let mut life = Lifetime::requested(Some(600));
        life.answered(START, Some(600), &timing);
        life.refreshing(600);
        assert_eq!((life.ends_at(), life.refresh_at()), (Some(at(600)), None));
        life.refused(at(400), &timing);
        assert_eq!((life.ends_at(), life.refresh_at()), (Some(at(600)), Some(at(500))));
        life.refused(at(550), &timing);
        assert_eq!(life.refresh_at(), None, "no time for another");
        life.refreshing(600);
        life.answered(at(560), None, &timing);
        assert_eq!(life.ends_at(), Some(at(1_160)));
    }

    #[test]
    fn nobody_lengthens_what_we_asked_for() {
        let timing = Timing::default();
        let mut life = Lifetime::requested(Some(60));
        life.answered(START, Some(u32::MAX), &timing);
        assert_eq!(life.ends_at(), Some(at(60)));
        for (granted, refresh) in [(0, None), (1, None), (2, Some(at(1)))] {
            let mut life = Lifetime::requested(Some(60));
            life.notified(START, Some(granted), &timing);
            assert_eq!((life.ends_at(), life.refresh_at()), (Some(at(granted.into())), refresh));
        }
    }
}
