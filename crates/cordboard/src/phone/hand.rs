//! The hand at the telephone: takes what happens, one thing after the other, and does what each line says.

use cordboard_media::{Event as SoundEvent, session};
use cordboard_net::{Clock, Running, Sound};
use cordboard_service::Agent;
use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::door::Command;
use cordboard_service::watch::WatchEvent;
use serde_json::json;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::PhoneError;
use super::address::Addresses;
use super::calls::Calls;
use super::expect::Expect;
use super::happening::{Happening, Looking};
use super::lines::Lines;
use super::of_calls::of_call;
use super::of_sound::of_sound;
use super::recorder::Recorder;
use super::report::{Mood, Report};
use super::screen::Screen;
use super::told::Told;
use super::verb::Line;
use super::watches::Watches;

/// How often what was heard is written down.
const WRITE_DOWN: Duration = Duration::from_millis(250);

/// Samples that are kept until then, with much room for a busy machine.
pub(super) const HEARD: usize = 10 * session::RATE as usize;

/// How long everybody has to take note that we leave.
const FAREWELL: Duration = Duration::from_secs(4);

/// How long after the last message of ours we stay to send it again if it was lost: longer than T1.
const LINGER: Duration = Duration::from_millis(600);

/// Verbs in the background that may go on at a time.
const MAX_PENDING: usize = 64;

/// A verb that is not done.
pub(super) struct Pending {
    id: u64,
    /// The line, for its failure.
    verb: String,
    expect: Expect,
    /// What comes next when it is done.
    then: Option<Then>,
    /// Whether nobody waits for it.
    in_background: bool,
}

/// What comes after a hold.
pub(super) enum Then {
    /// To call somebody and ask about this call.
    Ask(u32, String),
    /// To have this music server play to the other side.
    Music(CallName, Box<str>),
}

/// What became of one turn.
pub(super) enum Turn {
    /// Something was looked at, or nothing happened.
    Done,
    Line(String),
    NoMoreLines,
    Interrupted,
}

/// The hand, the telephone, and everything beside it.
pub(super) struct Hand {
    pub(super) running: Running<Agent>,
    pub(super) clock: Clock,
    pub(super) sound: Sound,
    pub(super) calls: Calls,
    pub(super) addresses: Addresses,
    /// Whether there is anybody to register with.
    pub(super) registers: bool,
    pub(super) auto_answer: bool,
    pub(super) recorder: Option<Recorder>,
    pub(super) screen: Screen,
    pub(super) lines: Lines,
    pub(super) told: Told,
    pub(super) watches: Watches,
    /// The message that came last, for the link in it.
    pub(super) message: Option<String>,
    looking: Looking,
    /// What is not looked at in the middle of something else: a line at most, and signals.
    later: VecDeque<Happening>,
    pending: Vec<Pending>,
    /// The ends of verbs that somebody waits for.
    ended: Vec<(u64, Result<(), String>)>,
    begun: u64,
    registered: bool,
    written: Instant,
    /// When a call was ended from here.
    left: Option<Instant>,
}

/// What a hand is made of.
pub(super) struct Parts {
    pub(super) running: Running<Agent>,
    pub(super) clock: Clock,
    pub(super) sound: Sound,
    pub(super) addresses: Addresses,
    pub(super) registers: bool,
    pub(super) auto_answer: bool,
    pub(super) recorder: Option<Recorder>,
    pub(super) screen: Screen,
    pub(super) lines: Lines,
    pub(super) looking: Looking,
}

impl Hand {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            running: parts.running,
            clock: parts.clock,
            sound: parts.sound,
            calls: Calls::default(),
            addresses: parts.addresses,
            registers: parts.registers,
            auto_answer: parts.auto_answer,
            recorder: parts.recorder,
            screen: parts.screen,
            lines: parts.lines,
            told: Told::default(),
            watches: Watches::default(),
            message: None,
            looking: parts.looking,
            later: VecDeque::new(),
            pending: Vec::new(),
            ended: Vec::new(),
            begun: 0,
            registered: false,
            written: Instant::now(),
            left: None,
        }
    }

    /// Does what the lines say until there are no more, `quit` is one, or somebody interrupts. A line of a script
    /// that fails ends it; a person goes on.
    pub(super) fn follow_lines(&mut self) -> Result<(), PhoneError> {
        let mut number = 0;
        loop {
            self.lines.want();
            let text = loop {
                match self.turn(WRITE_DOWN)? {
                    Turn::Done => {}
                    Turn::Line(text) => break text,
                    Turn::NoMoreLines => return Ok(()),
                    Turn::Interrupted if self.lines.are_typed => return Ok(()),
                    Turn::Interrupted => return Err(PhoneError::Interrupted),
                }
            };
            number += 1;
            let outcome = match Line::parse(&text) {
                Ok(None) => continue,
                Ok(Some(line)) if line.verb == super::verb::Verb::Quit => return Ok(()),
                Ok(Some(line)) => self.carry_out(&text, line)?,
                Err(says) => Err(says),
            };
            match outcome {
                Ok(()) if self.screen.is_json() => {
                    self.show(&Report::new("done", Mood::Plain, String::new()).with("verb", text.trim()))?;
                }
                Ok(()) => {}
                Err(says) => {
                    self.show_failure(&text, &says)?;
                    if !self.lines.are_typed {
                        return Err(PhoneError::Line { number, verb: text.trim().to_owned(), says });
                    }
                }
            }
        }
    }

    fn show_failure(&mut self, verb: &str, says: &str) -> Result<(), PhoneError> {
        // A script's last failure is also the program's, on standard error.
        if self.screen.is_json() || self.lines.are_typed {
            let verb = verb.trim();
            let report = Report::new("failed", Mood::Bad, format!("{verb}: {says}"));
            self.show(&report.with("verb", verb).with("says", says))?;
        }
        Ok(())
    }

    /// Shows something, and keeps it for whoever waits for it.
    pub(super) fn tell(&mut self, report: Report) -> Result<(), PhoneError> {
        self.show(&report)?;
        self.told.add(report);
        Ok(())
    }

    pub(super) fn show(&mut self, report: &Report) -> Result<(), PhoneError> {
        self.screen.show(self.clock.now(), report).map_err(PhoneError::Printing)
    }

    /// Presses a button, and looks at what came of it at once.
    pub(super) fn press(&mut self, action: CallAction) -> Result<(), PhoneError> {
        self.running.command(Command::Call(action));
        while let Some(happening) = self.looking.next(Duration::ZERO) {
            match happening {
                Happening::Call(event) => self.call_told(&event)?,
                Happening::Sound(call, event) => self.sound_told(call, &event)?,
                other => self.later.push_back(other),
            }
        }
        Ok(())
    }

    /// Begins a verb that is done when `expect` is told.
    pub(super) fn begin(
        &mut self,
        line: &(String, bool),
        action: CallAction,
        expect: Expect,
        then: Option<Then>,
    ) -> Result<Result<(), String>, PhoneError> {
        if self.pending.len() >= MAX_PENDING {
            return Ok(Err("too many verbs are not done yet; try again when some are".to_owned()));
        }
        let (verb, in_background) = line.clone();
        self.begun += 1;
        let id = self.begun;
        self.pending.push(Pending { id, verb, expect, then, in_background });
        self.press(action)?;
        if in_background {
            return Ok(Ok(()));
        }
        loop {
            if let Some(at) = self.ended.iter().position(|(ended, _)| *ended == id) {
                return Ok(self.ended.swap_remove(at).1);
            }
            self.wait_a_turn(WRITE_DOWN)?;
        }
    }

    /// Looks at the next thing while a verb goes on: no line is read then.
    pub(super) fn wait_a_turn(&mut self, patience: Duration) -> Result<(), PhoneError> {
        match self.turn(patience)? {
            Turn::Interrupted => Err(PhoneError::Interrupted),
            // No line is wanted while a verb goes on.
            Turn::Done | Turn::Line(_) | Turn::NoMoreLines => Ok(()),
        }
    }

    /// Looks at the next thing that happens, for at most so long.
    pub(super) fn turn(&mut self, patience: Duration) -> Result<Turn, PhoneError> {
        if self.looking.has_overflown() {
            return Err(PhoneError::Overwhelmed);
        }
        let happening = match self.later.pop_front() {
            Some(happening) => Some(happening),
            None => self.looking.next(patience.min(WRITE_DOWN)),
        };
        if self.written.elapsed() >= WRITE_DOWN {
            self.write_down()?;
        }
        match happening {
            None => Ok(Turn::Done),
            Some(Happening::Call(event)) => self.call_told(&event).map(|()| Turn::Done),
            Some(Happening::Sound(call, event)) => self.sound_told(call, &event).map(|()| Turn::Done),
            Some(Happening::Line(line)) => Ok(Turn::Line(line)),
            Some(Happening::NoMoreLines) => Ok(Turn::NoMoreLines),
            Some(Happening::Interrupted) => Ok(Turn::Interrupted),
        }
    }

    fn call_told(&mut self, event: &CallEvent) -> Result<(), PhoneError> {
        self.calls.follow(event);
        let hears = matches!(event, CallEvent::Ended { call, .. } if self.sound.hears(*call));
        let ended = self.sound.follow(event).map_err(PhoneError::Sound)?;
        if let CallEvent::Watching(event) = event {
            self.watches.follow(event);
        }
        if let Some(report) = of_call(event, &self.calls, &self.watches) {
            self.tell(report)?;
        }
        match event {
            CallEvent::Registered { contacts } => self.registered = !contacts.is_empty(),
            CallEvent::NotRegistered(_) => self.registered = false,
            CallEvent::MessageReceived { body, .. } => self.message = Some(body.to_string()),
            CallEvent::Incoming { call, .. } if self.auto_answer => {
                self.running.command(Command::Call(CallAction::Answer(*call)));
            }
            CallEvent::Ended { call, by_peer, .. } => {
                if !by_peer {
                    self.left = Some(Instant::now());
                }
                let rest = ended.filter(|_| hears).and_then(|mut session| session.take_recorded());
                self.call_over(*call, rest.map(|samples| samples.values))?;
            }
            CallEvent::Watching(WatchEvent::Ended { watch, .. } | WatchEvent::Impossible(watch)) => {
                self.watches.remove(*watch);
            }
            _ => {}
        }
        self.judge(event)
    }

    /// Closes what belonged to a call.
    fn call_over(&mut self, call: CallName, rest: Option<Vec<i16>>) -> Result<(), PhoneError> {
        let number = self.calls.number(call);
        if let Some(recorder) = &mut self.recorder {
            recorder.add(number, &rest.unwrap_or_default()).map_err(PhoneError::Recording)?;
            if let Some((file, seconds)) = recorder.close(number) {
                let says = format!("[{number}] {seconds:.1} s were recorded into {}", file.display());
                let report = Report::new("recorded", Mood::Plain, says).with("call", number);
                self.tell(report.with("file", file.display().to_string()).with("seconds", json!(seconds)))?;
            }
        }
        self.calls.remove(call);
        Ok(())
    }

    fn sound_told(&mut self, call: CallName, event: &SoundEvent) -> Result<(), PhoneError> {
        let number = self.calls.number(call);
        if self.calls.get(number).is_none() {
            return Ok(());
        }
        if let SoundEvent::Hears(sound) = event {
            self.calls.change(call, |call| call.hears = sound.clone());
        }
        match of_sound(number, event) {
            Some(report) => self.tell(report),
            None => Ok(()),
        }
    }

    /// Ends the verbs that an event ends.
    fn judge(&mut self, event: &CallEvent) -> Result<(), PhoneError> {
        let mut at = 0;
        while at < self.pending.len() {
            let Some(outcome) = self.pending[at].expect.judge(event) else {
                at += 1;
                continue;
            };
            let pending = self.pending.swap_remove(at);
            let outcome = match (outcome, pending.then) {
                (Ok(()), Some(Then::Ask(held, whom))) => self.dial(&whom, Some(held))?,
                (Ok(()), Some(Then::Music(call, from))) => {
                    let expect = Expect::Transferred(call);
                    self.pending.push(Pending { expect, then: None, ..pending });
                    self.press(CallAction::MusicOnHold { call, from })?;
                    continue;
                }
                (outcome, _) => outcome,
            };
            match outcome {
                Err(says) if pending.in_background => {
                    let report = Report::new("failed", Mood::Bad, format!("{}: {says}", pending.verb));
                    self.show(&report.with("verb", pending.verb).with("says", says))?;
                }
                Ok(()) if pending.in_background => {}
                outcome => self.ended.push((pending.id, outcome)),
            }
        }
        Ok(())
    }

    /// Calls somebody, `asks_for` a call that waits.
    pub(super) fn dial(
        &mut self,
        whom: &str,
        asks_for: Option<u32>,
    ) -> Result<Result<(), String>, PhoneError> {
        let to = whom.into();
        self.begin_call(whom, asks_for, |call| CallAction::Dial { call, to, offer: true })
    }

    /// Begins a call to `whom` by a button.
    pub(super) fn begin_call(
        &mut self,
        whom: &str,
        asks_for: Option<u32>,
        button: impl FnOnce(CallName) -> CallAction,
    ) -> Result<Result<(), String>, PhoneError> {
        let name = self.calls.next_name();
        let number = self.calls.add(name, whom, super::calls::Stage::Dialing);
        self.calls.change(name, |call| call.asks_for = asks_for);
        let says = format!("[{number}] calling {whom}");
        self.tell(Report::new("dialing", Mood::Plain, says).with("call", number).with("to", whom))?;
        self.begun += 1;
        let id = self.begun;
        let expect = Expect::Established(name);
        let verb = String::new();
        self.pending.push(Pending { id, verb, expect, then: None, in_background: false });
        self.press(button(name))?;
        // What cannot be dialled is told at once; nobody waits for the rest.
        self.pending.retain(|pending| pending.id != id);
        let ended = self.ended.iter().position(|(ended, _)| *ended == id);
        let outcome = ended.map_or(Ok(()), |at| self.ended.swap_remove(at).1);
        if outcome.is_err() && self.calls.get(number).is_some_and(|call| call.name == name) {
            self.calls.remove(name);
            return Ok(Err(format!(
                "{whom} cannot be called now; try an address such as sip:NAME@HOST, or `calls`"
            )));
        }
        Ok(Ok(()))
    }

    /// Writes down what was heard since the last time.
    fn write_down(&mut self) -> Result<(), PhoneError> {
        self.written = Instant::now();
        let Some(recorder) = &mut self.recorder else { return Ok(()) };
        for call in self.sound.calls().collect::<Vec<_>>() {
            let heard = self.sound.with(call, |_, session| session.take_recorded()).flatten();
            if let Some(samples) = heard.filter(|_| self.sound.hears(call)) {
                recorder.add(self.calls.number(call), &samples.values).map_err(PhoneError::Recording)?;
            }
        }
        Ok(())
    }

    /// Hangs up, unregisters, and stays until that is known, or not much longer.
    pub(super) fn leave(&mut self) -> Result<(), PhoneError> {
        self.auto_answer = false;
        self.write_down()?;
        let until = Instant::now() + FAREWELL;
        let names: Vec<CallName> = self.calls.iter().map(|(_, call)| call.name).collect();
        for name in names {
            self.press(CallAction::HangUp(name))?;
        }
        if self.registered {
            self.press(CallAction::Register { expires: Duration::ZERO })?;
        }
        loop {
            let lingers = self.left.is_some_and(|left| left.elapsed() < LINGER);
            let busy = self.registered || !self.calls.is_empty() || lingers;
            if !busy || Instant::now() >= until {
                return Ok(());
            }
            // Who interrupts again does not want to wait.
            if matches!(self.turn(Duration::from_millis(50))?, Turn::Interrupted) {
                return Ok(());
            }
        }
    }
}
