//! Transfer tickets: what lets a caller from outside take over a call because one of ours has asked them to.
//!
//! A ticket is made when an insider's REFER or MESSAGE passes that names the dialog. It is good for one call, which
//! may try again under its Call-ID, for a challenge or a session that is too brief (RFC 4028 §7.3). Another is made when a REFER
//! sends somebody to a server of ours: it tells who did, for telephones leave out Referred-By.

use super::DialogKey;
use cordboard_core::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// For how long a ticket is good.
pub(crate) const TICKET_LIFE: Duration = Duration::from_mins(1);

/// For how long it is remembered, so that who comes late is told so.
const REMEMBERED: Duration = Duration::from_mins(2);

/// Tickets that one shard remembers; the oldest gives way.
pub(crate) const MAX_TICKETS: usize = 4_096;

/// Tickets that one user may have out in a shard; their oldest gives way.
pub(crate) const MAX_TICKETS_OF_ONE: usize = 32;

struct Ticket {
    dialog: DialogKey,
    /// Who has asked.
    by: Box<str>,
    /// Who was asked.
    whom: Recipient,
    made: Instant,
    /// The call that took it, by a hash of its Call-ID and the caller's tag.
    taken: Option<u64>,
}

/// Who is asked by a REFER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// One of ours, whose call it came in.
    Party(Box<str>),
    /// One of ours, by their address: what is for it may have gone on to somebody else.
    Named(Box<str>),
    /// Somebody else.
    Elsewhere,
}

impl Recipient {
    fn user(&self) -> Option<&str> {
        match self {
            Self::Party(user) | Self::Named(user) => Some(user),
            Self::Elsewhere => None,
        }
    }

    /// Whether it may be this caller, one of ours if that is proved.
    fn may_be(&self, caller: Option<&str>) -> bool {
        match self {
            Self::Party(user) => caller == Some(&**user),
            Self::Named(_) => caller.is_some(),
            Self::Elsewhere => true,
        }
    }
}

/// Whom Referred-By names (RFC 3892).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Referrer {
    /// There is none.
    Unsaid,
    /// One of ours.
    Ours(Box<str>),
    /// Somebody else, or nobody that could be read.
    Foreign,
}

impl Referrer {
    /// Whether it does not contradict that this user of ours has asked.
    fn may_be(&self, user: &str) -> bool {
        match self {
            Self::Unsaid => true,
            Self::Ours(named) => **named == *user,
            Self::Foreign => false,
        }
    }
}

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTicket {
    /// None was made.
    None,
    /// It has expired.
    Late,
    /// Another call took it.
    Used,
    /// Referred-By names somebody else than who made it.
    Forged,
}

/// The tickets of one shard, oldest first.
#[derive(Default)]
pub(crate) struct Tickets(VecDeque<Ticket>);

impl Tickets {
    /// One of ours has asked somebody to take over that dialog.
    pub(crate) fn make(&mut self, now: Instant, dialog: DialogKey, by: Box<str>, whom: Recipient) {
        self.forget(now);
        if self.0.iter().filter(|ticket| ticket.by == by).count() >= MAX_TICKETS_OF_ONE
            && let Some(at) = self.0.iter().position(|ticket| ticket.by == by)
        {
            self.0.remove(at);
        }
        if self.0.len() >= MAX_TICKETS {
            self.0.pop_front();
        }
        self.0.push_back(Ticket { dialog, by, whom, made: now, taken: None });
    }

    /// A call of somebody, one of ours if that is proved, takes a ticket for a dialog, the newest that it may: one that it took before,
    /// or one that nobody has. Tells who made it.
    pub(crate) fn take(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        (call, caller): (u64, Option<&str>),
        referrer: &Referrer,
    ) -> Result<Box<str>, NoTicket> {
        self.forget(now);
        let mut why = NoTicket::None;
        let fits = |ticket: &&mut Ticket| ticket.dialog == dialog && ticket.whom.may_be(caller);
        for ticket in self.0.iter_mut().rev().filter(fits) {
            let refused = match () {
                () if ticket.made + TICKET_LIFE < now => NoTicket::Late,
                () if ticket.taken.is_some_and(|taken| taken != call) => NoTicket::Used,
                () if !referrer.may_be(&ticket.by) => NoTicket::Forged,
                () => {
                    ticket.taken = Some(call);
                    return Ok(ticket.by.clone());
                }
            };
            if why == NoTicket::None {
                why = refused;
            }
        }
        Err(why)
    }

    /// Who has just sent one of ours to a server, by whose ticket they call it now.
    pub(crate) fn sent_by(
        &mut self,
        now: Instant,
        place: DialogKey,
        call: u64,
        whom: &str,
    ) -> Option<Box<str>> {
        self.forget(now);
        let is_theirs = |ticket: &&mut Ticket| {
            ticket.dialog == place
                && ticket.whom.user() == Some(whom)
                && now <= ticket.made + TICKET_LIFE
                && ticket.taken.is_none_or(|taken| taken == call)
        };
        let ticket = self.0.iter_mut().rev().find(is_theirs)?;
        ticket.taken = Some(call);
        Some(ticket.by.clone())
    }

    fn forget(&mut self, now: Instant) {
        while self.0.front().is_some_and(|ticket| ticket.made + REMEMBERED < now) {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: DialogKey = DialogKey(1);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_ticket_is_good_for_one_call_and_one_minute() {
        let mut tickets = Tickets::default();
        assert_eq!(tickets.take(at(0), CALL, (1, None), &Referrer::Unsaid), Err(NoTicket::None));
        tickets.make(at(0), CALL, "alice".into(), Recipient::Elsewhere);
        assert_eq!(tickets.take(at(1), DialogKey(2), (1, None), &Referrer::Unsaid), Err(NoTicket::None));
        assert_eq!(
            tickets.take(at(60), CALL, (1, None), &Referrer::Ours("alice".into())),
            Ok("alice".into())
        );
        assert_eq!(
            tickets.take(at(60), CALL, (1, None), &Referrer::Unsaid),
            Ok("alice".into()),
            "the same call tries again"
        );
        assert_eq!(tickets.take(at(60), CALL, (2, None), &Referrer::Unsaid), Err(NoTicket::Used));
        assert_eq!(tickets.take(at(61), CALL, (1, None), &Referrer::Unsaid), Err(NoTicket::Late));
        tickets.make(at(62), CALL, "alice".into(), Recipient::Elsewhere);
        assert_eq!(
            tickets.take(at(63), CALL, (2, None), &Referrer::Unsaid),
            Ok("alice".into()),
            "she has asked again"
        );
        assert_eq!(
            tickets.take(at(200), CALL, (2, None), &Referrer::Unsaid),
            Err(NoTicket::None),
            "and that is forgotten"
        );
    }

    #[test]
    fn who_forges_the_referrer_neither_takes_nor_spoils_it() {
        let mut tickets = Tickets::default();
        tickets.make(at(0), CALL, "alice".into(), Recipient::Elsewhere);
        for forged in [Referrer::Ours("bob".into()), Referrer::Foreign] {
            assert_eq!(tickets.take(at(1), CALL, (1, None), &forged), Err(NoTicket::Forged));
        }
        assert_eq!(tickets.take(at(1), CALL, (2, None), &Referrer::Ours("alice".into())), Ok("alice".into()));
    }

    /// Whoever else dials the number meanwhile was sent by nobody.
    #[test]
    fn who_is_sent_to_a_server_is_known_by_who_sent_them() {
        let mut tickets = Tickets::default();
        tickets.make(at(0), CALL, "bob".into(), Recipient::Party("alice".into()));
        assert_eq!(tickets.sent_by(at(1), CALL, 1, "carol"), None);
        assert_eq!(tickets.sent_by(at(1), DialogKey(2), 2, "alice"), None);
        assert_eq!(tickets.sent_by(at(1), CALL, 2, "alice").as_deref(), Some("bob"));
        assert_eq!(
            tickets.sent_by(at(2), CALL, 2, "alice").as_deref(),
            Some("bob"),
            "the same call tries again"
        );
        assert_eq!(tickets.sent_by(at(2), CALL, 3, "alice"), None);
        tickets.make(at(3), CALL, "bob".into(), Recipient::Party("alice".into()));
        assert_eq!(tickets.sent_by(at(64), CALL, 4, "alice"), None);
    }

    /// A ticket is nobody's but theirs who were asked, where that is known.
    #[test]
    fn who_was_not_asked_does_not_take_it() {
        let mut tickets = Tickets::default();
        let takes = |tickets: &mut Tickets, call, caller| {
            tickets.take(at(1), CALL, (call, caller), &Referrer::Unsaid).map_err(|why| why == NoTicket::None)
        };
        tickets.make(at(0), CALL, "bob".into(), Recipient::Party("mallory".into()));
        for caller in [None, Some("bob"), Some("trent")] {
            assert_eq!(takes(&mut tickets, 1, caller), Err(true), "{caller:?}");
        }
        assert_eq!(takes(&mut tickets, 2, Some("mallory")), Ok("bob".into()));
        tickets.make(at(0), CALL, "bob".into(), Recipient::Named("mallory".into()));
        assert_eq!(takes(&mut tickets, 3, None), Err(true), "nobody knows who that is");
        assert_eq!(takes(&mut tickets, 4, Some("trent")), Ok("bob".into()), "her calls go to him");
    }

    #[test]
    fn they_are_bounded_for_all_and_for_each() {
        let mut tickets = Tickets::default();
        for n in 0..=MAX_TICKETS_OF_ONE as u64 {
            tickets.make(at(0), DialogKey(n), "alice".into(), Recipient::Elsewhere);
        }
        assert_eq!(tickets.0.len(), MAX_TICKETS_OF_ONE);
        assert_eq!(
            tickets.take(at(0), DialogKey(0), (1, None), &Referrer::Unsaid),
            Err(NoTicket::None),
            "her oldest went"
        );
        for n in 0..2 * MAX_TICKETS {
            tickets.make(at(0), CALL, format!("user{n}").into(), Recipient::Elsewhere);
        }
        assert_eq!(tickets.0.len(), MAX_TICKETS);
    }
}
