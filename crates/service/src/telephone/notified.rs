//! NOTIFYs that come in (RFC 6665 §4.1.3): to which subscription each belongs, and what it brings.

use super::Telephone;
use super::subscribing::Subscription;
use super::usages::Home;
use crate::desk::Desk;
use crate::watch::Package;
use cordboard_core::dialog::Dialog;
use cordboard_core::subscription::subscriber::{Act, Input, State, of_notify, step};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::ListenerId;
use cordboard_sip::body::Merged;
use cordboard_sip::header::{Event, SubState, SubscriptionState};
use cordboard_sip::{Name, Status, View};

impl Telephone {
    /// A NOTIFY, in the dialog of a call or outside of all calls.
    pub(super) fn notify_received(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        found: Option<(u64, usize)>,
    ) {
        let event = match request.header::<Event>() {
            Some(Ok(event)) => event,
            Some(Err(_)) => return desk.reply(now, server, request, Status::BAD_REQUEST),
            None => return desk.reply(now, server, request, Status::BAD_EVENT),
        };
        if event.is("refer") {
            return match (found, self.find_referral(request)) {
                (Some(at), _) => self.notified(desk, now, server, request, at),
                (None, Some(key)) => self.notified_alone(desk, now, server, request, key),
                (None, None) => desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST),
            };
        }
        let Some(package) = Package::of(event.event.as_str()) else {
            return desk.reply(now, server, request, Status::BAD_EVENT);
        };
        let Some(Ok(state)) = request.header::<SubscriptionState>() else {
            return desk.reply(now, server, request, Status::BAD_REQUEST);
        };
        // §4.1.3: what fits no subscription is answered 481.
        let listener = desk.stack.server_flow(server).map_or(ListenerId(0), |flow| flow.listener);
        let Some(key) = self.watched_by(package, now, listener, request) else {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        };
        self.take_notify(desk, now, server, request, key, state);
    }

    /// The subscription of ours that a NOTIFY belongs to; one that waits for its first gets its dialog.
    fn watched_by(
        &mut self,
        package: Package,
        now: Instant,
        listener: ListenerId,
        request: &View<'_>,
    ) -> Option<u64> {
        let candidates = self.watches.of_dialog(request);
        let of_package = |key: &u64| self.watches.get(*key).filter(|watch| watch.package == package);
        let candidates: Vec<u64> = candidates.into_iter().filter(|key| of_package(key).is_some()).collect();
        let at_home = |key: &&u64| {
            let home = of_package(key).and_then(|watch| watch.home);
            home.is_some_and(|home| self.is_home_of(home, request))
        };
        if let Some(key) = candidates.iter().find(at_home) {
            return Some(*key);
        }
        let homeless = |key: &&u64| of_package(key).is_some_and(|watch| watch.home.is_none());
        let key = match candidates.iter().find(homeless) {
            Some(key) => *key,
            None => self.forked(package, now, &candidates)?,
        };
        self.make_home(key, listener, request)?;
        Some(key)
    }

    /// §4.1.4: another notifier that the same SUBSCRIBE has found, where the package has room for it.
    fn forked(&mut self, package: Package, now: Instant, candidates: &[u64]) -> Option<u64> {
        let open =
            |watch: &Subscription| now < watch.forks_until && !matches!(watch.home, Some(Home::Call(..)));
        let first = *candidates.first().filter(|key| self.watches.get(**key).is_some_and(open))?;
        if package.forks() { self.add_sibling(first) } else { None }
    }

    /// §4.4.1: the NOTIFY makes the dialog.
    fn make_home(&mut self, key: u64, listener: ListenerId, request: &View<'_>) -> Option<()> {
        let cseq = self.watches.get(key)?.cseq;
        let dialog = Dialog::from_notify(request, cseq).ok()?;
        let home = self.found_home(dialog, listener);
        self.watches.get_mut(key)?.home = Some(home);
        Some(())
    }

    fn take_notify(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        key: u64,
        state: SubscriptionState,
    ) {
        let ends = state.state == SubState::Terminated;
        let Some(home) = self.watches.get(key).and_then(|watch| watch.home) else { return };
        let Some(dialog) = self.home_mut(home) else { return };
        if dialog.accept(request).is_err() && !ends {
            return desk.reply(now, server, request, Status::SERVER_INTERNAL_ERROR);
        }
        // A Contact that cannot be read changes nothing.
        let _ = dialog.refresh_target(request);
        let Some(watch) = self.watches.get_mut(key) else { return };
        let input = of_notify(&state);
        let acts = step(watch.state, input).1;
        let shows = acts.contains(&Act::TellState) && !request.body().is_empty();
        let merged = if shows { read(watch, request) } else { Ok(None) };
        if let Err(refusal) = merged
            && !ends
        {
            let response = desk.response(request, refusal);
            let bytes = response.line(Name::ACCEPT, watch.package.media_type()).finish();
            return desk.stack.respond(now, server, refusal, bytes);
        }
        if acts.contains(&Act::KeepTime) {
            watch.life.notified(now, state.expires, desk.stack.timing());
        }
        if ends {
            watch.end = Some(state);
        }
        let accepted = acts.contains(&Act::AcceptNotify);
        desk.reply(now, server, request, if accepted { Status::OK } else { Status::CALL_DOES_NOT_EXIST });
        if matches!(merged, Ok(Some(Merged::Taken | Merged::Incomplete | Merged::Overfull))) {
            self.state_came(desk, key);
        }
        self.advance_watch(desk, now, key, input);
        let incomplete = matches!(merged, Ok(Some(Merged::Incomplete)));
        let active = |watch: &Subscription| watch.state == State::Active && watch.life.refresh_at().is_some();
        if incomplete && self.watches.get(key).is_some_and(active) {
            // Something is missing: to refresh brings all (RFC 4235 §4.3).
            self.advance_watch(desk, now, key, Input::RefreshDue);
        }
    }
}

/// Takes in the body of a NOTIFY; the status that refuses it if it is of no use.
fn read(watch: &mut Subscription, request: &View<'_>) -> Result<Option<Merged>, Status> {
    let kind = request.value(Name::CONTENT_TYPE).unwrap_or_default();
    let named = kind.split(';').next().unwrap_or_default().trim();
    if !named.eq_ignore_ascii_case(watch.package.media_type()) {
        return Err(Status::UNSUPPORTED_MEDIA_TYPE);
    }
    watch.document.merge(request.body()).map(Some).map_err(|_| Status::BAD_REQUEST)
}
