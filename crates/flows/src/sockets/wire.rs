//! The wire between the actors of a stage on sockets: who stands where, what passed, and what goes wrong on purpose.
//!
//! Every agent says here what it sends before that is encrypted, and what it gets after it was decrypted; so the tap
//! sees each message once, in the order in which they were sent.

use super::distance::Distance;
use bytes::Bytes;
use cordboard_core::dice::Dice;
use cordboard_core::dns::{Query, Records};
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, Transport};
use cordboard_net::Clock;
use cordboard_service::door::Event;
use cordboard_sim::fault::Faults;
use cordboard_sim::names::Names;
use cordboard_sim::session::Sessions;
use cordboard_sim::tap::Tap;
use cordboard_sim::weather::Climate;
use cordboard_sim::{HostId, Notice, Weather, facts};
use cordboard_sip::header::ViaRef;
use cordboard_sip::{Name, View};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// For so long an agent may take to do what it was told before what was held up goes on without it.
const HELD_UP_AT_MOST: Duration = Duration::from_secs(5);

/// The wire of one stage.
pub(crate) struct Wire {
    clock: Clock,
    state: Mutex<State>,
    happened: Condvar,
}

/// What is known of it.
pub(crate) struct State {
    pub(crate) tap: Tap,
    pub(crate) sessions: Sessions,
    pub(crate) faults: Faults,
    pub(crate) names: Names,
    notices: VecDeque<Notice>,
    climate: Climate,
    /// Who stands at each address.
    places: BTreeMap<IpAddr, HostId>,
    /// Whose a port is, where several stand at one address: a listener, or a connection of whoever listens elsewhere.
    doors: BTreeMap<SocketAddr, HostId>,
    telephones: BTreeSet<HostId>,
    /// Who is there already, and says nothing here: what it sends is seen when it arrives.
    elsewhere: Option<HostId>,
    /// How far away that is.
    pub(crate) distance: Distance,
    /// Whether what arrives is held up, since people act at one moment.
    held_up: bool,
    /// How many commands are on their way to their agents.
    commands: u64,
    /// Where each host was last written to.
    pub(crate) remotes: BTreeMap<HostId, SocketAddr>,
    /// How much has happened.
    happenings: u64,
    /// How much of it somebody has waited for.
    noticed: u64,
}

impl Wire {
    pub(crate) fn new(weather: Weather, dice: Dice) -> Self {
        let state = State {
            tap: Tap::default(),
            sessions: Sessions::default(),
            faults: Faults::default(),
            names: Names::default(),
            notices: VecDeque::new(),
            climate: Climate::new(weather, dice),
            places: BTreeMap::new(),
            doors: BTreeMap::new(),
            telephones: BTreeSet::new(),
            elsewhere: None,
            distance: Distance::default(),
            held_up: false,
            commands: 0,
            remotes: BTreeMap::new(),
            happenings: 0,
            noticed: 0,
        };
        Self { clock: Clock::new(), state: Mutex::new(state), happened: Condvar::new() }
    }

    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// A panic elsewhere is reported there.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a host stand at an address; at one that it shares, only its listeners tell that it is there.
    pub(crate) fn stands(&self, host: HostId, at: Option<IpAddr>, is_telephone: bool) {
        let mut state = self.state();
        state.places.extend(at.map(|at| (at, host)));
        if is_telephone {
            state.telephones.insert(host);
        }
    }

    /// A host listens there.
    pub(crate) fn listens(&self, host: HostId, at: SocketAddr) {
        self.state().doors.insert(at, host);
    }

    /// Somebody stands at an address whose agent is not ours.
    pub(crate) fn stands_elsewhere(&self, host: HostId, at: IpAddr) {
        let mut state = self.state();
        state.places.insert(at, host);
        state.elsewhere = Some(host);
    }

    /// Takes note of what a host sends. False if it goes no further: the host is off, or the network loses it.
    pub(crate) fn sends(&self, host: HostId, flow: Flow, bytes: &Bytes) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if state.faults.is_silent(host) {
            return false;
        }
        let view = View::parse(bytes);
        if let Ok(view) = &view {
            state.note(now, host, true, view);
        }
        // What is sent to nobody is gone, as on any network.
        let Some(to) = state.who_is_at(flow.remote) else { return true };
        if let Some(request) =
            view.as_ref().ok().filter(|view| view.is_request() && state.elsewhere == Some(to))
        {
            state.distance.asks(now, request);
        }
        state.remotes.insert(to, flow.remote);
        let word = view.as_ref().map_or_else(|_| String::new(), facts::word);
        let lost = flow.transport == Transport::Udp
            && (state.faults.loses(&word, host, to) || state.climate.loses(bytes));
        state.tap.message(now, [host, to], flow.transport, bytes, lost);
        self.happens(state);
        !lost
    }

    /// Takes note of what reaches a host. False if its agent never gets to see it.
    pub(crate) fn reaches(&self, host: HostId, flow: Flow, bytes: &Bytes) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        if state.faults.is_silent(host) {
            return false;
        }
        if let Ok(view) = View::parse(bytes) {
            if state.faults.is_deaf(host, &facts::word(&view)) {
                return false;
            }
            if view.is_request() {
                state.learns(flow, &view);
            }
            let sender = state.who_is_at(flow.remote);
            if let Some(sender) = sender.filter(|sender| state.elsewhere == Some(*sender)) {
                if !view.is_request() {
                    state.distance.hears(now, &view);
                }
                state.tap.message(now, [sender, host], flow.transport, bytes, false);
            }
            state.note(now, host, false, &view);
            self.happens(state);
        }
        true
    }

    /// Holds up what arrives anywhere from now on: people act at one moment, before any of them hears of what the others do.
    pub(crate) fn hold_up(&self) {
        self.state().held_up = true;
    }

    /// Whether what arrives is held up.
    pub(crate) fn is_held_up(&self) -> bool {
        self.state().held_up
    }

    /// Lets go on what was held up, once every agent has done what it was told.
    pub(crate) fn let_go(&self) {
        let waiting = |state: &mut State| state.commands > 0;
        let (mut state, _) = self
            .happened
            .wait_timeout_while(self.state(), HELD_UP_AT_MOST, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        state.held_up = false;
    }

    /// An agent is told to do something.
    pub(crate) fn commands(&self) {
        self.state().commands += 1;
    }

    /// It has done it.
    pub(crate) fn obeyed(&self) {
        let mut state = self.state();
        state.commands = state.commands.saturating_sub(1);
        self.happens(state);
    }

    /// Takes note of what an agent tells.
    pub(crate) fn tells(&self, host: HostId, event: Event) {
        let at = self.clock.now();
        let mut state = self.state();
        state.notices.push_back(Notice { at, host, event });
        self.happens(state);
    }

    pub(crate) fn poll_notice(&self) -> Option<Notice> {
        self.state().notices.pop_front()
    }

    pub(crate) fn look_up(&self, query: &Query) -> Records {
        self.state().names.look_up(query)
    }

    /// Waits until something happens; false if nothing has by `until`.
    pub(crate) fn wait(&self, until: Instant) -> bool {
        let left = |now: Instant| if now < until { until.since(now) } else { Duration::ZERO };
        let waiting = |state: &mut State| state.happenings == state.noticed;
        let (mut state, _) = self
            .happened
            .wait_timeout_while(self.state(), left(self.clock.now()), waiting)
            .unwrap_or_else(PoisonError::into_inner);
        let happened = state.happenings != state.noticed;
        state.noticed = state.happenings;
        happened
    }

    fn happens(&self, mut state: MutexGuard<'_, State>) {
        state.happenings += 1;
        drop(state);
        self.happened.notify_all();
    }
}

impl State {
    /// Who is at the other end. Nobody knows by which of its addresses a machine sends, if it has several: whoever is there
    /// already is at those that are nobody's.
    fn who_is_at(&self, remote: SocketAddr) -> Option<HostId> {
        let known = self.doors.get(&remote).or_else(|| self.places.get(&remote.ip()));
        known.copied().or(self.elsewhere)
    }

    /// A connection is whose listener its first request names (RFC 3261 §18.1.1), where no address tells.
    fn learns(&mut self, flow: Flow, request: &View<'_>) {
        let is_open = flow.transport != Transport::Udp && !self.places.contains_key(&flow.remote.ip());
        let via = request.value(Name::VIA).and_then(|via| ViaRef::parse(via).ok());
        let sent_by = via.and_then(|via| Some(SocketAddr::new(via.host().parse().ok()?, via.port()?)));
        let whose = sent_by.and_then(|at| self.doors.get(&at).copied());
        if let Some(host) = whose.filter(|_| is_open) {
            self.doors.entry(flow.remote).or_insert(host);
        }
    }

    /// Reads for the sessions what a telephone sent or got.
    fn note(&mut self, now: Instant, host: HostId, sent: bool, message: &View<'_>) {
        if self.telephones.contains(&host) && self.sessions.note(host, sent, message) {
            self.tap.talking(now, self.sessions.streams());
        }
    }
}
