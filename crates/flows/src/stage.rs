//! A stage: the network, the people on it, the play, and what is held against it at its end.

use crate::backstage::{Books, Inner, Manner};
use crate::book::{Book, Call};
use crate::cast::{Domain, Person};
use crate::drawing;
use crate::ground::Ground;
use crate::judge::Observed;
use crate::phone::Phone;
use crate::sockets::Sockets;
use crate::via::Via;
use cordboard_core::time::Instant;
use cordboard_core::transport::{ListenerId, Transport};
use cordboard_ladder::{Kind, Ladder, Outcome};
use cordboard_service::call::{CallAction, CallName};
use cordboard_service::door::{Command, Recorded};
use cordboard_service::operate::{Connect, Operation, Whom};
use cordboard_sim::tap::Seen;
use cordboard_sim::{Fault, HostId, Order, Sim, Step, Weather};
use cordboard_sip::{Method, View};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// One seed of so many is played over streams, which lose nothing but delay everything.
const STREAMS_EVERY: u64 = 5;

/// How many seeds a storm is played over.
const STORM_SEEDS: u64 = 100;

/// The seeds of the storms: 100, or as many as `CORDBOARD_STORM_SEEDS` says. The first are the same every time.
pub fn storm_seeds() -> impl Iterator<Item = u64> {
    let asked = std::env::var("CORDBOARD_STORM_SEEDS").ok();
    let count = asked.map_or(STORM_SEEDS, |text| {
        text.parse().unwrap_or_else(|_| panic!("CORDBOARD_STORM_SEEDS is a number of seeds, not `{text}`"))
    });
    1..=count
}

/// A stage on which a flow is played. Dropping it ends the play: whoever still talks hangs up, and then no
/// transaction, timer, dialog or question may be left behind.
pub struct Stage {
    seed: u64,
    inner: RefCell<Inner>,
}

impl Stage {
    /// A still network: nothing is lost, and everything takes the same time.
    pub fn still() -> Self {
        Self::simulated(0, Weather::Still)
    }

    /// A bounded storm: the outcome must be exact.
    pub fn storm(seed: u64) -> Self {
        Self::simulated(seed, Weather::Bounded)
    }

    /// An unbounded storm: the play may stop anywhere, but everything ends by name and leaves nothing behind.
    pub fn unbounded_storm(seed: u64) -> Self {
        Self::simulated(seed, Weather::Unbounded)
    }

    /// Any weather. Some seeds are played over streams.
    pub fn simulated(seed: u64, weather: Weather) -> Self {
        let streams = seed % STREAMS_EVERY == STREAMS_EVERY - 1;
        Self::simulated_over(seed, weather, if streams { Transport::Tcp } else { Transport::Udp })
    }

    /// Any weather, where people prefer to talk over UDP or TCP.
    pub fn simulated_over(seed: u64, weather: Weather, transport: Transport) -> Self {
        let transports = match transport {
            Transport::Udp => [Transport::Udp, Transport::Tcp],
            Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => {
                [Transport::Tcp, Transport::Udp]
            }
        };
        Self::new(seed, Ground::Simulated(Box::new(Sim::new(seed_bytes(seed), weather)), transports))
    }

    /// Sockets on the loopback network. With a loss, so many of a hundred datagrams are.
    pub fn sockets(seed: u64, transport: Transport, loss: u8) -> Self {
        let weather = if loss == 0 { Weather::Still } else { Weather::Lossy(loss) };
        Self::new(seed, Ground::Sockets(Box::new(Sockets::new(seed_bytes(seed), transport, weather, None))))
    }

    /// Sockets on the loopback network, and a switchboard that is up already in the place of every server.
    pub fn through(seed: u64, transport: Transport, via: &'static Via) -> Self {
        let sockets = Sockets::new(seed_bytes(seed), transport, Weather::Still, Some(via));
        Self::new(seed, Ground::Sockets(Box::new(sockets)))
    }

    const fn new(seed: u64, ground: Ground) -> Self {
        Self { seed, inner: RefCell::new(Inner::new(ground)) }
    }

    /// Puts a person with a telephone on the stage.
    pub fn person(&self, person: &Person) -> Phone<'_> {
        let mut inner = self.inner.borrow_mut();
        let host = inner.ground.person(person);
        inner.books.enters(host);
        inner.order.push(host);
        let (user, domain) = match inner.ground.via().map(|via| via.account(person)) {
            Some(account) => (account.user, account.domain),
            None => (person.user, person.domain),
        };
        Phone { stage: self, host, name: person.name, user, domain }
    }

    /// Puts a switchboard on the stage, with its names in the hosts table.
    pub fn switchboard(&self, domain: &Domain) -> HostId {
        let mut inner = self.inner.borrow_mut();
        let host = inner.ground.switchboard(domain);
        inner.order.push(host);
        host
    }

    /// An operator of a switchboard does something with the call that began last, once it is answered.
    pub fn operates(&self, switchboard: HostId, operation: Operation) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_some() {
            return;
        }
        let until = inner.ground.now() + inner.reaction();
        while inner.step(until) {}
        if let Some(call_id) = inner.calls_begun().pop() {
            inner.ground.command(switchboard, Command::Operate { call_id, operation });
        }
    }

    /// What a switchboard remembers of one of the calls so far, which are counted from the first on. On a simulated network
    /// only.
    pub fn remembers(&self, switchboard: HostId, call: usize) -> Arc<[Recorded]> {
        let mut inner = self.inner.borrow_mut();
        if let Some(call_id) = inner.calls_begun().into_iter().nth(call) {
            inner.ground.command(switchboard, Command::ShowCall { call_id });
            inner.write_down();
        }
        std::mem::take(&mut inner.remembered).into()
    }

    /// An operator wants two people connected (RFC 5359 §2.18), who have telephones.
    pub fn connects(&self, operator: Phone<'_>, from: Phone<'_>, to: Phone<'_>) {
        self.connects_with(operator, Kind::ClickToDial, from, Whom::Address(to.address().into()));
    }

    /// An operator wants somebody to join a call (RFC 3911), of which a switchboard remembers this.
    pub fn has_join(&self, operator: Phone<'_>, by: Phone<'_>, call: Arc<[Recorded]>) {
        self.connects_with(operator, Kind::Conference, by, Whom::Call(call));
    }

    fn connects_with(&self, operator: Phone<'_>, kind: Kind, from: Phone<'_>, to: Whom) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_none() {
            let connect = Connect { kind, from: from.address().into(), to };
            inner.ground.command(operator.host, Command::Connect(connect));
            inner.write_down();
        }
    }

    /// The operator is told how it went, and what is said of it is given back. The play stops if it went otherwise.
    pub fn operator_learns(&self, wanted: Outcome) -> Box<str> {
        let mut inner = self.inner.borrow_mut();
        let until = inner.ground.now() + inner.ground.pace().patience;
        while inner.stopped.is_none() && inner.operated.is_empty() {
            if !inner.step(until) {
                inner.stopped = Some("the operator learns nothing".to_owned());
            }
        }
        if inner.stopped.is_some() {
            return Box::default();
        }
        let told = inner.operated.remove(0);
        if told.outcome != wanted {
            inner.stopped = Some(format!("the operator learns {told:?}, not {wanted}"));
        }
        told.says
    }

    /// What passes to and from somebody is not part of the flow: they are there for its sake, and not drawn.
    pub fn off_stage(&self, phone: Phone<'_>) {
        self.inner.borrow_mut().wings.insert(phone.host);
    }

    /// Adds an address of a name to the hosts table.
    pub fn name(&self, name: &str, last: u8) {
        self.inner.borrow_mut().ground.name_of_address(name, last);
    }

    /// Lets a switchboard know of a contact that nobody registered, as an administrator would.
    pub fn provisions(&self, switchboard: HostId, aor: &str, contact: &str) {
        self.inner.borrow_mut().ground.provision(switchboard, aor, contact);
    }

    /// Loses the next message with this method or status on the way from one to the other.
    pub fn lose(&self, word: &str, from: impl Into<HostId>, to: impl Into<HostId>) {
        let fault = Fault::Lose { word: word.into(), from: from.into(), to: to.into(), times: 1 };
        self.fault(fault);
    }

    /// Lets the next message with this method or status take so much longer on its way from one to the other.
    pub fn delay(&self, word: &str, from: impl Into<HostId>, to: impl Into<HostId>, by: Duration) {
        self.fault(Fault::Late { word: word.into(), from: from.into(), to: to.into(), by });
    }

    /// Makes something go wrong.
    pub fn fault(&self, fault: Fault) {
        self.inner.borrow_mut().ground.fault(fault);
    }

    /// Makes it go right again. On a simulated network only.
    pub fn lift(&self, fault: &Fault) {
        self.inner.borrow_mut().ground.simulation_mut().lift(fault);
    }

    /// Kills the process at somebody's address, as SIGKILL does, and starts it again: a server knows what it had written
    /// down, and nothing else. On a simulated network only.
    pub fn starts_again(&self, phone: Phone<'_>) {
        let mut inner = self.inner.borrow_mut();
        inner.books.enters(phone.host);
        inner.ground.simulation_mut().start_again(phone.host);
        inner.write_down();
    }

    /// How many calls somebody has written down.
    pub fn kept_by(&self, phone: Phone<'_>) -> usize {
        self.inner.borrow().ground.simulation().kept(phone.host).count()
    }

    /// Lets so much time pass.
    pub fn passes(&self, time: Duration) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_none() {
            inner.raise();
            let until = inner.ground.now() + time;
            while inner.step(until) {}
        }
    }

    /// Begins a new page of the drawing, once the wire is at rest.
    pub fn turn_page(&self) {
        self.rest();
        let mut inner = self.inner.borrow_mut();
        inner.turn_page();
    }

    /// Lets people act without a moment's thought, so that what they do in `acts` happens at one moment if all
    /// of it can be done.
    pub fn at_once(&self, acts: impl FnOnce()) {
        self.inner.borrow_mut().acts_at_once();
        acts();
        self.inner.borrow_mut().acts_no_more();
    }

    /// Whether a verb could be done now.
    pub(crate) fn could(&self, verb: &dyn Fn()) -> bool {
        self.attempts(verb, false)
    }

    /// Does a verb now; false if it cannot be done.
    pub(crate) fn tries_to(&self, verb: &dyn Fn()) -> bool {
        self.attempts(verb, true)
    }

    fn attempts(&self, verb: &dyn Fn(), press: bool) -> bool {
        self.inner.borrow_mut().manner = Manner::Trying { press, could: false };
        verb();
        let mut inner = self.inner.borrow_mut();
        inner.write_down();
        let tried = std::mem::replace(&mut inner.manner, Manner::Thinking);
        tried == Manner::Trying { press, could: true }
    }

    /// Lets the next thing happen that is due by `until` and that `order` lets happen.
    pub(crate) fn step_in(&self, order: &mut Order, until: Instant) -> Step {
        let mut inner = self.inner.borrow_mut();
        let step = inner.ground.simulation_mut().step_in(order, until);
        inner.write_down();
        step
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> Instant {
        self.inner.borrow().ground.now()
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.inner.borrow().ground.is_quiet()
    }

    /// How many rows the tap has.
    pub(crate) fn rows(&self) -> usize {
        self.inner.borrow().ground.rows()
    }

    /// Why the play could not go on, if it could not.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.inner.borrow().stopped.clone()
    }

    /// Reads what the simulation knows.
    pub(crate) fn watch<R>(&self, reads: impl FnOnce(&Sim) -> R) -> R {
        reads(self.inner.borrow().ground.simulation())
    }

    /// Whether each telephone tells of as many calls as it has sessions.
    pub(crate) fn beliefs_agree(&self) -> bool {
        self.inner.borrow().beliefs_agree()
    }

    /// What went wrong, with everything that passed.
    pub(crate) fn report(&self, why: &str) -> String {
        self.inner.borrow().report(why, self.seed)
    }

    /// Breaks the play off where it stands: nothing of it is looked at any more.
    pub(crate) fn breaks_off(&self) {
        self.inner.borrow_mut().ended = Some(Ok(()));
    }

    /// The drawing of the page so far.
    pub fn ladder(&self) -> Ladder {
        let inner = self.inner.borrow();
        let mut ladder = inner.ladder(inner.page());
        inner.leave_wings(&mut ladder);
        ladder
    }

    /// What the tap saw, for the [judge](crate::judge): the flow is this page, and what was before it set it up.
    pub fn observed(&self) -> Observed {
        let page = self.inner.borrow().page();
        self.observed_after(page)
    }

    /// How much the tap has seen, once the wire is at rest: where a flow begins that has several pages.
    pub fn seen(&self) -> usize {
        self.rest();
        self.inner.borrow().ground.rows()
    }

    /// What the tap saw, for the [judge](crate::judge): the flow is what came after the first `setup` rows, as
    /// [`Stage::seen`] counts them.
    pub fn observed_after(&self, setup: usize) -> Observed {
        self.inner.borrow().observed(setup)
    }

    /// In what this page differs from its drawing, with both drawings; nothing if it does not.
    pub fn differs_from(&self, expected: &str) -> Option<String> {
        self.rest();
        let differs = drawing::difference(expected, &self.ladder());
        let stopped = self.inner.borrow().stopped.clone();
        match (stopped, differs) {
            (Some(why), Some(differs)) => Some(format!("{why}\n{differs}")),
            (why, differs) => why.or(differs),
        }
    }

    /// Holds what passed on this page against its drawing.
    ///
    /// # Panics
    ///
    /// If it differs, or the play stopped; with both drawings. With `UPDATE_DRAWINGS=1` in the environment the
    /// source file is redrawn instead.
    #[track_caller]
    pub fn drawn(&self, expected: &str) {
        let at = std::panic::Location::caller();
        let Some(differs) = self.differs_from(expected) else { return };
        let redraws = std::env::var_os("UPDATE_DRAWINGS").is_some_and(|value| value == "1");
        if !redraws || self.inner.borrow().stopped.is_some() {
            self.fails(&differs);
        }
        if let Err(error) = drawing::replace(expected, &self.ladder(), at) {
            self.fails(&error);
        }
    }

    /// Holds that these pairs, and nobody else, hear each other.
    ///
    /// # Panics
    ///
    /// If it does not come to that, with what passed.
    #[track_caller]
    pub fn talking<const PAIRS: usize>(&self, wanted: [(Phone<'_>, Phone<'_>); PAIRS]) {
        let wanted = pairs(&wanted);
        if !self.comes_true(|inner| inner.talk_as(&wanted)) {
            let inner = self.inner.borrow();
            let text = inner.who_talks(&inner.in_words(&wanted));
            drop(inner);
            self.fails(&text);
        }
    }

    /// Holds that somebody talks with exactly one of these people, and nobody else with anybody; tells with
    /// whom.
    ///
    /// # Panics
    ///
    /// If it does not come to that, with what passed.
    #[track_caller]
    pub fn talks_with_one_of<'a>(&self, one: Phone<'a>, others: &[Phone<'a>]) -> Phone<'a> {
        let choices: Vec<_> = others.iter().map(|other| (*other, pairs(&[(one, *other)]))).collect();
        let come = self.comes_true(|inner| choices.iter().any(|(_, wanted)| inner.talk_as(wanted)));
        let found = choices.iter().find(|(_, wanted)| self.inner.borrow().talk_as(wanted));
        match found {
            Some((other, _)) if come => *other,
            _ => {
                let text = self.inner.borrow().who_talks("one of them");
                self.fails(&text)
            }
        }
    }

    /// Lets time pass until something is so; false if it never is. Fails if the play has stopped.
    #[track_caller]
    fn comes_true(&self, so: impl Fn(&Inner) -> bool) -> bool {
        let mut inner = self.inner.borrow_mut();
        inner.raise();
        let until = inner.ground.now() + inner.ground.pace().patience;
        let mut come = so(&inner);
        while inner.stopped.is_none() && !come && inner.step(until) {
            come = so(&inner);
        }
        let stopped = inner.stopped.clone();
        drop(inner);
        match stopped {
            Some(why) => self.fails(&why),
            None => come,
        }
    }

    /// Reads what the telephones told.
    pub(crate) fn read<R>(&self, reads: impl FnOnce(&Books) -> R) -> R {
        reads(&self.inner.borrow().books)
    }

    /// Lets a person do something once it can be done, a moment after it can. The play stops if it never can.
    pub(crate) fn acts<Call: Copy>(
        &self,
        said: &str,
        host: HostId,
        can: impl Fn(&Book) -> Option<Call>,
        does: impl FnOnce(&mut Book, Call) -> CallAction,
    ) {
        let manner = self.inner.borrow().manner;
        if let Manner::Trying { press, .. } = manner {
            let mut inner = self.inner.borrow_mut();
            let can = can(inner.books.of(host));
            inner.manner = Manner::Trying { press, could: can.is_some() };
            if let (Some(call), true) = (can, press) {
                inner.presses(host, |book| does(book, call));
            }
            return;
        }
        loop {
            self.waits(said, |books| can(books.of(host)).is_some());
            let mut inner = self.inner.borrow_mut();
            if inner.stopped.is_some() {
                return;
            }
            let until = inner.ground.now() + inner.reaction();
            while inner.step(until) {}
            // What could be done a moment ago may be too late now.
            if let Some(call) = can(inner.books.of(host)) {
                inner.presses(host, |book| does(book, call));
                return;
            }
        }
    }

    /// Lets a person do something in a call that is up, a moment after it is; nothing if it is over by then.
    pub(crate) fn tries(
        &self,
        said: &str,
        host: HostId,
        finds: impl Fn(&Book) -> Option<&Call>,
        does: impl FnOnce(&mut Book, CallName) -> CallAction,
    ) {
        self.waits(said, |books| finds(books.of(host)).is_some());
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_some() {
            return;
        }
        let until = inner.ground.now() + inner.reaction();
        while inner.step(until) {}
        let Some(book) = inner.books.of_mut(host) else { return };
        if let Some(call) = finds(book).filter(|call| !call.is_over()).map(|call| call.name) {
            let action = does(book, call);
            inner.press(host, action);
        }
    }

    /// Waits until something is so. The play stops if it never is.
    pub(crate) fn waits(&self, said: &str, so: impl Fn(&Books) -> bool) {
        self.waits_until(said, |inner| so(&inner.books));
    }

    /// Waits until somebody who was told that a call is over is told of another.
    pub(crate) fn waits_for_another_call(&self, said: &str, host: HostId) {
        let tells = |seen: &Seen, states: &[&str]| {
            let method = View::parse(&seen.bytes).ok().filter(View::is_request).map(|view| view.method());
            let text = String::from_utf8_lossy(&seen.bytes);
            let arrives = seen.to == host && !seen.lost && method == Some(Method::Notify);
            arrives && states.iter().any(|state| text.contains(&format!(">{state}</state>")))
        };
        self.waits_until(said, |inner| {
            inner.ground.tap(|tap| {
                let mut messages = tap.messages(0);
                messages.any(|seen| tells(seen, &["terminated"]))
                    && messages.any(|seen| tells(seen, &["early", "confirmed"]))
            })
        });
    }

    fn waits_until(&self, said: &str, so: impl Fn(&Inner) -> bool) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_some() {
            return;
        }
        inner.raise();
        if !so(&inner) {
            inner.ground.let_go();
        }
        let patience = inner.ground.pace().patience;
        let until = inner.ground.now() + patience;
        while inner.stopped.is_none() && !so(&inner) {
            if !inner.step(until) {
                inner.stopped = Some(format!("{said} could not be done in {} s", patience.as_secs()));
            }
        }
    }

    /// Lets the other side ring for as long as somebody has patience who gets no answer.
    pub(crate) fn lets_it_ring(&self, said: &str, host: HostId, rings: impl Fn(&Book) -> bool) {
        self.waits(said, |books| rings(books.of(host)));
        let patience = self.inner.borrow().ground.pace().rings;
        self.passes(patience);
    }

    /// An address as it is dialled here.
    pub(crate) fn dialled(&self, uri: &str) -> String {
        let mut inner = self.inner.borrow_mut();
        if inner.ground.via().is_some() {
            // Before that nobody is anywhere.
            inner.raise();
        }
        inner.ground.dialled(uri)
    }

    /// The listener of a person's other address.
    pub(crate) fn other_address(&self) -> ListenerId {
        self.inner.borrow().ground.other_address()
    }

    /// The flow is over: what comes now clears away. Tells why the play could not go on, if it could not.
    pub(crate) fn falls_silent(&self) -> Result<(), String> {
        self.rest();
        let mut inner = self.inner.borrow_mut();
        inner.over = Some((inner.ground.rows(), inner.ground.now()));
        inner.stopped.clone().map_or(Ok(()), Err)
    }

    /// Ends the play like [`Stage::end`], and tells in a sentence what was wrong with it.
    pub(crate) fn ends(&self) -> Result<(), String> {
        self.inner.borrow_mut().end()
    }

    /// Looks at everything behind the stage.
    pub(crate) fn looks<R>(&self, looks: impl FnOnce(&Inner) -> R) -> R {
        looks(&self.inner.borrow())
    }

    /// Stops the play unless something is so.
    pub(crate) fn expects(&self, said: &str, so: impl Fn(&Books) -> bool) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_none() && !so(&inner.books) {
            inner.stopped = Some(format!("{said} ended otherwise"));
        }
    }

    /// Lets the wire come to rest.
    fn rest(&self) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_none() {
            inner.rest();
        }
    }

    #[track_caller]
    fn fails(&self, why: &str) -> ! {
        let report = self.inner.borrow().report(why, self.seed);
        panic!("{report}");
    }

    /// Everything that passed since the stage was built, byte for byte, with times and ends.
    pub fn transcript(&self) -> String {
        let inner = self.inner.borrow();
        let mut text = String::new();
        inner.ground.tap(|tap| {
            for seen in tap.messages(0) {
                let (from, to) = (inner.ground.name(seen.from), inner.ground.name(seen.to));
                let lost = if seen.lost { " lost" } else { "" };
                let body = String::from_utf8_lossy(&seen.bytes);
                let written = write!(text, "{} {} {from} -> {to}{lost}\n{body}\n", seen.at, seen.transport);
                debug_assert!(written.is_ok(), "a String takes whatever is written");
            }
        });
        text
    }

    /// Ends the play: see [`Stage`]. Tells what was wrong with it, if anything.
    pub fn end(&self) -> Result<(), String> {
        let mut inner = self.inner.borrow_mut();
        let ended = inner.end();
        ended.map_err(|why| inner.report(&why, self.seed))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Whoever ended it was told what was wrong.
        if std::thread::panicking() || self.inner.borrow().ended.is_some() {
            return;
        }
        if let Err(report) = self.end() {
            panic!("{report}");
        }
    }
}

/// A seed as the generators want it.
fn seed_bytes(seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes
}

fn pairs(phones: &[(Phone<'_>, Phone<'_>)]) -> BTreeSet<[HostId; 2]> {
    phones.iter().map(|(one, other)| [one.host.min(other.host), one.host.max(other.host)]).collect()
}
