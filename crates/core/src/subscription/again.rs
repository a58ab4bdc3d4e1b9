//! What a subscriber does after the notifier ended its subscription: the reasons of RFC 6665 §4.1.3.

use cordboard_sip::header::SubReason;
use std::time::Duration;

/// How long "some later time" is after `probation` without a `retry-after` (§4.1.3 names none).
pub const PROBATION: Duration = Duration::from_mins(5);

/// Whether and when to subscribe again, always by a new SUBSCRIBE outside the old dialog
/// (§4.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// It is expected, after that time.
    Should(Duration),
    /// It is allowed, after that time, to whoever still wants to know.
    May(Duration),
    /// It will not help.
    Never,
}

/// What `Subscription-State: terminated` asks for with that `reason` and that `retry-after`, in
/// seconds.
///
/// A notifier may say `deactivated` each time; whoever follows must bound how often.
pub const fn again(reason: Option<&SubReason>, retry_after: Option<u32>) -> Again {
    let wait = match retry_after {
        Some(seconds) => Duration::from_secs(seconds as u64),
        None => Duration::ZERO,
    };
    match reason {
        // "retry-after" has no semantics for these.
        Some(SubReason::Deactivated) => Again::Should(Duration::ZERO),
        Some(SubReason::Timeout) => Again::May(Duration::ZERO),
        Some(SubReason::Rejected | SubReason::NoResource | SubReason::Invariant) => Again::Never,
        Some(SubReason::Probation) if retry_after.is_none() => Again::Should(PROBATION),
        Some(SubReason::Probation) => Again::Should(wait),
        Some(SubReason::Giveup | SubReason::Other(_)) | None => Again::May(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_with_and_without_retry_after() {
        let soon = Duration::ZERO;
        let later = Duration::from_secs(20);
        let other = SubReason::Other("expired".into());
        for (reason, without, with) in [
            (Some(&SubReason::Deactivated), Again::Should(soon), Again::Should(soon)),
            (Some(&SubReason::Probation), Again::Should(PROBATION), Again::Should(later)),
            (Some(&SubReason::Rejected), Again::Never, Again::Never),
            (Some(&SubReason::Timeout), Again::May(soon), Again::May(soon)),
            (Some(&SubReason::Giveup), Again::May(soon), Again::May(later)),
            (Some(&SubReason::NoResource), Again::Never, Again::Never),
            (Some(&SubReason::Invariant), Again::Never, Again::Never),
            (Some(&other), Again::May(soon), Again::May(later)),
            (None, Again::May(soon), Again::May(later)),
        ] {
            assert_eq!(again(reason, None), without, "{reason:?}");
            assert_eq!(again(reason, Some(20)), with, "{reason:?}");
        }
    }
}
