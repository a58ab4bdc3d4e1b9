//! Behind a stage: how its time passes, what its telephones told, and how a play ends.

use crate::book::Book;
use crate::golden::Part;
use crate::ground::Ground;
use crate::judge::{Observed, ObservedMessage, numbers};
use cordboard_core::time::Instant;
use cordboard_ladder::{Ladder, Row};
use cordboard_service::call::CallAction;
use cordboard_service::door::{Command, Event, Recorded};
use cordboard_service::operate::Operated;
use cordboard_sim::session::Sessions;
use cordboard_sim::tap::Entry;
use cordboard_sim::{HostId, Notice};
use cordboard_sip::{Method, View};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// After everything is idle, the time in which nothing more may be sent: longer than Timer C.
const AFTERMATH: Duration = Duration::from_mins(4);

/// For how long whoever can only be called through a server registers there.
const REGISTRATION: Duration = Duration::from_hours(1);

/// What a stage consists of.
pub(crate) struct Inner {
    pub(crate) ground: Ground,
    pub(crate) books: Books,
    /// The rows of the tap at which the pages begin.
    pub(crate) pages: Vec<usize>,
    /// The row at which the flow is over, and when, once it is.
    pub(crate) over: Option<(usize, Instant)>,
    /// Rows of the tap before which a person acted: the pause above them is of no interest.
    acted: BTreeSet<usize>,
    /// Why the play could not go on.
    pub(crate) stopped: Option<String>,
    /// Who stands on the stage, from left to right.
    pub(crate) order: Vec<HostId>,
    /// Who is not drawn.
    pub(crate) wings: BTreeSet<HostId>,
    pub(crate) manner: Manner,
    /// What came of what an operator did.
    pub(crate) operated: Vec<Operated>,
    /// What a switchboard remembers of a call.
    pub(crate) remembered: Vec<Recorded>,
    /// How the play ended, once it has.
    pub(crate) ended: Option<Result<(), String>>,
}

/// How people act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
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

    pub(crate) fn of_mut(&mut self, host: HostId) -> Option<&mut Book> {
        self.0.get_mut(&host)
    }

    /// Somebody with a telephone comes onto the stage.
    pub(crate) fn enters(&mut self, host: HostId) {
        self.0.insert(host, Book::default());
    }

    fn hosts(&self) -> Vec<HostId> {
        self.0.keys().copied().collect()
    }
}

impl Inner {
    pub(crate) const fn new(ground: Ground) -> Self {
        Self {
            ground,
            books: Books(BTreeMap::new()),
            pages: Vec::new(),
            over: None,
            acted: BTreeSet::new(),
            stopped: None,
            order: Vec::new(),
            wings: BTreeSet::new(),
            manner: Manner::Thinking,
            operated: Vec::new(),
            remembered: Vec::new(),
            ended: None,
        }
    }

    /// Lets the curtain rise, unless it has: from now on everybody is there, and nobody else comes.
    pub(crate) fn raise(&mut self) {
        let Ground::Sockets(sockets) = &mut self.ground else { return };
        if sockets.is_raised() {
            return;
        }
        match sockets.raise() {
            Ok(raised) => {
                self.order.extend(raised.undrawn);
                for host in raised.registering {
                    self.registers(host, REGISTRATION);
                }
                self.rest();
            }
            Err(why) => self.stopped = Some(why),
        }
        self.pages = vec![self.ground.rows()];
    }

    /// Begins a new page.
    pub(crate) fn turn_page(&mut self) {
        if self.pages.is_empty() {
            self.pages.push(0);
        }
        self.pages.push(self.ground.rows());
    }

    /// The row at which the page begins.
    pub(crate) fn page(&self) -> usize {
        self.pages.last().copied().unwrap_or_default()
    }

    /// The row at which the flow begins, if so many pages set it up.
    pub(crate) fn begins(&self, setup_pages: usize) -> usize {
        self.pages.get(setup_pages).copied().unwrap_or_else(|| self.page())
    }

    /// Everything that passed; the flow is what came after the first `setup` rows.
    pub(crate) fn observed(&self, setup: usize) -> Observed {
        let part = |row: usize| match self.over {
            _ if row < setup => Part::Setup,
            Some((over, _)) if row >= over => Part::Teardown,
            _ => Part::Flow,
        };
        let messages = self.ground.tap(|tap| {
            let rows = tap.entries(0).iter().enumerate();
            let messages = rows.filter_map(|(row, entry)| {
                let Entry::Message(seen) = entry else { return None };
                Some(ObservedMessage {
                    at: seen.at.since(Instant::START),
                    from: self.ground.name(seen.from).to_owned(),
                    to: self.ground.name(seen.to).to_owned(),
                    bytes: seen.bytes.clone(),
                    stage: part(row),
                    retransmission: seen.again,
                })
            });
            messages.collect()
        });
        self.as_staged(Observed { messages })
    }

    /// The same, with what passes in the wings marked as such.
    pub(crate) fn as_staged(&self, mut observed: Observed) -> Observed {
        let wings: Vec<&str> = self.wings.iter().map(|host| self.ground.name(*host)).collect();
        for message in &mut observed.messages {
            let off = wings.iter().any(|name| message.from == *name || message.to == *name);
            if off && message.stage == Part::Flow {
                message.stage = Part::Off;
            }
        }
        observed
    }

    /// Who hears whom.
    pub(crate) fn talking(&self) -> BTreeSet<[HostId; 2]> {
        self.ground.sessions(Sessions::talking)
    }

    fn sessions_up(&self, host: HostId) -> usize {
        self.ground.sessions(|sessions| sessions.up(host))
    }

    /// Lets the next thing happen, and writes down what telephones told of it.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        self.raise();
        let happened = self.ground.step(until);
        self.write_down();
        happened
    }

    /// Writes down what telephones told.
    pub(crate) fn write_down(&mut self) {
        while let Some(Notice { host, event, .. }) = self.ground.poll_notice() {
            match (event, self.books.of_mut(host)) {
                (Event::Call(event), Some(book)) => book.write(event),
                (Event::Operated(_, operated), _) => self.operated.push(operated),
                (Event::Messages(_, messages), _) => self.remembered.extend(messages),
                _ => {}
            }
        }
    }

    /// People act without a moment's thought from now on.
    pub(crate) fn acts_at_once(&mut self) {
        self.manner = Manner::AtOnce;
        self.ground.hold_up();
    }

    /// They think again before they act.
    pub(crate) fn acts_no_more(&mut self) {
        self.manner = Manner::Thinking;
        self.ground.let_go();
    }

    pub(crate) fn reaction(&mut self) -> Duration {
        match self.manner {
            Manner::Thinking => self.ground.reaction(),
            Manner::AtOnce | Manner::Trying { .. } => Duration::ZERO,
        }
    }

    /// The Call-IDs of the calls so far, in the order in which they were begun.
    pub(crate) fn calls_begun(&self) -> Vec<Box<str>> {
        let mut begun: Vec<Box<str>> = Vec::new();
        self.ground.tap(|tap| {
            for seen in tap.messages(0) {
                let Ok(view) = View::parse(&seen.bytes) else { continue };
                let invites = view.is_request() && view.method() == Method::Invite;
                if invites && view.to_tag().is_none() && !begun.iter().any(|call| **call == *view.call_id()) {
                    begun.push(view.call_id().into());
                }
            }
        });
        begun
    }

    /// Presses the button that the book of a telephone leads to.
    pub(crate) fn presses(&mut self, host: HostId, does: impl FnOnce(&mut Book) -> CallAction) {
        if let Some(book) = self.books.of_mut(host) {
            let action = does(book);
            self.press(host, action);
        }
    }

    pub(crate) fn press(&mut self, host: HostId, action: CallAction) {
        self.acted.insert(self.ground.rows());
        self.ground.command(host, Command::Call(action));
    }

    /// Lets the wire come to rest.
    pub(crate) fn rest(&mut self) {
        let mut rows = usize::MAX;
        while rows != self.ground.rows() || !self.ground.is_quiet() {
            rows = self.ground.rows();
            let until = self.ground.now() + self.ground.pace().rest;
            while self.step(until) {}
        }
    }

    /// The drawing from a row on.
    pub(crate) fn ladder(&self, first: usize) -> Ladder {
        let mut ladder = self.ground.ladder(first);
        ladder.mark_pauses(Duration::from_millis(200));
        for (row, at) in ladder.rows.iter_mut().zip(first..) {
            if let (Row::Message(message), true) = (row, self.acted.contains(&at)) {
                message.passed = None;
            }
        }
        let drawn = std::mem::take(&mut ladder.actors);
        let order = self.order.iter().map(|host| self.ground.name(*host));
        ladder.actors =
            order.filter(|name| drawn.iter().any(|actor| actor == name)).map(str::to_owned).collect();
        ladder
    }

    /// Takes out of a drawing what passed in the wings.
    pub(crate) fn leave_wings(&self, ladder: &mut Ladder) {
        let wings: Vec<&str> = self.wings.iter().map(|host| self.ground.name(*host)).collect();
        let in_wings = |name: &str| wings.contains(&name);
        ladder.rows.retain(|row| row.ends().is_none_or(|ends| !ends.into_iter().any(in_wings)));
        ladder.actors.retain(|name| !in_wings(name));
    }

    /// The drawing of the flow, which begins at a row and ends where the play was over.
    pub(crate) fn ladder_of_flow(&self, begins: usize) -> Ladder {
        let mut ladder = self.ladder(begins);
        let rows = self.over.map_or(usize::MAX, |(over, _)| over.saturating_sub(begins));
        ladder.rows.truncate(rows);
        self.leave_wings(&mut ladder);
        let drawn = |name: &String| ladder.rows.iter().filter_map(Row::ends).flatten().any(|end| end == name);
        ladder.actors.retain(drawn);
        ladder
    }

    /// Whether the sessions on the wire are these, and the telephones believe the same.
    pub(crate) fn talk_as(&self, wanted: &BTreeSet<[HostId; 2]>) -> bool {
        self.talking() == *wanted && self.beliefs_agree()
    }

    /// Pairs of people in words.
    pub(crate) fn in_words(&self, pairs: &BTreeSet<[HostId; 2]>) -> String {
        let words: Vec<String> = pairs
            .iter()
            .map(|pair| pair.map(|host| self.ground.name(host).to_owned()).join(" with "))
            .collect();
        if words.is_empty() { "nobody".into() } else { words.join(", ") }
    }

    /// Who talks, in words, beside what was wanted.
    pub(crate) fn who_talks(&self, wanted: &str) -> String {
        let mut text = format!("wanted talking: {wanted}; are: {}\n", self.in_words(&self.talking()));
        for (host, book) in &self.books.0 {
            let (up, told) = (self.sessions_up(*host), book.established());
            let written = writeln!(text, "{}: {up} sessions up, tells of {told}", self.ground.name(*host));
            debug_assert!(written.is_ok(), "a String takes whatever is written");
        }
        text
    }

    /// Whether each telephone tells of as many calls as it has sessions.
    pub(crate) fn beliefs_agree(&self) -> bool {
        self.books.0.iter().all(|(host, book)| book.established() == self.sessions_up(*host))
    }

    /// Ends the play: see [`Stage`](crate::Stage).
    pub(crate) fn end(&mut self) -> Result<(), String> {
        if let Some(ended) = &self.ended {
            return ended.clone();
        }
        let ended = self.clears_away();
        if let Ground::Sockets(sockets) = &mut self.ground {
            sockets.fall();
        }
        self.ended = Some(ended.clone());
        ended
    }

    fn clears_away(&mut self) -> Result<(), String> {
        if !self.ground.is_unbounded() {
            if let Some(why) = &self.stopped {
                return Err(why.clone());
            }
            if let Some(fault) = self.ground.unused_fault() {
                return Err(fault);
            }
            self.rest();
            let mistaken = self.ground.sessions(Sessions::one_sided);
            if let Some(host) = mistaken.first() {
                return Err(format!("{} has a call with nobody at its other end", self.ground.name(*host)));
            }
            if let Some((host, _)) = self.books.0.iter().find(|(_, book)| book.impossible > 0) {
                return Err(format!("{} was asked for something that did not fit", self.ground.name(*host)));
            }
            if !self.beliefs_agree() {
                return Err("a telephone tells of other calls than those it has".into());
            }
        }
        self.everybody_hangs_up()?;
        self.everybody_unregisters()?;
        self.comes_to_nothing()?;
        self.everybody_counts()
    }

    /// Every response has the number of its request, and those of a side rise, whatever was played and in whatever weather.
    fn everybody_counts(&self) -> Result<(), String> {
        let wrong = numbers(&self.observed(0));
        if wrong.is_empty() {
            return Ok(());
        }
        let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        Err(format!("requests are not counted as they should be:\n{}", wrong.join("\n")))
    }

    /// Whoever has a call ends it. A call may come late, from an INVITE that took its time; so this is done
    /// again until there is none.
    fn everybody_hangs_up(&mut self) -> Result<(), String> {
        for host in self.books.hosts() {
            let live: Vec<_> = self.books.of(host).live().map(|call| call.name).collect();
            for call in &live {
                self.press(host, CallAction::HangUp(*call));
            }
            let until = self.ground.now() + self.ground.pace().patience;
            while self.books.of(host).live().any(|call| live.contains(&call.name)) {
                if !self.step(until) {
                    return Err(format!("a call of {} does not end", self.ground.name(host)));
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
        self.ground.lift_silence();
        for host in self.books.hosts() {
            if self.books.of(host).asked > 0 && !self.registers(host, Duration::ZERO) {
                return Err(format!("{} asked the registrar and was told nothing", self.ground.name(host)));
            }
        }
        Ok(())
    }

    /// Lets a telephone register, or leave, and waits until it is told what came of it. False if it never is.
    fn registers(&mut self, host: HostId, expires: Duration) -> bool {
        let Some(book) = self.books.of_mut(host) else { return false };
        book.asked += 1;
        self.press(host, CallAction::Register { expires });
        let until = self.ground.now() + self.ground.pace().patience;
        while self.books.of(host).registrations.len() < self.books.of(host).asked {
            if !self.step(until) {
                return false;
            }
        }
        true
    }

    /// Nothing may be left behind, and nothing more may be sent.
    fn comes_to_nothing(&mut self) -> Result<(), String> {
        let until = self.ground.now() + self.ground.pace().patience * 2;
        // On sockets nobody waits until the last timer has fired.
        while let Ground::Simulated(sim, _) = &self.ground
            && !(sim.is_quiet() && sim.left_behind().is_empty())
        {
            let left = sim.left_behind().join("; ");
            if !self.step(until) {
                return Err(format!("left behind: {left}"));
            }
            if self.books.0.values().any(|book| book.live().next().is_some()) {
                self.everybody_hangs_up()?;
            }
        }
        if matches!(self.ground, Ground::Sockets(_)) {
            return Ok(());
        }
        let rows = self.ground.rows();
        let until = self.ground.now() + AFTERMATH;
        while self.step(until) {}
        if self.ground.rows() > rows {
            return Err("something was sent after everything was over".into());
        }
        Ok(())
    }

    /// What is told of a play that failed.
    pub(crate) fn report(&self, why: &str, seed: u64) -> String {
        format!("{why}\nseed {seed}, {}everything that passed:\n{}", self.ground.losses(), self.ladder(0))
    }
}
