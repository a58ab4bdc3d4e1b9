//! A subscription seen from the side that is watched: RFC 6665 §4.2.2, the figure there.
//!
//! It begins in [`State::RespWait`] with a SUBSCRIBE or a REFER whose package is known; policy then
//! says one of three things. Every 2xx to a SUBSCRIBE is followed by a NOTIFY at once (§4.2.1.2).
//! What [`Act::Notify`] and [`Act::NotifyLast`] ask for is sent by [`notify`](super::notify).

use cordboard_sip::header::{SubReason, SubState, SubscriptionState};
use cordboard_sip::params::Params;

/// What `retry-after` says with `invariant`, in seconds: a year, for subscribers of RFC 3265 that know no
/// better than to come back (RFC 6665 §4.1.3).
pub const INVARIANT_RETRY: u32 = 31_536_000;

/// Where the subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The request waits for its answer.
    RespWait,
    /// Accepted, and somebody has to decide whether the state may be shown.
    Pending,
    /// The state is shown.
    Active,
    /// Over.
    Terminated,
}

impl State {
    /// What `Subscription-State` says of it with so many seconds left (§4.2.2). What it says in the last
    /// NOTIFY is [`Why::header`].
    pub const fn header(self, left: u32) -> SubscriptionState {
        let (state, expires) = match self {
            Self::RespWait | Self::Pending => (SubState::Pending, Some(left)),
            Self::Active => (SubState::Active, Some(left)),
            Self::Terminated => (SubState::Terminated, None),
        };
        SubscriptionState { state, reason: None, expires, retry_after: None, params: Params::new() }
    }
}

/// Why we end it (§4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Another notifier takes over, and the subscriber should come back at once (§4.4.2).
    Deactivated,
    /// Not now; the subscriber should come back later.
    Probation,
    /// Policy no longer allows it, or the decision went against it.
    Rejected,
    /// It was not refreshed, or the subscriber ended it, or only fetched.
    Timeout,
    /// Nobody decided in time.
    Giveup,
    /// What was watched is gone, as a referred request is once it has its final response.
    NoResource,
    /// What is watched will not change any more.
    Invariant,
}

impl Why {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 7] = [
        Self::Deactivated,
        Self::Probation,
        Self::Rejected,
        Self::Timeout,
        Self::Giveup,
        Self::NoResource,
        Self::Invariant,
    ];

    /// What `Subscription-State` says in the last NOTIFY. `retry_after`, in seconds, is told with the
    /// reasons with which it means something (§4.1.3).
    pub fn header(self, retry_after: Option<u32>) -> SubscriptionState {
        let retry_after = match self {
            Self::Probation | Self::Giveup => retry_after,
            Self::Invariant => retry_after.or(Some(INVARIANT_RETRY)),
            Self::Deactivated | Self::Rejected | Self::Timeout | Self::NoResource => None,
        };
        SubscriptionState { retry_after, ..SubscriptionState::terminated(self.into()) }
    }
}

impl From<Why> for SubReason {
    fn from(why: Why) -> Self {
        match why {
            Why::Deactivated => Self::Deactivated,
            Why::Probation => Self::Probation,
            Why::Rejected => Self::Rejected,
            Why::Timeout => Self::Timeout,
            Why::Giveup => Self::Giveup,
            Why::NoResource => Self::NoResource,
            Why::Invariant => Self::Invariant,
        }
    }
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Policy allows it.
    Grant,
    /// Policy has to ask somebody.
    Ask,
    /// The SUBSCRIBE that would begin it only fetches (`Expires: 0`), and policy does not forbid that.
    Fetch,
    /// A SUBSCRIBE inside the subscription that goes on with it.
    Refresh,
    /// A SUBSCRIBE inside it with `Expires: 0`.
    Unsubscribe,
    /// What is watched has changed.
    Changed,
    /// We end it; a request that is not answered yet is refused.
    End(Why),
    /// A NOTIFY was answered 481 or the like ([`reach`](super::failure::reach)), or not at all, or the
    /// dialog is lost together with another usage of it.
    Lost,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 14] = [
        Self::Grant,
        Self::Ask,
        Self::Fetch,
        Self::Refresh,
        Self::Unsubscribe,
        Self::Changed,
        Self::Lost,
        Self::End(Why::Deactivated),
        Self::End(Why::Probation),
        Self::End(Why::Rejected),
        Self::End(Why::Timeout),
        Self::End(Why::Giveup),
        Self::End(Why::NoResource),
        Self::End(Why::Invariant),
    ];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answer the request 200, a SUBSCRIBE with the duration that was granted in `Expires`. Never 202
    /// (§8.3.1, RFC 7647 §5).
    Accept,
    /// Refuse the request that would have begun it, 403 if policy said so (§4.2.1.3).
    Refuse,
    /// Answer a SUBSCRIBE inside it 481: there is no subscription any more.
    RefuseLate,
    /// Keep it for the duration that was granted.
    KeepTime,
    /// Stop the timer that would end it.
    StopTime,
    /// Tell the subscriber how it stands: with the state of what is watched if it is active, with a
    /// neutral one if it is pending (§4.2.2).
    Notify,
    /// Tell the subscriber that it is over, and why.
    NotifyLast(Why),
    /// Forget what is still to be sent.
    Forget,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (RespWait, I::Grant)                    => (Active,     &[Accept, KeepTime, Notify]),
        (RespWait, I::Ask)                      => (Pending,    &[Accept, KeepTime, Notify]),
        (RespWait, I::Fetch)                    => (Terminated, &[Accept, NotifyLast(Why::Timeout)]),
        (RespWait, I::End(_))                   => (Terminated, &[Refuse]),
        (RespWait, I::Lost)                     => (Terminated, &[]),
        (Pending, I::Grant)                     => (Active,     &[Notify]),
        (Pending | Active, I::Refresh)          => (state,      &[Accept, KeepTime, Notify]),
        (Pending | Active, I::Unsubscribe)      => (Terminated, &[Accept, StopTime, NotifyLast(Why::Timeout)]),
        (Active, I::Changed)                    => (Active,     &[Notify]),
        (Pending | Active, I::End(why))         => (Terminated, last(why)),
        (Pending | Active, I::Lost)             => (Terminated, &[StopTime, Forget]),
        (Terminated, I::Refresh | I::Unsubscribe) => (Terminated, &[RefuseLate]),
        // Its last NOTIFY may still wait for the answer to the one before.
        (Terminated, I::Lost)                   => (Terminated, &[Forget]),
        // What changes is not shown before the decision; what is begun or over does not begin.
        (RespWait | Pending | Terminated, I::Changed)
        | (RespWait, I::Refresh | I::Unsubscribe)
        | (Active | Terminated, I::Grant)
        | (Pending | Active | Terminated, I::Ask | I::Fetch)
        | (Terminated, I::End(_))               => (state,      &[]),
    }
}

const fn last(why: Why) -> &'static [Act] {
    use Act::{NotifyLast, StopTime};
    match why {
        Why::Deactivated => &[StopTime, NotifyLast(Why::Deactivated)],
        Why::Probation => &[StopTime, NotifyLast(Why::Probation)],
        Why::Rejected => &[StopTime, NotifyLast(Why::Rejected)],
        Why::Timeout => &[StopTime, NotifyLast(Why::Timeout)],
        Why::Giveup => &[StopTime, NotifyLast(Why::Giveup)],
        Why::NoResource => &[StopTime, NotifyLast(Why::NoResource)],
        Why::Invariant => &[StopTime, NotifyLast(Why::Invariant)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Input as I;
    use {Act::*, State::*};

    type Cell = (State, &'static [Act]);

    // Grant, Ask, Fetch, Refresh, Unsubscribe, Changed, Lost, and End for each reason
    #[test]
    fn every_cell() {
        let row = |state| -> Vec<Cell> { I::ALL.map(|input| step(state, input)).to_vec() };
        let stay: Cell = (RespWait, &[]);
        let mut wait: Vec<Cell> = vec![
            (Active, &[Accept, KeepTime, Notify]),
            (Pending, &[Accept, KeepTime, Notify]),
            (Terminated, &[Accept, NotifyLast(Why::Timeout)]),
            stay,
            stay,
            stay,
            (Terminated, &[]),
        ];
        wait.extend([(Terminated, &[Refuse][..]); 7]);
        assert_eq!(row(RespWait), wait);
        for state in [Pending, Active] {
            let stay: Cell = (state, &[]);
            let pending = state == Pending;
            let stands: [Cell; 7] = [
                if pending { (Active, &[Notify]) } else { stay },
                stay,
                stay,
                (state, &[Accept, KeepTime, Notify]),
                (Terminated, &[Accept, StopTime, NotifyLast(Why::Timeout)]),
                if pending { stay } else { (Active, &[Notify]) },
                (Terminated, &[StopTime, Forget]),
            ];
            assert_eq!(row(state)[..7], stands);
            for why in Why::ALL {
                assert_eq!(step(state, I::End(why)), (Terminated, &[StopTime, NotifyLast(why)][..]));
            }
        }
        let (stay, late): (Cell, Cell) = ((Terminated, &[]), (Terminated, &[RefuseLate]));
        let mut over: Vec<Cell> = vec![stay, stay, stay, late, late, stay, (Terminated, &[Forget])];
        over.extend([stay; 7]);
        assert_eq!(row(Terminated), over);
    }

    #[test]
    fn every_200_is_followed_by_a_notify_and_every_end_by_the_last() {
        for state in [RespWait, Pending, Active, Terminated] {
            for input in I::ALL {
                let (next, acts) = step(state, input);
                let last = acts.iter().any(|act| matches!(act, NotifyLast(_)));
                assert!(!acts.contains(&Accept) || last || acts.contains(&Notify), "{state:?} {input:?}");
                if matches!(state, Pending | Active) && next == Terminated {
                    assert!(last || input == I::Lost, "{state:?} {input:?}");
                    assert!(acts.contains(&StopTime), "{state:?} {input:?}");
                }
            }
        }
    }

    #[test]
    fn what_the_header_says() {
        assert_eq!(Active.header(60).to_string(), "active;expires=60");
        assert_eq!(RespWait.header(60), Pending.header(60));
        assert_eq!(Pending.header(0).to_string(), "pending;expires=0");
        assert_eq!(
            Why::ALL.map(|why| why.header(Some(5)).to_string()),
            [
                "terminated;reason=deactivated",
                "terminated;reason=probation;retry-after=5",
                "terminated;reason=rejected",
                "terminated;reason=timeout",
                "terminated;reason=giveup;retry-after=5",
                "terminated;reason=noresource",
                "terminated;reason=invariant;retry-after=5",
            ]
        );
        assert_eq!(Why::Invariant.header(None).retry_after, Some(31_536_000));
    }
}
