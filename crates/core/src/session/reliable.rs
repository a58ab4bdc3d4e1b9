//! Reliable provisional responses: RFC 3262.
//!
//! The side that answers sends one at a time ([`step`]), numbers them ([`Numbers`]) and repeats each
//! until its PRACK comes ([`Repeat`]). The side that called takes them in order ([`Order`]); its PRACK
//! is a request like any other and repeats itself.

use crate::dice::Dice;
use crate::time::Instant;
use crate::timing::Timing;
use cordboard_sip::header::{RAck, Require, Supported};
use cordboard_sip::{Method, Status, View};
use std::time::Duration;

/// What the INVITE said of `100rel` (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: no provisional response may be reliable.
    No,
    /// It is in Supported: each may be.
    Supported,
    /// It is in Require: each must be, except 100, or the INVITE is refused with 420.
    Required,
}

impl Asked {
    /// What an INVITE says.
    pub fn of(invite: &View<'_>) -> Self {
        let required = invite.headers::<Require>().flatten().any(|require| require.contains("100rel"));
        let supported = invite.headers::<Supported>().flatten().any(|known| known.contains("100rel"));
        match (required, supported) {
            (true, _) => Self::Required,
            (false, true) => Self::Supported,
            (false, false) => Self::No,
        }
    }

    /// Whether a response with that status has to be, or may be, sent reliably; `wanted` is our own
    /// wish. Only 101 to 199 can (§3).
    pub const fn reliably(self, status: Status, wanted: bool) -> bool {
        let can = 100 < status.code() && status.code() < 200;
        can && match self {
            Self::No => false,
            Self::Supported => wanted,
            Self::Required => true,
        }
    }
}

/// Where the reliable provisional responses to one INVITE stand, on the side that answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// None waits for its PRACK.
    Free,
    /// One waits for its PRACK.
    Unacknowledged,
    /// One with a session description waits for its PRACK: no 2xx may go out before that came.
    Described,
    /// The same, and the INVITE is to be answered 2xx once it came.
    Answering,
    /// The INVITE has its final response, and a PRACK may still come.
    Final,
    /// That PRACK has come, or none was missing.
    Over,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A reliable provisional response is to be sent.
    Provisional,
    /// One with a session description is.
    ProvisionalDescribed,
    /// The INVITE is to be answered 2xx.
    Succeed,
    /// It is to be refused.
    Fail,
    /// A PRACK for the response that is out ([`acknowledges`]).
    Prack,
    /// A PRACK for no such response.
    StrayPrack,
    /// 64·T1 have passed without PRACK ([`Due::GiveUp`]).
    TooLate,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 7] = [
        Self::Provisional,
        Self::ProvisionalDescribed,
        Self::Succeed,
        Self::Fail,
        Self::Prack,
        Self::StrayPrack,
        Self::TooLate,
    ];
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send the response with the next number, and `100rel` in Require.
    Send,
    /// Repeat it until its PRACK comes.
    StartRepeating,
    /// Stop that.
    StopRepeating,
    /// Keep it until the one that is out is acknowledged.
    Queue,
    /// Hand in the next that was kept, if there is one.
    Next,
    /// Forget those that were kept: none may follow a final response.
    DropQueue,
    /// Answer the PRACK 200.
    AcceptPrack,
    /// Answer the PRACK 481.
    RefusePrack,
    /// Answer the INVITE 2xx.
    Answer,
    /// Refuse the INVITE as was wanted.
    Refuse,
    /// Refuse the INVITE with 504: the caller does not acknowledge (§3: "a 5xx response").
    GiveUp,
}

/// The rules of the side that answers, as a table (§3).
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Free, Provisional)                     => (Unacknowledged, &[Send, StartRepeating]),
        (Free, ProvisionalDescribed)            => (Described,      &[Send, StartRepeating]),
        (Unacknowledged | Described, Provisional | ProvisionalDescribed) => (state, &[Queue]),
        (Unacknowledged | Described, Prack)     => (Free,           &[StopRepeating, AcceptPrack, Next]),
        (Answering, Prack)                      => (Over,           &[StopRepeating, AcceptPrack, Answer]),
        (Final, Prack)                          => (Over,           &[AcceptPrack]),
        (Free, Succeed)                         => (Over,           &[Answer]),
        (Unacknowledged, Succeed)               => (Final,          &[StopRepeating, DropQueue, Answer]),
        (Described, Succeed)                    => (Answering,      &[DropQueue]),
        (Free, Fail)                            => (Over,           &[Refuse]),
        (Unacknowledged | Described | Answering, Fail) => (Final,   &[StopRepeating, DropQueue, Refuse]),
        (Unacknowledged | Described | Answering, TooLate) => (Final, &[StopRepeating, DropQueue, GiveUp]),
        (Free | Over, Prack)                    => (state,          &[RefusePrack]),
        (Free | Unacknowledged | Described | Answering | Final | Over, StrayPrack) => (state, &[RefusePrack]),
        // No new ones after the final response, and no second final response.
        (Answering | Final | Over, Provisional | ProvisionalDescribed | Succeed)
        | (Final | Over, Fail)
        | (Free | Final | Over, TooLate)        => (state,          &[]),
    }
}

/// Whether a PRACK with that `RAck` acknowledges the response that has that number, to the INVITE that
/// has that `CSeq` (§3).
pub fn acknowledges(rack: &RAck, rseq: u32, invite: u32) -> bool {
    rack.rseq == rseq && *rack == RAck::new(rseq, invite, Method::Invite)
}

/// The numbers (`RSeq`) of the reliable provisional responses to one INVITE (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers(u32);

impl Numbers {
    /// Begins with any number from 1 to 2³¹ - 1, so that 2³¹ more fit.
    pub fn new(dice: &mut Dice) -> Self {
        Self(u32::try_from(dice.below((1 << 31) - 1)).unwrap_or_default() + 1)
    }

    /// The number of the next response; `None` once they are used up, for they must not wrap.
    pub const fn next(&mut self) -> Option<u32> {
        let number = self.0;
        if number == 0 {
            return None;
        }
        self.0 = number.wrapping_add(1);
        Some(number)
    }
}

/// When to repeat a response that has no PRACK yet, and when to give up (§3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    interval: Duration,
    next: Instant,
    until: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send it again.
    Again,
    /// No PRACK will come any more.
    GiveUp,
}

impl Repeat {
    /// It was sent for the first time at `now`.
    pub fn start(now: Instant, timing: &Timing) -> Self {
        Self { interval: timing.t1, next: now + timing.t1, until: now + timing.give_up() }
    }

    /// What is due by `now`, once; early calls do nothing. The interval doubles each time and, unlike
    /// that of a 2xx, has no bound at T2.
    pub fn pop_due(&mut self, now: Instant) -> Option<Due> {
        if self.until <= now {
            return Some(Due::GiveUp);
        }
        if self.next > now {
            return None;
        }
        self.interval = self.interval.saturating_mul(2);
        self.next = now + self.interval;
        Some(Due::Again)
    }

    /// When [`pop_due`](Self::pop_due) is wanted next.
    pub fn next(&self) -> Instant {
        self.next.min(self.until)
    }
}

/// The order of the reliable provisional responses that come in one early dialog, on the side that
/// called (§4; each dialog of a fork has numbers of its own, erratum 4600).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Order {
    last: Option<u32>,
}

/// What a reliable provisional response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next: it counts, and a PRACK is owed.
    Next,
    /// The last one once more: to be dropped, its PRACK is under way.
    Repeated,
    /// An older one, or one before which another is missing: to be dropped without PRACK. It will be
    /// repeated.
    OutOfOrder,
}

impl Order {
    /// Takes in the response with that `RSeq`.
    pub const fn receive(&mut self, rseq: u32) -> Arrival {
        match self.last {
            // 0 is no number (§7.1).
            _ if rseq == 0 => Arrival::OutOfOrder,
            Some(last) if rseq == last => Arrival::Repeated,
            Some(last) if rseq.wrapping_sub(1) != last => Arrival::OutOfOrder,
            Some(_) | None => {
                self.last = Some(rseq);
                Arrival::Next
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use {Act::*, State::*};

    type Cell = (State, &'static [Act]);

    #[test]
    fn every_cell() {
        let row = |state| Input::ALL.map(|input| step(state, input));
        // Provisional, ProvisionalDescribed, Succeed, Fail, Prack, StrayPrack, TooLate
        let stray = |state| -> Cell { (state, &[RefusePrack]) };
        let stay = |state| -> Cell { (state, &[]) };
        let free: [Cell; 7] = [
            (Unacknowledged, &[Send, StartRepeating]),
            (Described, &[Send, StartRepeating]),
            (Over, &[Answer]),
            (Over, &[Refuse]),
            stray(Free),
            stray(Free),
            stay(Free),
        ];
        assert_eq!(row(Free), free);
        let refused: Cell = (Final, &[StopRepeating, DropQueue, Refuse]);
        let given_up: Cell = (Final, &[StopRepeating, DropQueue, GiveUp]);
        let acknowledged: Cell = (Free, &[StopRepeating, AcceptPrack, Next]);
        for (state, succeed) in [
            (Unacknowledged, (Final, &[StopRepeating, DropQueue, Answer][..])),
            (Described, (Answering, &[DropQueue][..])),
        ] {
            let queue: Cell = (state, &[Queue]);
            let expected = [queue, queue, succeed, refused, acknowledged, stray(state), given_up];
            assert_eq!(row(state), expected);
        }
        let stays = stay(Answering);
        let answered: Cell = (Over, &[StopRepeating, AcceptPrack, Answer]);
        let expected = [stays, stays, stays, refused, answered, stray(Answering), given_up];
        assert_eq!(row(Answering), expected);
        for (state, prack) in [(Final, (Over, &[AcceptPrack][..])), (Over, stray(Over))] {
            let stays = stay(state);
            assert_eq!(row(state), [stays, stays, stays, stays, prack, stray(state), stays]);
        }
    }

    /// In whatever order things happen: one is out at most, the INVITE is answered once at most, no
    /// provisional response follows, and no 2xx goes out over a description without PRACK.
    #[test]
    fn one_at_a_time_and_one_final_response() {
        for code in 0..7_usize.pow(5) {
            let mut state = Free;
            let (mut out, mut described, mut finals) = (false, false, 0);
            for place in 0..5 {
                let input = Input::ALL[code / 7_usize.pow(place) % 7];
                let (next, acts) = step(state, input);
                state = next;
                for act in acts {
                    match act {
                        Send => {
                            assert!(!out && finals == 0, "{code}");
                            out = true;
                            described = input == Input::ProvisionalDescribed;
                        }
                        AcceptPrack => {
                            assert!(out, "{code}");
                            (out, described) = (false, false);
                        }
                        Answer => {
                            assert!(!described, "{code}");
                            finals += 1;
                        }
                        Refuse | GiveUp => finals += 1,
                        _ => {}
                    }
                }
                assert!(finals <= 1, "{code}");
            }
        }
    }

    #[test]
    fn who_may_send_reliably() {
        assert!(!Asked::No.reliably(Status::RINGING, true));
        assert!(!Asked::Supported.reliably(Status::RINGING, false));
        assert!(Asked::Supported.reliably(Status::RINGING, true));
        assert!(Asked::Required.reliably(Status::SESSION_PROGRESS, false));
        assert!(!Asked::Required.reliably(Status::TRYING, true));
        assert!(!Asked::Required.reliably(Status::OK, true));
    }

    /// §3: T1, doubled without a bound, for 64·T1.
    #[test]
    fn it_doubles_and_gives_up_after_64_t1() {
        let timing = Timing::default();
        let mut repeat = Repeat::start(Instant::START, &timing);
        assert_eq!(repeat.pop_due(Instant::START), None);
        let mut sent = Vec::new();
        let mut now = repeat.next();
        while repeat.pop_due(now) == Some(Due::Again) {
            sent.push(now.as_millis());
            now = repeat.next();
        }
        assert_eq!(sent, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(repeat.next().as_millis(), 32_000);
    }

    #[test]
    fn responses_are_taken_in_order_and_once() {
        use Arrival::{Next, OutOfOrder, Repeated};
        let mut order = Order::default();
        let seen = [776_656, 776_656, 776_658, 776_657, 776_656, 776_658].map(|rseq| order.receive(rseq));
        assert_eq!(seen, [Next, Repeated, OutOfOrder, Next, OutOfOrder, Next]);
        let mut order = Order::default();
        assert_eq!(order.receive(0), OutOfOrder);
        assert_eq!(order.receive(u32::MAX), Next);
        assert_eq!(order.receive(0), OutOfOrder, "numbers do not wrap");
    }

    #[test]
    fn numbers_begin_low_and_do_not_wrap() {
        let mut dice = Dice::new([3; 32], 0);
        for _ in 0..1_000 {
            let mut numbers = Numbers::new(&mut dice);
            let first = numbers.next().unwrap();
            assert!((1..=0x7fff_ffff).contains(&first));
            assert_eq!(numbers.next(), Some(first + 1));
        }
        let mut last = Numbers(u32::MAX);
        assert_eq!((last.next(), last.next()), (Some(u32::MAX), None));
    }

    #[test]
    fn a_prack_names_the_response_and_the_invite() {
        let rack = RAck::new(776_656, 1, Method::Invite);
        assert!(acknowledges(&rack, 776_656, 1));
        assert!(!acknowledges(&rack, 776_657, 1));
        assert!(!acknowledges(&rack, 776_656, 2));
        assert!(!acknowledges(&RAck::new(776_656, 1, Method::Update), 776_656, 1));
    }
}
