//! Registering: RFC 3261 §10.2.

use super::letter::{ContactLine, Letter, Purpose};
use super::wallet::Realm;
use super::written::contact_uri;
use super::{REGISTRATION, Telephone};
use crate::call::CallEvent;
use crate::desk::Desk;
use cordboard_core::dice::Dice;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_sip::header::{Expires, MinExpires, NameAddrRef, RetryAfter};
use cordboard_sip::{Method, Name, Status, UriRef, View};
use std::collections::VecDeque;
use std::time::Duration;

/// Wishes that may wait for the registrar's answer to another.
const MAX_WISHES: usize = 16;

/// How often in a row a registrar may ask for a longer time (423).
const MAX_BRIEFS: u8 = 3;

/// A refresh begins so long before the expiry that all its repeats fit in, or half the time before if
/// that is less.
const REFRESH_LEAD: Duration = Duration::from_secs(40);

/// RFC 5626 §4.5: the base-time where every flow has failed, and we have but one, and the max-time.
const RETRY_BASE: Duration = Duration::from_secs(30);
const RETRY_MOST: Duration = Duration::from_mins(30);

/// A connection that dies sooner after it was registered over is not replaced at once a second time in a row: else a server
/// that takes registrations and hangs up would be asked without end.
const STOOD: Duration = RETRY_BASE;

/// What is wanted of the registrar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Our own contact, for so many seconds; none to remove it.
    Own(u32),
    /// Another contact, for so many seconds.
    Other(Box<str>, u32),
    /// To know what there is.
    List,
    /// Nothing at all.
    RemoveAll,
}

/// The connection over which our contact is registered (RFC 5626 §4.5). Datagrams have none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Under {
    /// None that could die.
    #[default]
    Nothing,
    /// This, since then.
    Stands(Flow, Instant),
    /// It died while the registrar was being asked something: if that fails, it is asked again at once.
    Died,
}

/// What goes on with the registrar.
#[derive(Default)]
pub(super) struct Registration {
    call_id: Box<str>,
    tag: Box<str>,
    cseq: u32,
    realms: Vec<Realm>,
    /// The wish that the registrar is being asked, and those after it.
    wishes: VecDeque<Wish>,
    asked: bool,
    briefs: u8,
    /// For how many seconds our contact is to be kept registered; 0 if it is not.
    kept: u32,
    failures: u32,
    under: Under,
    /// Connections in a row that died soon after they were registered over.
    short_lived: u32,
    refresh_at: Option<Instant>,
    armed: Option<Instant>,
}

impl Registration {
    /// Whether nothing is asked and nothing is kept.
    pub(super) fn is_idle(&self) -> bool {
        self.wishes.is_empty() && self.refresh_at.is_none()
    }

    pub(super) const fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    pub(super) fn keep_realms(&mut self, realms: Vec<Realm>) {
        self.realms = realms;
    }
}

impl Telephone {
    /// Somebody wants something of the registrar. One request is out at a time (§10.2).
    pub(super) fn wish(&mut self, desk: &mut Desk, now: Instant, wish: Wish) {
        if self.registration.wishes.len() >= MAX_WISHES {
            return Self::tell(desk, CallEvent::NotRegistered(Status::SERVICE_UNAVAILABLE));
        }
        self.registration.wishes.push_back(wish);
        self.register(desk, now);
    }

    fn register(&mut self, desk: &mut Desk, now: Instant) {
        let registration = &mut self.registration;
        if registration.asked {
            return;
        }
        let Some(wish) = registration.wishes.front() else { return };
        if registration.call_id.is_empty() {
            registration.call_id = desk.stack.dice().call_id().into();
            registration.tag = desk.stack.dice().tag().into();
        }
        registration.asked = true;
        let (contact, lines) = match wish {
            Wish::Own(seconds) => (ContactLine::Own(format!(";expires={seconds}").into()), Vec::new()),
            Wish::Other(uri, seconds) => {
                (ContactLine::Given(format!("<{uri}>;expires={seconds}").into()), Vec::new())
            }
            Wish::List => (ContactLine::None, Vec::new()),
            Wish::RemoveAll => (ContactLine::Given("*".into()), vec![(Name::EXPIRES, "0".into())]),
        };
        let cseq = registration.next_cseq();
        let (call_id, tag) = (registration.call_id.clone(), registration.tag.clone());
        let realms = registration.realms.clone();
        let letter = Letter {
            purpose: Purpose::Register,
            method: Method::Register,
            from: format!("{};tag={tag}", self.address()).into(),
            to: self.address().into(),
            call_id,
            cseq,
            contact,
            lines,
            body: None,
            listener: ListenerId(0),
        };
        let ways = self.first_ways(&format!("sip:{}", self.account.domain));
        if self.run(desk, now, letter, ways, &realms).is_none() {
            self.register_answered(desk, now, None, (Status::SERVICE_UNAVAILABLE, None));
        }
    }

    /// The registrar's final response, or none, and over what it was asked.
    pub(super) fn register_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        flow: Option<Flow>,
        (status, response): (Status, Option<&View<'_>>),
    ) {
        self.registration.asked = false;
        let Some(wish) = self.registration.wishes.pop_front() else { return };
        let died = self.registration.under == Under::Died;
        match response {
            Some(response) if status.is_success() => self.registered(desk, now, (&wish, flow), response),
            Some(response) if status == Status::INTERVAL_TOO_BRIEF && self.lengthen(&wish, response) => {}
            None if died => {
                // It went down with the connection, which says nothing of the next one.
                self.registration.under = Under::Nothing;
                self.registration.wishes.push_front(wish);
            }
            _ => self.not_registered(desk, now, &wish, (status, response)),
        }
        self.register(desk, now);
        self.arm_registration();
    }

    /// A connection is dead. If our contact is registered over it, another takes its place (RFC 5626 §4.5): at once, or
    /// after a wait if the one before it did not last either.
    pub(crate) fn flow_closed(&mut self, desk: &mut Desk, now: Instant, flow: Flow) {
        let registration = &mut self.registration;
        let Under::Stands(under, since) = registration.under else { return };
        if under != flow || registration.kept == 0 {
            return;
        }
        if registration.wishes.iter().any(|wish| matches!(wish, Wish::Own(_) | Wish::RemoveAll)) {
            registration.under = Under::Died;
            return;
        }
        registration.under = Under::Nothing;
        let lasted = now.since(since) >= STOOD;
        registration.short_lived = if lasted { 0 } else { registration.short_lived.saturating_add(1) };
        match registration.short_lived {
            0 | 1 => {
                registration.refresh_at = None;
                let kept = registration.kept;
                self.wish(desk, now, Wish::Own(kept));
            }
            many => registration.refresh_at = Some(now + retry_after(many - 1, desk.stack.dice())),
        }
        self.arm_registration();
        self.leave();
    }

    fn registered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        (wish, flow): (&Wish, Option<Flow>),
        response: &View<'_>,
    ) {
        self.registration.briefs = 0;
        let mut contacts: Vec<Box<str>> = Vec::new();
        let mut granted = None;
        for value in response.values(Name::CONTACT) {
            let Ok(address) = NameAddrRef::parse(value.text) else { continue };
            contacts.push(address.uri_text().into());
            if self.is_own_contact(desk, address.uri_text()) {
                granted = address.params().get("expires").and_then(|seconds| seconds.parse::<u32>().ok());
            }
        }
        match wish {
            Wish::Own(0) | Wish::RemoveAll => {
                self.registration.kept = 0;
                self.registration.under = Under::Nothing;
                self.registration.refresh_at = None;
            }
            Wish::Own(asked) => {
                // §10.2.4: what the registrar grants; in the Contact or, of old, in Expires.
                let general =
                    response.header::<Expires>().and_then(Result::ok).map(|Expires(seconds)| seconds);
                let granted = Duration::from_secs(granted.or(general).unwrap_or(*asked).into());
                let lead = (granted / 10).max(REFRESH_LEAD).min(granted / 2);
                self.registration.kept = *asked;
                self.registration.failures = 0;
                self.registration.under = match (self.registration.under, flow) {
                    (Under::Stands(same, since), Some(flow)) if same == flow => Under::Stands(flow, since),
                    (_, Some(flow)) if flow.connection != 0 => Under::Stands(flow, now),
                    (_, Some(_) | None) => Under::Nothing,
                };
                self.registration.refresh_at =
                    Some(now + granted.saturating_sub(lead).max(Duration::from_secs(1)));
            }
            Wish::Other(..) | Wish::List => {}
        }
        Self::tell(desk, CallEvent::Registered { contacts });
    }

    /// 423: the same for the time that the registrar wants (§10.2.8).
    fn lengthen(&mut self, wish: &Wish, response: &View<'_>) -> bool {
        let Some(Ok(MinExpires(least))) = response.header::<MinExpires>() else { return false };
        let longer = match wish {
            Wish::Own(seconds) if *seconds > 0 && *seconds < least => Wish::Own(least),
            Wish::Other(uri, seconds) if *seconds > 0 && *seconds < least => Wish::Other(uri.clone(), least),
            Wish::Own(_) | Wish::Other(..) | Wish::List | Wish::RemoveAll => return false,
        };
        self.registration.briefs += 1;
        if self.registration.briefs > MAX_BRIEFS {
            self.registration.briefs = 0;
            return false;
        }
        self.registration.wishes.push_front(longer);
        true
    }

    fn not_registered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        wish: &Wish,
        (status, response): (Status, Option<&View<'_>>),
    ) {
        self.registration.briefs = 0;
        if let Wish::Own(seconds) = wish {
            // A server that is silent or in trouble may come back; a refusal stays one.
            let again = *seconds > 0 && (status == Status::REQUEST_TIMEOUT || status.class() == 5);
            self.registration.kept = if again { *seconds } else { 0 };
            self.registration.failures = self.registration.failures.saturating_add(1);
            let asked = response.and_then(|response| response.header::<RetryAfter>()?.ok());
            let asked = Duration::from_secs(asked.map_or(0, |after| after.seconds).into());
            self.registration.refresh_at =
                again.then(|| now + retry_after(self.registration.failures, desk.stack.dice()).max(asked));
        }
        Self::tell(desk, CallEvent::NotRegistered(status));
    }

    fn is_own_contact(&self, desk: &Desk, text: &str) -> bool {
        let Ok(theirs) = UriRef::parse(text) else { return false };
        desk.settings.listeners.iter().any(|listener| {
            let ours =
                contact_uri(desk, &self.account, listener.id, theirs.scheme() == cordboard_sip::Scheme::Sips);
            UriRef::parse(&ours).is_ok_and(|ours| ours.equivalent(&theirs))
        })
    }

    /// Refreshes when it is time.
    pub(super) fn registration_due(&mut self, desk: &mut Desk, now: Instant) {
        self.registration.armed = None;
        if self.registration.refresh_at.is_some_and(|due| due <= now) {
            self.registration.refresh_at = None;
            let kept = self.registration.kept;
            let waiting = self.registration.wishes.iter().any(|wish| matches!(wish, Wish::Own(_)));
            if kept > 0 && !waiting {
                self.wish(desk, now, Wish::Own(kept));
            }
        }
        self.arm_registration();
    }

    fn arm_registration(&mut self) {
        let Some(due) = self.registration.refresh_at else { return };
        if self.registration.armed.is_none_or(|armed| due < armed) {
            self.registration.armed = Some(due);
            self.wheel.arm(due, REGISTRATION);
        }
    }
}

/// RFC 5626 §4.5: between half and all of min(max-time, base-time · 2^failures). A 503 may ask for more.
fn retry_after(failures: u32, dice: &mut Dice) -> Duration {
    let wait = RETRY_BASE.saturating_mul(1 << failures.min(16)).min(RETRY_MOST);
    wait / 2 + Duration::from_millis(dice.below((wait / 2).as_millis() as u64 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_limit_and_is_never_even() {
        let mut dice = Dice::new([2; 32], 0);
        for (failures, longest) in [(0, 30), (1, 60), (2, 120), (6, 1800), (99, 1800)] {
            let waits: Vec<_> = (0..200).map(|_| retry_after(failures, &mut dice).as_secs_f64()).collect();
            let longest = f64::from(longest);
            assert!(waits.iter().all(|wait| (longest / 2.0..=longest).contains(wait)), "{failures}");
            assert!(
                waits.iter().any(|wait| *wait > 0.9 * longest)
                    && waits.iter().any(|wait| *wait < 0.6 * longest)
            );
        }
    }
}
