//! Session timers: RFC 4028. Who refreshes a session, when, and who ends it if nobody does.
//!
//! [`request`] says what a session refresh request of ours asks for, [`answer`] what ours grants to
//! theirs, and [`settled`] what a 2xx has settled; [`step`] is what happens afterwards. UPDATE and
//! re-INVITE refresh alike, also when they were sent for another reason (§7.2).

use crate::time::Instant;
use cordboard_sip::header::{MinSe, Refresher, SessionExpires};
use std::time::Duration;

/// How often a refresh is sent again because its interval was too small; each 422 has to ask for more
/// than the one before.
pub const MAX_RAISES: u8 = 8;

/// The shortest interval that our timers follow, in seconds. The standard knows none below 90 (§5); a 2xx
/// that says 0 must not have us refresh without pause.
pub const SHORTEST: u32 = 10;

/// What holds for a session: the interval, and who refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The session interval, in seconds.
    pub interval: u32,
    /// Whether we refresh.
    pub ours: bool,
}

impl Agreement {
    /// When the one who refreshes does so: after half the interval (§7.2).
    pub const fn refresh_after(self) -> Duration {
        Duration::from_millis(self.paced() as u64 * 500)
    }

    /// When the one who does not refresh ends the session: before its end by 32 s or by a third of the
    /// interval, whichever is less (§10). Whoever refreshes and gets no 2xx ends it then too.
    pub fn bye_after(self) -> Duration {
        let interval = Duration::from_secs(self.paced().into());
        interval.saturating_sub((interval / 3).min(Duration::from_secs(32)))
    }

    /// Both as points in time, counted from the last 2xx; the refresh only if it is ours.
    pub fn deadlines(self, last_success: Instant) -> (Option<Instant>, Instant) {
        let refresh = self.ours.then(|| last_success + self.refresh_after());
        (refresh, last_success + self.bye_after())
    }

    const fn paced(self) -> u32 {
        if self.interval < SHORTEST { SHORTEST } else { self.interval }
    }
}

/// The least interval that the others on the way of a dialog ask for (§7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Least(Option<u32>);

impl Least {
    /// A session refresh request in the dialog had that `Min-SE`, or a 422 did.
    pub fn heard(&mut self, min_se: &MinSe) {
        self.0 = self.0.max(Some(min_se.seconds));
    }

    /// Whether a 422 with that `Min-SE` asks for more than has been heard so far; if so, try again. One
    /// that does not would have us try for ever.
    pub fn raised(&mut self, min_se: Option<&MinSe>) -> bool {
        let before = *self;
        let Some(min_se) = min_se else { return false };
        self.heard(min_se);
        *self != before && self.seconds() > before.seconds()
    }

    /// In seconds; 90 if nobody said anything (§5).
    pub fn seconds(self) -> u32 {
        self.0.unwrap_or(0).max(SessionExpires::LEAST)
    }

    /// What `Min-SE` says in a session refresh request of ours; nothing if nobody said anything.
    pub fn header(self) -> Option<MinSe> {
        self.0.map(|_| MinSe::new(self.seconds()))
    }
}

/// What a session refresh request of ours asks for (§7.1, §7.4): our wish of so many seconds before
/// anything is settled, and afterwards what holds, with the roles as they are. Never less than the
/// least. `None` asks for no timer.
pub fn request(wish: Option<u32>, holds: Option<Agreement>, least: Least) -> Option<SessionExpires> {
    match (holds, wish) {
        (Some(holds), _) => {
            let refresher = if holds.ours { Refresher::Uac } else { Refresher::Uas };
            Some(SessionExpires::new(holds.interval.max(least.seconds()), Some(refresher)))
        }
        (None, Some(wish)) => Some(SessionExpires::new(wish.max(least.seconds()), None)),
        (None, None) => None,
    }
}

/// What a session refresh request of the other side says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// `timer` is in its Supported.
    pub supported: bool,
    /// Its Session-Expires.
    pub session_expires: Option<&'a SessionExpires>,
    /// Its Min-SE.
    pub min_se: Option<&'a MinSe>,
}

/// What we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The interval that we want, in seconds; `None` if we want no timer of our own.
    pub wish: Option<u32>,
    /// The least that we accept, in seconds; 90 or more.
    pub least: u32,
    /// Whether we refresh where the other side leaves the choice.
    pub refresh_ourselves: bool,
}

/// The interval is too small: 422 with this in `Min-SE`, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session interval must be {0} seconds at least")]
pub struct TooSmall(pub u32);

/// What a 2xx of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The Session-Expires, always with a refresher.
    pub session_expires: SessionExpires,
    /// Whether `timer` has to be in its Require: whenever the other side can do timers (§9: MUST if it
    /// refreshes, SHOULD if we do).
    pub require: bool,
    /// What holds once the 2xx is sent.
    pub agreement: Agreement,
}

/// What we grant to a session refresh request (§9 and its table 2); `None` is a session without timer.
pub fn answer(asked: Asked<'_>, policy: Policy) -> Result<Option<Granted>, TooSmall> {
    let floor = asked.min_se.map_or(0, |min_se| min_se.seconds).max(SessionExpires::LEAST);
    let least = policy.least.max(SessionExpires::LEAST);
    let interval = match (asked.session_expires, policy.wish) {
        (Some(asked_for), _) if asked.supported && asked_for.seconds < least => {
            return Err(TooSmall(least));
        }
        // Shorter if we want, not below the least of anybody on the way, and never longer. A request
        // without `timer` cannot be refused for it, so it is taken as it is.
        (Some(asked_for), Some(wish)) => wish.max(floor).max(least).min(asked_for.seconds),
        (Some(asked_for), None) => asked_for.seconds,
        (None, Some(wish)) if asked.supported => wish.max(floor).max(least),
        (None, Some(_) | None) => return Ok(None),
    };
    let wanted = asked.session_expires.and_then(|asked| asked.refresher);
    let refresher = match wanted {
        _ if !asked.supported => Refresher::Uas,
        Some(refresher) => refresher,
        None if policy.refresh_ourselves => Refresher::Uas,
        None => Refresher::Uac,
    };
    Ok(Some(Granted {
        session_expires: SessionExpires::new(interval, Some(refresher)),
        require: asked.supported,
        agreement: Agreement { interval, ours: refresher == Refresher::Uas },
    }))
}

/// What a 2xx to a session refresh request of ours has settled (§7.2); `None` is a session without
/// timer, also if it had one. `sent` is the Session-Expires that we sent, `got` the one that came.
///
/// If the other side does not know session timers, we go on by ourselves with what we asked for.
pub fn settled(sent: Option<&SessionExpires>, got: Option<&SessionExpires>) -> Option<Agreement> {
    match (got, sent) {
        (Some(got), _) => {
            Some(Agreement { interval: got.seconds, ours: got.refresher != Some(Refresher::Uas) })
        }
        (None, Some(sent)) => Some(Agreement { interval: sent.seconds, ours: true }),
        (None, None) => None,
    }
}

/// Where the timer of a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none.
    Off,
    /// We refresh, and it is not time yet.
    Ours,
    /// Our refresh is out.
    Refreshing,
    /// They refresh.
    Theirs,
    /// The session was ended, or is over for another reason.
    Over,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A 2xx, theirs or ours, settled that we refresh.
    SettledOurs,
    /// A 2xx settled that they refresh.
    SettledTheirs,
    /// A 2xx settled that there is no timer.
    SettledOff,
    /// Half the interval has passed.
    Half,
    /// The session is about to expire ([`Agreement::bye_after`]).
    Expiring,
    /// Our refresh was answered 422, and [`Least::raised`] says that it is worth another try, for at
    /// most [`MAX_RAISES`] times.
    TooSmall,
    /// Our refresh was refused otherwise.
    Refused,
    /// It was answered 408 or 481, or not at all (§10).
    Lost,
    /// The call is over.
    Over,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 9] = [
        Self::SettledOurs,
        Self::SettledTheirs,
        Self::SettledOff,
        Self::Half,
        Self::Expiring,
        Self::TooSmall,
        Self::Refused,
        Self::Lost,
        Self::Over,
    ];
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Set both timers anew, from the 2xx that has just come or gone.
    SetTimers,
    /// Stop them.
    StopTimers,
    /// Send UPDATE, or re-INVITE to whoever does not allow that (§7.4), with what [`request`] says.
    Refresh,
    /// Try again halfway to the end: only a 2xx extends the session, and the same request at once
    /// would be refused again (§10).
    RetryLater,
    /// End the call with BYE, and tell that nobody refreshed it.
    Bye,
}

/// The rules as a table (§10).
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, State::*};
    use Input as I;
    match (state, input) {
        (Off | Ours | Refreshing | Theirs, I::SettledOurs)   => (Ours,       &[SetTimers]),
        (Off | Ours | Refreshing | Theirs, I::SettledTheirs) => (Theirs,     &[SetTimers]),
        (Ours | Refreshing | Theirs, I::SettledOff)          => (Off,        &[StopTimers]),
        (Ours, I::Half)                                      => (Refreshing, &[Refresh]),
        (Refreshing, I::TooSmall)                            => (Refreshing, &[Refresh]),
        (Refreshing, I::Refused)                             => (Ours,       &[RetryLater]),
        (Refreshing, I::Lost) | (Ours | Refreshing | Theirs, I::Expiring) => (State::Over, &[StopTimers, Bye]),
        (Ours | Refreshing | Theirs, I::Over)                => (State::Over, &[StopTimers]),
        (Off, I::Over)                                       => (State::Over, &[]),
        // Answers to nothing, timers that were stopped.
        (Off | State::Over, I::SettledOff | I::Expiring)
        | (State::Over, I::SettledOurs | I::SettledTheirs | I::Over)
        | (Off | Refreshing | Theirs | State::Over, I::Half)
        | (Off | Ours | Theirs | State::Over, I::TooSmall | I::Refused | I::Lost) => (state, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell() {
        use {Act::*, State::*};
        type Cell = (State, &'static [Act]);
        let row = |state| Input::ALL.map(|input| step(state, input));
        // SettledOurs, SettledTheirs, SettledOff, Half, Expiring, TooSmall, Refused, Lost, Over
        let (ours, theirs): (Cell, Cell) = ((Ours, &[SetTimers]), (Theirs, &[SetTimers]));
        let (off, bye): (Cell, Cell) = ((Off, &[StopTimers]), (Over, &[StopTimers, Bye]));
        let (over, refresh): (Cell, Cell) = ((Over, &[StopTimers]), (Refreshing, &[Refresh]));
        let stay: Cell = (Off, &[]);
        assert_eq!(row(Off), [ours, theirs, stay, stay, stay, stay, stay, stay, (Over, &[][..])]);
        let stay: Cell = (Ours, &[]);
        assert_eq!(row(Ours), [ours, theirs, off, refresh, bye, stay, stay, stay, over]);
        let (stay, retry): (Cell, Cell) = ((Refreshing, &[]), (Ours, &[RetryLater]));
        assert_eq!(row(Refreshing), [ours, theirs, off, stay, bye, refresh, retry, bye, over]);
        let stay: Cell = (Theirs, &[]);
        assert_eq!(row(Theirs), [ours, theirs, off, stay, bye, stay, stay, stay, over]);
        assert_eq!(row(Over), [(Over, &[][..]); 9]);
    }

    const POLICY: Policy = Policy { wish: Some(1_800), least: 90, refresh_ourselves: false };

    fn asked(supported: bool, session_expires: Option<&SessionExpires>) -> Asked<'_> {
        Asked { supported, session_expires, min_se: None }
    }

    /// §9, table 2.
    #[test]
    fn who_refreshes() {
        use Refresher::{Uac, Uas};
        for (supported, wanted, ourselves, expected) in [
            (false, None, false, Uas),
            (false, None, true, Uas),
            (true, None, false, Uac),
            (true, None, true, Uas),
            (true, Some(Uac), true, Uac),
            (true, Some(Uas), false, Uas),
        ] {
            let expires = SessionExpires::new(1_800, wanted);
            let policy = Policy { refresh_ourselves: ourselves, ..POLICY };
            let granted = answer(asked(supported, Some(&expires)), policy).unwrap().unwrap();
            assert_eq!(granted.session_expires.refresher, Some(expected), "{supported} {wanted:?}");
            assert_eq!(granted.require, supported);
            assert_eq!(granted.agreement.ours, expected == Uas);
        }
    }

    #[test]
    fn the_interval_is_never_longer_than_asked_nor_shorter_than_anybody_takes() {
        let interval = |asked, policy| {
            answer(asked, policy).map(|granted| granted.map(|granted| granted.agreement.interval))
        };
        let hour = SessionExpires::new(3_600, None);
        let brief = SessionExpires::new(60, None);
        assert_eq!(interval(asked(true, Some(&hour)), POLICY), Ok(Some(1_800)));
        let min_se = MinSe::new(2_400);
        let floor = Asked { min_se: Some(&min_se), ..asked(true, Some(&hour)) };
        assert_eq!(interval(floor, POLICY), Ok(Some(2_400)));
        let long = Policy { wish: Some(7_200), ..POLICY };
        assert_eq!(interval(asked(true, Some(&hour)), long), Ok(Some(3_600)));
        let none = Policy { wish: None, ..POLICY };
        assert_eq!(interval(asked(true, Some(&hour)), none), Ok(Some(3_600)));
        // Too small: 422, but only to whoever understands it.
        assert_eq!(interval(asked(true, Some(&brief)), POLICY), Err(TooSmall(90)));
        let strict = Policy { least: 600, ..POLICY };
        assert_eq!(interval(asked(true, Some(&brief)), strict), Err(TooSmall(600)));
        assert_eq!(interval(asked(false, Some(&brief)), POLICY), Ok(Some(60)));
        // Nothing asked for: ours, if they can.
        assert_eq!(interval(asked(true, None), POLICY), Ok(Some(1_800)));
        assert_eq!(interval(asked(false, None), POLICY), Ok(None));
        assert_eq!(interval(asked(true, None), none), Ok(None));
    }

    #[test]
    fn what_a_2xx_settles() {
        let sent = SessionExpires::new(1_800, None);
        let got = SessionExpires::new(600, Some(Refresher::Uas));
        assert_eq!(settled(Some(&sent), Some(&got)), Some(Agreement { interval: 600, ours: false }));
        let got = SessionExpires::new(600, Some(Refresher::Uac));
        assert_eq!(settled(None, Some(&got)), Some(Agreement { interval: 600, ours: true }));
        assert_eq!(settled(Some(&sent), None), Some(Agreement { interval: 1_800, ours: true }));
        assert_eq!(settled(None, None), None);
    }

    #[test]
    fn half_for_the_refresh_and_a_third_or_32_s_before_the_end() {
        let long = Agreement { interval: 1_800, ours: true };
        assert_eq!(long.refresh_after().as_secs(), 900);
        assert_eq!(long.bye_after().as_secs(), 1_768);
        let brief = Agreement { interval: 90, ours: false };
        assert_eq!(brief.bye_after().as_secs(), 60);
        assert_eq!(brief.deadlines(Instant::START).0, None);
        let (refresh, end) = long.deadlines(Instant::START);
        assert_eq!((refresh.map(Instant::as_millis), end.as_millis()), (Some(900_000), 1_768_000));
        for interval in 0..200 {
            let agreement = Agreement { interval, ours: true };
            assert!(agreement.refresh_after() <= agreement.bye_after());
            assert!(agreement.refresh_after().as_secs() >= 5, "no flood of refreshes");
        }
    }

    /// §13: two proxies refuse 50 s and then 3600 s; §7.4 has the largest carried along.
    #[test]
    fn the_example_of_the_standard() {
        let mut least = Least::default();
        assert_eq!(least.header(), None);
        assert!(least.raised(Some(&MinSe::new(3_600))));
        let first = request(Some(50), None, least).unwrap();
        assert_eq!((first.seconds, least.header()), (3_600, Some(MinSe::new(3_600))));
        assert!(least.raised(Some(&MinSe::new(4_000))));
        let second = request(Some(50), None, least).unwrap();
        assert_eq!((second, least.header()), (SessionExpires::new(4_000, None), Some(MinSe::new(4_000))));
        // The same once more, less, or nothing: no further try.
        for useless in [Some(MinSe::new(4_000)), Some(MinSe::new(90)), None] {
            assert!(!least.raised(useless.as_ref()));
        }
        let holds = Agreement { interval: 1_800, ours: false };
        let refresh = request(None, Some(holds), least).unwrap();
        assert_eq!(refresh, SessionExpires::new(4_000, Some(Refresher::Uas)));
        assert_eq!(request(None, None, least), None);
    }
}
