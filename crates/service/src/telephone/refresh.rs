//! Session timers (RFC 4028): the call ends when nobody refreshes it. INVITE, re-INVITE and UPDATE agree on how long it
//! lasts and who refreshes; the tables are in `core::session::timer`.

use super::Telephone;
use super::call::Change;
use crate::desk::Desk;
use cordboard_core::session::timer::{
    Act, Agreement, Asked, Granted, Input, Least, MAX_RAISES, Policy, State, TooSmall, answer, request,
    settled, step,
};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_sip::header::{MinSe, SessionExpires, Supported};
use cordboard_sip::{Name, Status, View};

/// The session timer of one call.
pub(super) struct Timed {
    state: State,
    agreement: Option<Agreement>,
    /// The interval that our last request asked for, in seconds.
    asked: Option<u32>,
    least: Least,
    /// How often somebody asked for more since the last 2xx.
    raises: u8,
    refresh_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Default for Timed {
    fn default() -> Self {
        Self {
            state: State::Off,
            agreement: None,
            asked: None,
            least: Least::default(),
            raises: 0,
            refresh_at: None,
            ends_at: None,
        }
    }
}

impl Timed {
    /// When it wants to be looked at.
    pub(super) fn due(&self) -> Option<Instant> {
        [self.refresh_at, self.ends_at].into_iter().flatten().min()
    }

    /// What a session refresh request of ours says (§7.1, §7.4).
    pub(super) fn lines(&mut self, policy: Policy) -> Vec<(Name, Box<str>)> {
        if policy.least > SessionExpires::LEAST {
            self.least.heard(&MinSe::new(policy.least));
        }
        let wanted = request(policy.wish, self.agreement, self.least);
        self.asked = wanted.as_ref().map(|wanted| wanted.seconds);
        let Some(wanted) = wanted else { return Vec::new() };
        let mut lines = vec![(Name::SESSION_EXPIRES, wanted.to_string().into())];
        lines.extend(self.least.header().map(|least| (Name::MIN_SE, least.to_string().into())));
        lines
    }

    /// What a 2xx to such a request of ours has settled (§7.2).
    pub(super) fn settled(&mut self, now: Instant, response: &View<'_>) {
        let sent = self.asked.map(|seconds| SessionExpires::new(seconds, None));
        let got = response.header::<SessionExpires>().and_then(Result::ok);
        self.settle(now, settled(sent.as_ref(), got.as_ref()));
    }

    /// What our 2xx to such a request of theirs says, and settles (§9). Without a wish of our own what holds goes on, with the roles as they are.
    pub(super) fn grant(&mut self, now: Instant, theirs: &View<'_>, policy: Policy) -> Vec<(Name, Box<str>)> {
        if let Some(Ok(least)) = theirs.header::<MinSe>() {
            self.least.heard(&least);
        }
        let policy = match self.agreement {
            Some(holds) => {
                Policy { wish: policy.wish.or(Some(holds.interval)), refresh_ourselves: holds.ours, ..policy }
            }
            None => policy,
        };
        // One that is too brief was refused before.
        let granted = grant(theirs, policy).unwrap_or_default();
        let lines = granted.as_ref().map_or_else(Vec::new, |granted| {
            let mut lines = vec![(Name::SESSION_EXPIRES, granted.session_expires.to_string().into())];
            if granted.require {
                lines.push((Name::REQUIRE, "timer".into()));
            }
            lines
        });
        self.settle(now, granted.map(|granted| granted.agreement));
        lines
    }

    /// What was agreed, if anything was.
    pub(super) const fn agreement(&self) -> Option<Agreement> {
        self.agreement
    }

    /// What another process had agreed holds, as if that had been now.
    pub(super) fn take_up(&mut self, now: Instant, agreement: Agreement) {
        self.settle(now, Some(agreement));
    }

    fn settle(&mut self, now: Instant, agreement: Option<Agreement>) {
        self.raises = 0;
        self.agreement = agreement;
        let input = match agreement {
            Some(Agreement { ours: true, .. }) => Input::SettledOurs,
            Some(Agreement { ours: false, .. }) => Input::SettledTheirs,
            None => Input::SettledOff,
        };
        self.feed(now, input);
    }

    /// Whether a 422 asks for more than was known, and not too often (§7.3).
    pub(super) fn raised(&mut self, response: Option<&View<'_>>) -> bool {
        self.raises = self.raises.saturating_add(1);
        let least = response.and_then(View::header::<MinSe>).and_then(Result::ok);
        self.raises <= MAX_RAISES && self.least.raised(least.as_ref())
    }

    /// The call is over.
    pub(super) fn over(&mut self) {
        self.feed(Instant::START, Input::Over);
    }

    /// Feeds the table and does what it says of the timers; the rest is for whoever feeds it.
    fn feed(&mut self, now: Instant, input: Input) -> &'static [Act] {
        let (state, acts) = step(self.state, input);
        self.state = state;
        for act in acts {
            match act {
                Act::SetTimers => {
                    let deadlines = self.agreement.map(|agreement| agreement.deadlines(now));
                    self.refresh_at = deadlines.and_then(|(refresh, _)| refresh);
                    self.ends_at = deadlines.map(|(_, end)| end);
                }
                Act::StopTimers => (self.refresh_at, self.ends_at) = (None, None),
                Act::RetryLater => {
                    self.refresh_at = self.ends_at.map(|end| now + end.since(now) / 2);
                }
                Act::Refresh | Act::Bye => {}
            }
        }
        acts
    }
}

impl Telephone {
    /// Refuses a request whose session interval is shorter than we take (§9). True if it does.
    pub(super) fn is_too_brief(
        &self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
    ) -> bool {
        let Err(TooSmall(least)) = grant(request, self.account.habits.session_timer) else { return false };
        let status = Status::SESSION_INTERVAL_TOO_SMALL;
        let response = desk.response(request, status).line(Name::MIN_SE, least).finish();
        desk.stack.respond(now, server, status, response);
        true
    }

    /// Refreshes the call, or ends it, when it is time (§10).
    pub(super) fn timer_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(call) = self.calls.get_mut(key) else { return };
        if call.timer.ends_at.is_some_and(|due| due <= now) {
            self.advance_timer(desk, now, key, Input::Expiring);
        } else if call.timer.refresh_at.is_some_and(|due| due <= now) {
            call.timer.refresh_at = None;
            self.advance_timer(desk, now, key, Input::Half);
        }
    }

    /// Feeds the table of the session timer and does what it says.
    pub(super) fn advance_timer(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(call) = self.calls.get_mut(key) else { return };
        let acts = call.timer.feed(now, input);
        for act in acts {
            match act {
                // Any change that is accepted refreshes too (§7.2), so that one is enough.
                Act::Refresh if call.changes.is_empty() => call.changes.push_back(Change::Refresh),
                Act::Bye => return self.lost(desk, now, key),
                Act::Refresh | Act::SetTimers | Act::StopTimers | Act::RetryLater => {}
            }
        }
    }
}

/// What we grant to a session refresh request of the other side.
fn grant(theirs: &View<'_>, policy: Policy) -> Result<Option<Granted>, TooSmall> {
    let expires = theirs.header::<SessionExpires>().and_then(Result::ok);
    let min_se = theirs.header::<MinSe>().and_then(Result::ok);
    let asked = Asked {
        supported: theirs.headers::<Supported>().flatten().any(|known| known.contains("timer")),
        session_expires: expires.as_ref(),
        min_se: min_se.as_ref(),
    };
    answer(asked, policy)
}
