//! Watching: the subscriber of RFC 6665 §4.1, from the button to the end.
//!
//! What to do follows from the table of `core::subscription::subscriber`; here is what its acts mean. A SUBSCRIBE
//! that forks may open several subscriptions under one name (§4.1.4): *siblings*, told as one.

use super::documents::Document;
use super::letter::{ContactLine, Letter, Purpose};
use super::transferor::named_to_peer;
use super::usages::{Home, Written};
use super::wallet::Realm;
use super::{Telephone, bracketed, seconds};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::watch::{Package, WatchAction, WatchEvent, WatchName, Watched, Whom};
use cordboard_core::dialog::Dialog;
use cordboard_core::subscription::again::{Again, again};
use cordboard_core::subscription::duration::Lifetime;
use cordboard_core::subscription::failure::{Reach, reach};
use cordboard_core::subscription::subscriber::{Act, Input, State, of_refusal, step};
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_core::wheel::Wheel;
use cordboard_sip::header::{Expires, MinExpires, NameAddrRef, SubscriptionState};
use cordboard_sip::{Method, Name, Status, View};
use std::collections::BTreeMap;
use std::time::Duration;

use super::callee::dialog_key;
use crate::keyed::Keyed;

/// What one telephone may watch at a time, siblings included.
const MAX_SUBSCRIPTIONS: usize = 1_000;

/// Notifiers that one SUBSCRIBE may find.
pub(super) const MAX_SIBLINGS: usize = 32;

/// How often in a row a notifier may ask for a longer time (423).
const MAX_BRIEFS: u8 = 3;

/// How often in a row a notifier may ask us to come back, without showing anything in between.
const MAX_AGAIN: u8 = 5;

/// The longest pause before coming back.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// What is watched, and how to find it.
#[derive(Default)]
pub(super) struct Watches {
    subscriptions: Keyed<Subscription>,
    names: BTreeMap<WatchName, Vec<u64>>,
    /// By Call-ID and our tag: several in the dialog of a call, or siblings.
    by_dialog: BTreeMap<Box<str>, Vec<u64>>,
    wheel: Wheel,
    fired: Vec<u64>,
}

impl Watches {
    pub(super) fn len(&self) -> usize {
        self.subscriptions.len()
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.wheel.next()
    }

    pub(super) fn get(&self, key: u64) -> Option<&Subscription> {
        self.subscriptions.get(key)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(key)
    }

    /// Those that a NOTIFY may mean.
    pub(super) fn of_dialog(&self, notify: &View<'_>) -> Vec<u64> {
        let tag = notify.to_tag().unwrap_or_default();
        self.by_dialog.get(&dialog_key(notify.call_id(), tag)).cloned().unwrap_or_default()
    }

    fn insert(&mut self, subscription: Subscription) -> u64 {
        let (watch, place) = (subscription.watch, subscription.place());
        let key = self.subscriptions.insert(subscription);
        self.names.entry(watch).or_default().push(key);
        self.by_dialog.entry(place).or_default().push(key);
        key
    }

    fn remove(&mut self, key: u64) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(key)?;
        forget(&mut self.names, &subscription.watch, key);
        forget(&mut self.by_dialog, &subscription.place(), key);
        Some(subscription)
    }

    fn arm(&mut self, key: u64) {
        let Some(subscription) = self.subscriptions.get_mut(key) else { return };
        if let Some(due) = subscription.due()
            && subscription.armed.is_none_or(|armed| due < armed)
        {
            subscription.armed = Some(due);
            self.wheel.arm(due, key);
        }
    }
}

fn forget<K: Ord>(table: &mut BTreeMap<K, Vec<u64>>, name: &K, key: u64) {
    if let Some(keys) = table.get_mut(name) {
        keys.retain(|other| *other != key);
        if keys.is_empty() {
            table.remove(name);
        }
    }
}

/// One subscription of ours.
#[derive(Clone)]
pub(super) struct Subscription {
    pub(super) watch: WatchName,
    whom: Whom,
    /// What says why it may: the call that it names (RFC 4538), or for whom it is (RFC 3892).
    line: Option<(Name, Box<str>)>,
    pub(super) package: Package,
    /// For how many seconds at a time; none to fetch.
    wanted: u32,
    pub(super) state: State,
    pub(super) life: Lifetime,
    /// When Timer N fires (RFC 6665 §4.1.2).
    timer_n: Option<Instant>,
    /// Until when others than the first may notify.
    pub(super) forks_until: Instant,
    /// When to begin anew.
    again_at: Option<Instant>,
    agains: u8,
    briefs: u8,
    /// Where it lives, once a NOTIFY has made its dialog.
    pub(super) home: Option<Home>,
    pub(super) call_id: Box<str>,
    pub(super) local_tag: Box<str>,
    pub(super) cseq: u32,
    realms: Vec<Realm>,
    pub(super) document: Document,
    /// The status that refused it.
    status: Option<Status>,
    /// What the last NOTIFY said of its end.
    pub(super) end: Option<SubscriptionState>,
    armed: Option<Instant>,
}

impl Subscription {
    fn place(&self) -> Box<str> {
        dialog_key(&self.call_id, &self.local_tag)
    }

    fn due(&self) -> Option<Instant> {
        // Before the first NOTIFY and after the last SUBSCRIBE Timer N decides alone.
        let stands = matches!(self.state, State::Pending | State::Active);
        let times = [self.life.refresh_at(), self.life.ends_at()].into_iter().flatten();
        times.filter(|_| stands).chain(self.timer_n).chain(self.again_at).min()
    }

    /// One more subscription that the same SUBSCRIBE has opened (§4.1.4).
    pub(super) fn sibling(&self) -> Self {
        Self {
            state: State::NotifyWait,
            home: None,
            life: Lifetime::requested(Some(self.wanted)),
            timer_n: Some(self.forks_until),
            document: Document::of(self.package),
            end: None,
            armed: None,
            ..self.clone()
        }
    }
}

impl Telephone {
    /// A button of watching.
    pub(super) fn watch_action(&mut self, desk: &mut Desk, now: Instant, action: WatchAction) {
        match action {
            WatchAction::Begin { watch, whom, package, expires } => {
                if watch.is_own() || !self.watch(desk, now, watch, whom, package, seconds(expires)) {
                    Self::tell(desk, CallEvent::Watching(WatchEvent::Impossible(watch)));
                }
            }
            WatchAction::End(watch) => match self.watches.names.get(&watch).cloned() {
                Some(keys) => {
                    for key in keys {
                        self.unwatch(desk, now, key);
                    }
                }
                None => self.tell_watch(desk, WatchEvent::Impossible(watch)),
            },
        }
    }

    pub(super) fn watch(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        watch: WatchName,
        whom: Whom,
        package: Package,
        wanted: u32,
    ) -> bool {
        if self.watches.names.contains_key(&watch) || self.watches.len() >= MAX_SUBSCRIPTIONS {
            return false;
        }
        let (whom, line) = match whom {
            Whom::Focus(name) => match self.focus(name) {
                Some((uri, shows)) => (Whom::Address(uri), Some((Name::TARGET_DIALOG, shows))),
                None => return false,
            },
            Whom::AddressFor { address, whose } => {
                let line = (Name::REFERRED_BY, format!("<{whose}>").into());
                (Whom::Address(address), Some(line))
            }
            whom @ (Whom::Address(_) | Whom::Peer(_)) => (whom, None),
        };
        let (home, call_id, local_tag) = match &whom {
            // It has become an address.
            Whom::Focus(_) | Whom::AddressFor { .. } => return false,
            Whom::Address(address) => {
                if !NameAddrRef::parse(address).is_ok_and(|address| address.uri().is_ok()) {
                    return false;
                }
                (None, desk.stack.dice().call_id().into(), desk.stack.dice().tag().into())
            }
            Whom::Peer(name) => {
                let at = self.names.get(name).copied();
                let call = at.and_then(|at| self.calls.get(at)).filter(|call| call.is_up());
                let Some((at, call, leg)) =
                    at.zip(call).and_then(|(at, call)| Some((at, call, call.answered?)))
                else {
                    return false;
                };
                (Some(Home::Call(at, leg)), call.call_id.clone(), call.local_tag.clone())
            }
        };
        if let Some(home) = home {
            self.enter_home(home);
        }
        let key = self.watches.insert(Subscription {
            watch,
            whom,
            line,
            package,
            wanted,
            state: if wanted == 0 { State::Leaving } else { State::NotifyWait },
            life: Lifetime::requested(Some(wanted)),
            timer_n: None,
            forks_until: now,
            again_at: None,
            agains: 0,
            briefs: 0,
            home,
            call_id,
            local_tag,
            cseq: 0,
            realms: Vec::new(),
            document: Document::of(package),
            status: None,
            end: None,
            armed: None,
        });
        self.subscribe_first(desk, now, key);
        true
    }

    /// Where the focus is that the other side of a call says to be, and how to name that call to it.
    fn focus(&self, name: CallName) -> Option<(Box<str>, Box<str>)> {
        let call = self.calls.get(*self.names.get(&name)?)?;
        let call = Some(call).filter(|call| call.is_up() && call.peer_features.focus)?;
        let dialog = &call.legs.get(call.answered?)?.dialog;
        Some((bracketed(dialog.target()).into(), named_to_peer(dialog)?))
    }

    /// Ends whatever is watched under a name.
    pub(super) fn unwatch_all(&mut self, desk: &mut Desk, now: Instant, watch: WatchName) {
        for key in self.watches.names.get(&watch).cloned().unwrap_or_default() {
            self.unwatch(desk, now, key);
        }
    }

    fn unwatch(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(subscription) = self.watches.get_mut(key) else { return };
        if subscription.again_at.take().is_some() {
            // Between two tries there is nothing to take back.
            return self.end_watch(desk, key, None);
        }
        self.advance_watch(desk, now, key, Input::Unsubscribe);
    }

    /// The SUBSCRIBE that begins it, with Timer N.
    fn subscribe_first(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let until = now + desk.stack.timing().give_up();
        let Some(subscription) = self.watches.get_mut(key) else { return };
        subscription.timer_n = Some(until);
        subscription.forks_until = until;
        let wanted = subscription.wanted;
        if !self.subscribe(desk, now, key, wanted) {
            self.subscribe_answered(desk, now, key, Status::SERVICE_UNAVAILABLE, None);
        }
        self.watches.arm(key);
    }

    /// Sends SUBSCRIBE for so many seconds. False if there is no room.
    fn subscribe(&mut self, desk: &mut Desk, now: Instant, key: u64, expires: u32) -> bool {
        let address: Box<str> = self.address().into();
        let Some(subscription) = self.watches.get_mut(key) else { return false };
        let mut lines = vec![
            (Name::EVENT, subscription.package.as_str().into()),
            (Name::EXPIRES, expires.to_string().into()),
            (Name::ACCEPT, subscription.package.media_type().into()),
        ];
        lines.extend(subscription.line.clone());
        let (purpose, contact) = (Purpose::Subscribe(key), ContactLine::Own(Box::default()));
        let realms = subscription.realms.clone();
        if let Some(home) = subscription.home {
            let written = Written { purpose, method: Method::Subscribe, contact, lines, body: None };
            return self.write_at_home(desk, now, home, written, &realms).is_some();
        }
        subscription.cseq += 1;
        let Whom::Address(to) = &subscription.whom else { return false };
        let to = bracketed(to);
        let Ok(to) = NameAddrRef::parse(&to) else { return false };
        let uri = to.uri_text().to_owned();
        let letter = Letter {
            purpose,
            method: Method::Subscribe,
            from: format!("{address};tag={}", subscription.local_tag).into(),
            to: bracketed(&uri).into(),
            call_id: subscription.call_id.clone(),
            cseq: subscription.cseq,
            contact,
            lines,
            body: None,
            listener: ListenerId(0),
        };
        let ways = self.first_ways(&uri);
        self.run(desk, now, letter, ways, &realms).is_some()
    }

    /// The number for a SUBSCRIBE that is sent again with credentials.
    pub(super) fn subscribe_cseq(&mut self, key: u64) -> Option<u32> {
        let subscription = self.watches.get_mut(key)?;
        if let Some(home) = subscription.home {
            return self.home_mut(home).map(Dialog::next_cseq);
        }
        subscription.cseq += 1;
        Some(subscription.cseq)
    }

    pub(super) fn keep_watch_realms(&mut self, key: u64, realms: Vec<Realm>) {
        if let Some(subscription) = self.watches.get_mut(key) {
            subscription.realms = realms;
        }
    }

    /// The final response to a SUBSCRIBE, or none.
    pub(super) fn subscribe_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let Some(subscription) = self.watches.get_mut(key) else { return };
        let home = subscription.home;
        let input = match response {
            Some(response) if status.is_success() => {
                subscription.briefs = 0;
                if let Some(dialog) =
                    home.and_then(|home| self.home_mut(home)).filter(|dialog| dialog.fits(response))
                {
                    // A Contact that cannot be read changes nothing.
                    let _ = dialog.refresh_target(response);
                }
                if status.code() == 204 { Input::AcceptedWithoutNotify } else { Input::Accepted }
            }
            Some(response) if status == Status::INTERVAL_TOO_BRIEF => {
                match self.lengthen_watch(key, response) {
                    Some(wanted) if self.subscribe(desk, now, key, wanted) => return,
                    _ => Input::Refused,
                }
            }
            // Nobody has answered: that is for Timer N to decide, which runs as long.
            None if status == Status::REQUEST_TIMEOUT => return,
            _ => of_refusal(status),
        };
        let granted = response.and_then(View::header::<Expires>).and_then(Result::ok);
        let Some(subscription) = self.watches.get_mut(key) else { return };
        if matches!(input, Input::Accepted | Input::AcceptedWithoutNotify) {
            subscription.life.answered(now, granted.map(|Expires(seconds)| seconds), desk.stack.timing());
        } else {
            subscription.status = Some(status);
        }
        self.advance_watch(desk, now, key, input);
        // RFC 5057 §5.1: some refusals say that the dialog itself is of no use.
        if let Some(Home::Call(at, _)) = home
            && response.is_some()
            && reach(status) == Reach::Dialog
        {
            self.lost(desk, now, at);
        }
    }

    /// 423: the same for the time that the notifier wants (RFC 6665 §4.1.2.1).
    fn lengthen_watch(&mut self, key: u64, response: &View<'_>) -> Option<u32> {
        let Some(Ok(MinExpires(least))) = response.header::<MinExpires>() else { return None };
        let subscription = self.watches.get_mut(key)?;
        if subscription.wanted == 0 || subscription.wanted >= least || subscription.briefs >= MAX_BRIEFS {
            return None;
        }
        subscription.briefs += 1;
        subscription.wanted = least;
        match subscription.state {
            State::Pending | State::Active => subscription.life.refreshing(least),
            State::NotifyWait | State::Unwanted | State::Leaving | State::Terminated => {
                subscription.life = Lifetime::requested(Some(least));
            }
        }
        Some(least)
    }

    /// Feeds the subscriber's table and does what it says, but for answering a NOTIFY and telling what it brought.
    pub(super) fn advance_watch(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(subscription) = self.watches.get_mut(key) else { return };
        let (state, acts) = step(subscription.state, input);
        subscription.state = state;
        let (watch, wanted) = (subscription.watch, subscription.wanted);
        for act in acts {
            let Some(subscription) = self.watches.get_mut(key) else { return };
            match act {
                Act::Refresh => {
                    subscription.life.refreshing(wanted);
                    if !self.subscribe(desk, now, key, wanted) {
                        self.retry_refresh(desk, now, key);
                    }
                }
                Act::SendUnsubscribe => {
                    // Without room for it the other side ends it by itself.
                    self.subscribe(desk, now, key, 0);
                }
                Act::StartN => subscription.timer_n = Some(now + desk.stack.timing().give_up()),
                Act::StopN => subscription.timer_n = None,
                Act::RetryRefresh => self.retry_refresh(desk, now, key),
                Act::TellPending => self.tell_watch(desk, WatchEvent::Pending(watch)),
                Act::TellFailed | Act::TellEnded => self.watch_over(desk, now, key),
                // Done by those who have the message.
                Act::AcceptNotify | Act::RefuseNotify | Act::KeepTime | Act::TellState => {}
            }
        }
        self.watches.arm(key);
    }

    fn retry_refresh(&mut self, desk: &Desk, now: Instant, key: u64) {
        if let Some(subscription) = self.watches.get_mut(key) {
            subscription.life.refused(now, desk.stack.timing());
        }
    }

    /// It is over: begins anew if the other side asked for that, else tells.
    fn watch_over(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(subscription) = self.watches.get(key) else { return };
        let end = subscription.end.as_ref();
        let next = end.map(|end| again(end.reason.as_ref(), end.retry_after));
        let outside = matches!(subscription.whom, Whom::Address(_));
        match next {
            // Whom we no longer wanted to watch we do not go back to, nor a fork's single notifier.
            Some(Again::Should(pause))
                if outside
                    && subscription.wanted > 0
                    && subscription.agains < MAX_AGAIN
                    && !self.has_siblings(key) =>
            {
                self.watch_again(desk, now, key, pause.min(LONGEST_PAUSE));
            }
            Some(Again::Should(pause) | Again::May(pause)) => self.end_watch(desk, key, Some(pause)),
            Some(Again::Never) | None => self.end_watch(desk, key, None),
        }
    }

    fn has_siblings(&self, key: u64) -> bool {
        let watch = self.watches.get(key).map(|subscription| subscription.watch);
        watch.and_then(|watch| self.watches.names.get(&watch)).is_some_and(|keys| keys.len() > 1)
    }

    fn watch_again(&mut self, desk: &mut Desk, now: Instant, key: u64, pause: Duration) {
        let Some(old) = self.watches.remove(key) else { return };
        if let Some(home) = old.home {
            self.leave_home(home);
        }
        let (watch, agains) = (old.watch, old.agains + 1);
        let next = self.watches.insert(Subscription {
            state: State::NotifyWait,
            life: Lifetime::requested(Some(old.wanted)),
            again_at: Some(now + pause),
            timer_n: None,
            agains,
            home: None,
            call_id: desk.stack.dice().call_id().into(),
            local_tag: desk.stack.dice().tag().into(),
            cseq: 0,
            document: Document::of(old.package),
            status: None,
            end: None,
            armed: None,
            ..old
        });
        self.tell_watch(desk, WatchEvent::Again { watch, after: pause });
        self.watches.arm(next);
    }

    fn end_watch(&mut self, desk: &mut Desk, key: u64, again: Option<Duration>) {
        let Some(over) = self.watches.remove(key) else { return };
        if let Some(home) = over.home {
            self.leave_home(home);
        }
        if self.watches.names.contains_key(&over.watch) {
            // Others go on under that name, without what this one knew.
            return self.tell_state(desk, over.watch);
        }
        let reason = over.end.and_then(|end| end.reason);
        self.tell_watch(desk, WatchEvent::Ended { watch: over.watch, status: over.status, reason, again });
    }

    /// Something was shown: whoever asks us to come back may do so as often again.
    pub(super) fn state_came(&mut self, desk: &mut Desk, key: u64) {
        let Some(subscription) = self.watches.get_mut(key) else { return };
        subscription.agains = 0;
        let watch = subscription.watch;
        self.tell_state(desk, watch);
    }

    /// Tells what is known under a name.
    fn tell_state(&mut self, desk: &mut Desk, watch: WatchName) {
        let keys = self.watches.names.get(&watch).map_or(&[][..], Vec::as_slice);
        let known = keys.iter().filter_map(|key| self.watches.get(*key)?.document.watched());
        let together = known.reduce(|mut all, more| {
            if let (Watched::Dialogs(all), Watched::Dialogs(more)) = (&mut all, more) {
                all.extend(more);
            }
            all
        });
        if let Some(state) = together {
            self.tell_watch(desk, WatchEvent::State { watch, state: Box::new(state) });
        }
    }

    fn tell_watch(&mut self, desk: &mut Desk, event: WatchEvent) {
        if event.watch().is_own() {
            self.fetches.notice(event);
        } else {
            Self::tell(desk, CallEvent::Watching(event));
        }
    }

    /// One more sibling, for a NOTIFY from another notifier.
    pub(super) fn add_sibling(&mut self, key: u64) -> Option<u64> {
        let first = self.watches.get(key)?;
        let siblings = self.watches.names.get(&first.watch).map_or(0, Vec::len);
        if siblings >= MAX_SIBLINGS || self.watches.len() >= MAX_SUBSCRIPTIONS {
            return None;
        }
        let sibling = first.sibling();
        Some(self.watches.insert(sibling))
    }

    /// Fires what is due.
    pub(super) fn watches_due(&mut self, desk: &mut Desk, now: Instant) {
        let mut fired = std::mem::take(&mut self.watches.fired);
        self.watches.wheel.fire(now, &mut fired);
        for key in fired.drain(..) {
            self.watch_due(desk, now, key);
        }
        self.watches.fired = fired;
    }

    fn watch_due(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let is_due = |time: Option<Instant>| time.is_some_and(|due| due <= now);
        let Some(subscription) = self.watches.get_mut(key) else { return };
        subscription.armed = None;
        if is_due(subscription.again_at) {
            subscription.again_at = None;
            return self.subscribe_first(desk, now, key);
        }
        let stands = matches!(subscription.state, State::Pending | State::Active);
        if is_due(subscription.timer_n) {
            subscription.timer_n = None;
            self.advance_watch(desk, now, key, Input::TimerN);
        } else if stands && is_due(subscription.life.ends_at()) {
            self.advance_watch(desk, now, key, Input::Expired);
        } else if stands && is_due(subscription.life.refresh_at()) {
            self.advance_watch(desk, now, key, Input::RefreshDue);
        }
        self.watches.arm(key);
    }
}
