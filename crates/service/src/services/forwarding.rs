//! Forwarding: RFC 5359 §2.7 (always), §2.8 (busy) and §2.9 (no answer).

use super::find_me::{MAX_RINGS, MIN_RINGS};
use super::{Place, RuleError};
use cordboard_sip::Status;
use cordboard_sip::header::DiversionReason;
use std::time::Duration;

/// How often one call is forwarded at most, here and elsewhere together, as far as its Diversion and History-Info tell.
/// Telephone networks stop at five, too.
pub const MAX_FORWARDED: u32 = 5;

/// Where calls for a user go instead of to the user's phones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// All of them.
    pub always: Option<Place>,
    /// Those that find the user busy.
    pub busy: Option<Place>,
    /// Those that nobody answers, or that find no phone.
    pub no_answer: Option<NoAnswer>,
    /// How they get there.
    pub by: Carriage,
}

/// Where calls go that nobody answers, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoAnswer {
    /// Where to.
    pub to: Place,
    /// For how long the user's phones ring before.
    pub after: Duration,
}

/// How a forwarded call gets to where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carriage {
    /// The switchboard sends it on, as RFC 5359 draws it.
    #[default]
    Proxied,
    /// The caller is told where to call, by a 302. The caller learns the address, and pays for the call.
    Redirected,
}

/// On what occasion somebody has calls forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Always (RFC 5359 §2.7).
    Always,
    /// When they are busy (§2.8).
    Busy,
    /// When nobody answers (§2.9).
    NoAnswer,
}

/// Why a call is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// All calls are.
    Always,
    /// The user was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The user is looked for.
    FindMe,
}

impl Cause {
    /// As Diversion says it (RFC 5806 §4).
    pub(crate) const fn diversion(self) -> DiversionReason {
        match self {
            Self::Always => DiversionReason::Unconditional,
            Self::Busy => DiversionReason::UserBusy,
            Self::NoAnswer => DiversionReason::NoAnswer,
            Self::FindMe => DiversionReason::FollowMe,
        }
    }

    /// The status with which the user's own phones ended the call, as History-Info tells it: a time that is up counts
    /// as a 408 (RFC 7044 §10.2).
    pub(crate) const fn status(self) -> Option<Status> {
        match self {
            Self::Always | Self::FindMe => None,
            Self::Busy => Some(Status::BUSY_HERE),
            Self::NoAnswer => Some(Status::REQUEST_TIMEOUT),
        }
    }
}

/// How the phones of a user ended a call, as far as that decides where it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// There was none yet.
    #[default]
    Nothing,
    /// Otherwise: no rule speaks of it, and the caller is told.
    Otherwise,
    /// No phone was there, or it could not be reached.
    Absent,
    /// A phone was busy.
    Busy,
    /// It rang until the time was up.
    Unanswered,
}

impl Ending {
    /// What a final response of a phone says.
    pub(crate) const fn of(status: Status) -> Self {
        match status.code() {
            486 => Self::Busy,
            // Gone, its connection dead, or silent: what a next hop says of a phone that is not there.
            408 | 410 | 430 | 480 | 500 | 502..=504 => Self::Absent,
            487 => Self::Unanswered,
            _ => Self::Otherwise,
        }
    }

    /// Several phones: who let it ring says more than who was busy, and that more than who was not there.
    pub(crate) fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Forwarding {
    /// Whether nothing is forwarded.
    pub fn is_empty(&self) -> bool {
        self.always.is_none() && self.busy.is_none() && self.no_answer.is_none()
    }

    /// Where a call goes that has ended so at the user's phones, and why.
    pub(crate) fn after(&self, ending: Ending) -> Option<(&Place, Cause)> {
        match ending {
            Ending::Busy => self.busy.as_ref().map(|place| (place, Cause::Busy)),
            Ending::Absent | Ending::Unanswered => {
                self.no_answer.as_ref().map(|rule| (&rule.to, Cause::NoAnswer))
            }
            Ending::Nothing | Ending::Otherwise => None,
        }
    }

    pub(super) fn check(&self, user: &str, known: &impl Fn(&str) -> bool) -> Result<(), RuleError> {
        let no_answer = self.no_answer.as_ref();
        for place in
            [self.always.as_ref(), self.busy.as_ref(), no_answer.map(|rule| &rule.to)].into_iter().flatten()
        {
            if matches!(place, Place::User(name) if **name == *user) {
                return Err(RuleError::Itself(user.into()));
            }
            place.check(known)?;
        }
        match no_answer {
            Some(rule) if rule.after < MIN_RINGS || rule.after > MAX_RINGS => {
                Err(RuleError::Time(rule.after.as_secs()))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_follows_from_what_the_phones_said() {
        let place = |name: &str| Place::User(name.into());
        let forwarding = Forwarding {
            busy: Some(place("b")),
            no_answer: Some(NoAnswer { to: place("n"), after: Duration::from_secs(20) }),
            ..Forwarding::default()
        };
        let goes = |statuses: &[u16]| {
            let ending = statuses
                .iter()
                .map(|code| Ending::of(Status::new(*code).unwrap()))
                .fold(Ending::Nothing, Ending::and);
            forwarding.after(ending).map(|(place, cause)| (place.to_string(), cause))
        };
        let busy = Some(("b".to_owned(), Cause::Busy));
        let no_answer = Some(("n".to_owned(), Cause::NoAnswer));
        assert_eq!(goes(&[486]), busy);
        assert_eq!(goes(&[480]), no_answer);
        assert_eq!(goes(&[408, 486]), busy, "one is not there, the other is busy");
        assert_eq!(goes(&[486, 487]), no_answer, "one was busy, the other rang in vain");
        assert_eq!(goes(&[503]), no_answer);
        for decided in [404, 415, 488, 302, 401] {
            assert_eq!(goes(&[decided]), None, "{decided}");
        }
        assert_eq!(goes(&[]), None);
    }

    #[test]
    fn a_time_has_bounds() {
        let after = |seconds| {
            let rule = NoAnswer { to: Place::User("carol".into()), after: Duration::from_secs(seconds) };
            let forwarding = Forwarding { no_answer: Some(rule), ..Forwarding::default() };
            forwarding.check("bob", &|_: &str| true)
        };
        assert_eq!((after(0), after(1)), (Err(RuleError::Time(0)), Ok(())));
        let most = MAX_RINGS.as_secs();
        assert_eq!((after(most), after(most + 1)), (Ok(()), Err(RuleError::Time(most + 1))));
    }
}
