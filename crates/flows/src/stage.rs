//! A stage: the network, the people on it, the play, and what is held against it at its end.

use crate::book::{Book, Call};
use crate::cast::{self, Domain, Person};
use crate::drawing;
use crate::golden::Part;
use crate::judge::{Observed, ObservedMessage};
use crate::phone::Phone;
use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_ladder::{Ladder, Row};
use cordboard_service::call::{CallAction, CallName};
use cordboard_service::door::{Command, Event};
use cordboard_sim::tap::Entry;
use cordboard_sim::{Fault, Host, HostId, Notice, Order, Sim, Step, Weather};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// How long a person waits for what a verb needs before giving up on the play: longer than any transaction
/// and Timer C together.
const PATIENCE: Duration = Duration::from_mins(5);

/// How long a person takes to act: on a still network, and at most in a storm.
const STILL_REACTION: Duration = Duration::from_secs(1);
const LONGEST_REACTION: Duration = Duration::from_secs(2);

/// The wire is at rest when nothing passed for so long: longer than T2, the longest interval at which a
/// response is repeated (RFC 3261 §17.2.1).
const AT_REST: Duration = Duration::from_secs(5);

/// After everything is idle, the time in which nothing more may be sent: longer than Timer C.
const AFTERMATH: Duration = Duration::from_mins(4);

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

struct Inner {
    sim: Sim,
    books: Books,
    /// The row of the tap at which the page begins.
    page: usize,
    /// Rows of the tap before which a person acted: the pause above them is of no interest.
    acted: BTreeSet<usize>,
    /// Why the play could not go on.
    stopped: Option<String>,
    order: Vec<HostId>,
    manner: Manner,
    /// It is over, or was broken off: dropping it does nothing more.
    over: bool,
}

/// How people act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// They wait until they can, and then take a moment.
    Thinking,
    /// They wait until they can, and act in that moment.
    AtOnce,
    /// They act now or not at all, and what was tried last was possible or not.
    Trying {
        /// Whether they do it, or only see whether they could.
        press: bool,
        /// Whether it could be done.
        could: bool,
    },
}

/// What the telephones told.
#[derive(Default)]
pub(crate) struct Books(BTreeMap<HostId, Book>);

impl Books {
    pub(crate) fn of(&self, host: HostId) -> &Book {
        &self.0[&host]
    }
}

impl Stage {
    /// A still network: nothing is lost, and everything takes the same time.
    pub fn still() -> Self {
        Self::new(0, Weather::Still)
    }

    /// A bounded storm: the outcome must be exact.
    pub fn storm(seed: u64) -> Self {
        Self::new(seed, Weather::Bounded)
    }

    /// An unbounded storm: the play may stop anywhere, but everything ends by name and leaves nothing behind.
    pub fn unbounded_storm(seed: u64) -> Self {
        Self::new(seed, Weather::Unbounded)
    }

    fn new(seed: u64, weather: Weather) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let inner = Inner {
            sim: Sim::new(bytes, weather),
            books: Books::default(),
            page: 0,
            acted: BTreeSet::new(),
            stopped: None,
            order: Vec::new(),
            manner: Manner::Thinking,
            over: false,
        };
        Self { seed, inner: RefCell::new(inner) }
    }

    /// Puts a person with a telephone on the stage.
    pub fn person(&self, person: &Person) -> Phone<'_> {
        let mut inner = self.inner.borrow_mut();
        let host = inner.sim.stand(Host::listening(
            person.name,
            None,
            &person.addresses(),
            &cast::TRANSPORTS,
            person.settings(),
        ));
        inner.books.0.insert(host, Book::default());
        inner.order.push(host);
        Phone { stage: self, host, name: person.name, user: person.user, domain: person.domain }
    }

    /// Puts a switchboard on the stage, with its names in the hosts table.
    pub fn switchboard(&self, domain: &Domain) -> HostId {
        let mut inner = self.inner.borrow_mut();
        let at = cast::address(domain.address);
        let settings = domain.settings();
        let host = inner.sim.stand(Host::listening(
            domain.name,
            Some(domain.host),
            &[at],
            &cast::TRANSPORTS,
            settings,
        ));
        let transports = self.transports();
        let names = inner.sim.names_mut();
        names.host(domain.host, at);
        for name in domain.domains {
            for transport in transports {
                names.server(name, transport, domain.host, transport.default_port());
            }
        }
        let [preferred, _] = transports;
        names.server(domain.host, preferred, domain.host, preferred.default_port());
        inner.sim.command(host, &Command::UseDirectory(Arc::new(domain.directory())));
        inner.order.push(host);
        host
    }

    /// The transports of this stage, the preferred one first: some storms are played over streams.
    const fn transports(&self) -> [Transport; 2] {
        if self.seed % STREAMS_EVERY == STREAMS_EVERY - 1 {
            [Transport::Tcp, Transport::Udp]
        } else {
            [Transport::Udp, Transport::Tcp]
        }
    }

    /// Adds an address of a name to the hosts table.
    pub fn name(&self, name: &str, last: u8) {
        self.inner.borrow_mut().sim.names_mut().host(name, cast::address(last));
    }

    /// Lets a switchboard know of a contact that nobody registered, as an administrator would.
    pub fn provisions(&self, switchboard: HostId, aor: &str, contact: &str) {
        self.inner.borrow_mut().sim.provision(switchboard, aor, contact);
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
        self.inner.borrow_mut().sim.fault(fault);
    }

    /// Lets so much time pass.
    pub fn passes(&self, time: Duration) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_none() {
            let until = inner.sim.now() + time;
            while inner.step(until) {}
        }
    }

    /// Begins a new page of the drawing, once the wire is at rest.
    pub fn turn_page(&self) {
        self.rest();
        let mut inner = self.inner.borrow_mut();
        inner.page = inner.sim.tap().len();
    }

    /// Lets people act without a moment's thought, so that what they do in `acts` happens at one moment if all
    /// of it can be done.
    pub fn at_once(&self, acts: impl FnOnce()) {
        self.inner.borrow_mut().manner = Manner::AtOnce;
        acts();
        self.inner.borrow_mut().manner = Manner::Thinking;
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
        let step = inner.sim.step_in(order, until);
        inner.write_down();
        step
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> Instant {
        self.inner.borrow().sim.now()
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.inner.borrow().sim.is_quiet()
    }

    /// How many rows the tap has.
    pub(crate) fn rows(&self) -> usize {
        self.inner.borrow().sim.tap().len()
    }

    /// Why the play could not go on, if it could not.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.inner.borrow().stopped.clone()
    }

    /// Reads what the simulation knows.
    pub(crate) fn watch<R>(&self, reads: impl FnOnce(&Sim) -> R) -> R {
        reads(&self.inner.borrow().sim)
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
        self.inner.borrow_mut().over = true;
    }

    /// The drawing of the page so far.
    pub fn ladder(&self) -> Ladder {
        self.inner.borrow().ladder(self.inner.borrow().page)
    }

    /// What the tap saw, for the [judge](crate::judge): the flow is this page, and what was before it set it up.
    pub fn observed(&self) -> Observed {
        let page = self.inner.borrow().page;
        self.observed_after(page)
    }

    /// How much the tap has seen, once the wire is at rest: where a flow begins that has several pages.
    pub fn seen(&self) -> usize {
        self.rest();
        self.inner.borrow().sim.tap().len()
    }

    /// What the tap saw, for the [judge](crate::judge): the flow is what came after the first `setup` rows, as
    /// [`Stage::seen`] counts them.
    pub fn observed_after(&self, setup: usize) -> Observed {
        let inner = self.inner.borrow();
        let rows = inner.sim.tap().entries(0).iter().enumerate();
        let messages = rows.filter_map(|(row, entry)| {
            let Entry::Message(seen) = entry else { return None };
            Some(ObservedMessage {
                at: seen.at.since(Instant::START),
                from: inner.sim.name(seen.from).to_owned(),
                to: inner.sim.name(seen.to).to_owned(),
                bytes: seen.bytes.clone(),
                stage: if row < setup { Part::Setup } else { Part::Flow },
                retransmission: seen.again,
            })
        });
        Observed { messages: messages.collect() }
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
        let until = inner.sim.now() + PATIENCE;
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
            let until = inner.sim.now() + inner.reaction();
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
        let until = inner.sim.now() + inner.reaction();
        while inner.step(until) {}
        let Some(book) = inner.books.0.get_mut(&host) else { return };
        if let Some(call) = finds(book).filter(|call| !call.is_over()).map(|call| call.name) {
            let action = does(book, call);
            inner.press(host, action);
        }
    }

    /// Waits until something is so. The play stops if it never is.
    pub(crate) fn waits(&self, said: &str, so: impl Fn(&Books) -> bool) {
        let mut inner = self.inner.borrow_mut();
        if inner.stopped.is_some() {
            return;
        }
        let until = inner.sim.now() + PATIENCE;
        while !so(&inner.books) {
            if !inner.step(until) {
                inner.stopped = Some(format!("{said} could not be done in {} s", PATIENCE.as_secs()));
                return;
            }
        }
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
        for seen in inner.sim.tap().messages(0) {
            let (from, to) = (inner.sim.name(seen.from), inner.sim.name(seen.to));
            let lost = if seen.lost { " lost" } else { "" };
            let body = String::from_utf8_lossy(&seen.bytes);
            let written = write!(text, "{} {} {from} -> {to}{lost}\n{body}\n", seen.at, seen.transport);
            debug_assert!(written.is_ok(), "a String takes whatever is written");
        }
        text
    }

    /// Ends the play: see [`Stage`]. Tells what was wrong with it, if anything.
    pub fn end(&self) -> Result<(), String> {
        let mut inner = self.inner.borrow_mut();
        let ended = if inner.over { Ok(()) } else { inner.end() };
        inner.over = true;
        ended.map_err(|why| inner.report(&why, self.seed))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if let Err(report) = self.end() {
            panic!("{report}");
        }
    }
}

fn pairs(phones: &[(Phone<'_>, Phone<'_>)]) -> BTreeSet<[HostId; 2]> {
    phones.iter().map(|(one, other)| [one.host.min(other.host), one.host.max(other.host)]).collect()
}

impl Inner {
    /// Lets the next thing happen, and writes down what telephones told of it.
    fn step(&mut self, until: Instant) -> bool {
        let happened = self.sim.step(until);
        self.write_down();
        happened
    }

    /// Writes down what telephones told.
    fn write_down(&mut self) {
        while let Some(Notice { host, event, .. }) = self.sim.poll_notice() {
            if let (Event::Call(event), Some(book)) = (event, self.books.0.get_mut(&host)) {
                book.write(event);
            }
        }
    }

    fn reaction(&mut self) -> Duration {
        match self.manner {
            Manner::Thinking => self.sim.reaction(STILL_REACTION, LONGEST_REACTION),
            Manner::AtOnce | Manner::Trying { .. } => Duration::ZERO,
        }
    }

    /// Presses the button that the book of a telephone leads to.
    fn presses(&mut self, host: HostId, does: impl FnOnce(&mut Book) -> CallAction) {
        if let Some(book) = self.books.0.get_mut(&host) {
            let action = does(book);
            self.press(host, action);
        }
    }

    fn press(&mut self, host: HostId, action: CallAction) {
        self.acted.insert(self.sim.tap().len());
        self.sim.command(host, &Command::Call(action));
    }

    fn rest(&mut self) {
        let mut rows = usize::MAX;
        while rows != self.sim.tap().len() || !self.sim.is_quiet() {
            rows = self.sim.tap().len();
            let until = self.sim.now() + AT_REST;
            while self.step(until) {}
        }
    }

    fn ladder(&self, first: usize) -> Ladder {
        let mut ladder = self.sim.ladder(first);
        ladder.mark_pauses(Duration::from_millis(200));
        for (row, at) in ladder.rows.iter_mut().zip(first..) {
            if let (Row::Message(message), true) = (row, self.acted.contains(&at)) {
                message.passed = None;
            }
        }
        let drawn = std::mem::take(&mut ladder.actors);
        let order = self.order.iter().map(|host| self.sim.name(*host));
        ladder.actors =
            order.filter(|name| drawn.iter().any(|actor| actor == name)).map(str::to_owned).collect();
        ladder
    }

    /// Whether the sessions on the wire are these, and the telephones believe the same.
    fn talk_as(&self, wanted: &BTreeSet<[HostId; 2]>) -> bool {
        self.sim.sessions().talking() == *wanted && self.beliefs_agree()
    }

    fn in_words(&self, pairs: &BTreeSet<[HostId; 2]>) -> String {
        let words: Vec<String> =
            pairs.iter().map(|pair| pair.map(|host| self.sim.name(host).to_owned()).join(" with ")).collect();
        if words.is_empty() { "nobody".into() } else { words.join(", ") }
    }

    /// Who talks, in words, beside what was wanted.
    fn who_talks(&self, wanted: &str) -> String {
        let mut text =
            format!("wanted talking: {wanted}; are: {}\n", self.in_words(&self.sim.sessions().talking()));
        for (host, book) in &self.books.0 {
            let (up, told) = (self.sim.sessions().up(*host), book.established());
            let written = writeln!(text, "{}: {up} sessions up, tells of {told}", self.sim.name(*host));
            debug_assert!(written.is_ok(), "a String takes whatever is written");
        }
        text
    }

    /// Whether each telephone tells of as many calls as it has sessions.
    fn beliefs_agree(&self) -> bool {
        self.books.0.iter().all(|(host, book)| book.established() == self.sim.sessions().up(*host))
    }

    fn end(&mut self) -> Result<(), String> {
        if self.sim.weather() != Weather::Unbounded {
            if let Some(why) = &self.stopped {
                return Err(why.clone());
            }
            if let Some(fault) = self.sim.unused_faults().next() {
                return Err(fault.to_string());
            }
            self.rest();
            let mistaken = self.sim.sessions().one_sided();
            if let Some(host) = mistaken.first() {
                return Err(format!("{} has a call with nobody at its other end", self.sim.name(*host)));
            }
            if let Some((host, _)) = self.books.0.iter().find(|(_, book)| book.impossible > 0) {
                return Err(format!("{} was asked for something that did not fit", self.sim.name(*host)));
            }
            if !self.beliefs_agree() {
                return Err("a telephone tells of other calls than those it has".into());
            }
        }
        self.everybody_hangs_up()?;
        self.everybody_unregisters()?;
        self.comes_to_nothing()
    }

    /// Whoever has a call ends it. A call may come late, from an INVITE that took its time; so this is done
    /// again until there is none.
    fn everybody_hangs_up(&mut self) -> Result<(), String> {
        for host in self.books.0.keys().copied().collect::<Vec<_>>() {
            let live: Vec<_> = self.books.of(host).live().map(|call| call.name).collect();
            for call in &live {
                self.press(host, CallAction::HangUp(*call));
            }
            let until = self.sim.now() + PATIENCE;
            while self.books.of(host).live().any(|call| live.contains(&call.name)) {
                if !self.step(until) {
                    return Err(format!("a call of {} does not end", self.sim.name(host)));
                }
            }
            if !live.is_empty() {
                self.rest();
            }
        }
        Ok(())
    }

    /// A telephone keeps its registration until it is told to leave.
    fn everybody_unregisters(&mut self) -> Result<(), String> {
        self.sim.lift_silence();
        for host in self.books.0.keys().copied().collect::<Vec<_>>() {
            let Some(book) = self.books.0.get_mut(&host).filter(|book| book.asked > 0) else { continue };
            book.asked += 1;
            self.press(host, CallAction::Register { expires: Duration::ZERO });
            let until = self.sim.now() + PATIENCE;
            while self.books.of(host).registrations.len() < self.books.of(host).asked {
                if !self.step(until) {
                    return Err(format!("{} asked the registrar and was told nothing", self.sim.name(host)));
                }
            }
        }
        Ok(())
    }

    /// Nothing may be left behind, and nothing more may be sent.
    fn comes_to_nothing(&mut self) -> Result<(), String> {
        let until = self.sim.now() + PATIENCE * 2;
        while !self.sim.is_quiet() || !self.sim.left_behind().is_empty() {
            if !self.step(until) {
                return Err(format!("left behind: {}", self.sim.left_behind().join("; ")));
            }
            if self.books.0.values().any(|book| book.live().next().is_some()) {
                self.everybody_hangs_up()?;
            }
        }
        let rows = self.sim.tap().len();
        let until = self.sim.now() + AFTERMATH;
        while self.step(until) {}
        if self.sim.tap().len() > rows {
            return Err("something was sent after everything was over".into());
        }
        Ok(())
    }

    fn report(&self, why: &str, seed: u64) -> String {
        format!("{why}\nseed {seed}, {}everything that passed:\n{}", self.sim.losses(), self.ladder(0))
    }
}
