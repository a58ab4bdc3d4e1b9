//! What each verb does: which button is pressed, and what is waited for.

use cordboard_media::Digit;
use cordboard_service::call::{CallAction, CallName};
use cordboard_sip::Status;
use std::time::{Duration, Instant};

use super::PhoneError;
use super::calls::{Call, Stage};
use super::expect::Expect;
use super::hand::{HEARD, Hand, Then};
use super::of_sound::of_hearing;
use super::playing;
use super::recorder::Recorder;
use super::report::{self, Mood, Report};
use super::told::EVENTS;
use super::verb::{Line, Verb, Wanted};
use super::vocabulary::{help, words};

/// For how long we want to be registered.
const REGISTERED: Duration = Duration::from_hours(1);

/// How long one digit is pressed.
const PRESSED: Duration = Duration::from_millis(100);

/// How long pressed digits may take to be sent.
const DIGITS: Duration = Duration::from_secs(30);

/// Whether it went well, or why not in a sentence; outside of that, why nothing goes on at all.
pub(super) type Outcome = Result<Result<(), String>, PhoneError>;

impl Hand {
    /// Does what a line says, and waits until it is done, unless it is in the background.
    pub(super) fn carry_out(&mut self, text: &str, line: Line) -> Outcome {
        // At a prompt nobody waits: what comes of it is shown when it comes.
        let line_is = (text.trim().to_owned(), line.in_background || self.lines.are_typed);
        let line_is = &line_is;
        match line.verb {
            Verb::Register if !self.registers => {
                Ok(Err("there is nobody to register with; try to start with --domain HOST".to_owned()))
            }
            Verb::Register => self.register(line_is, REGISTERED),
            Verb::Unregister => self.register(line_is, Duration::ZERO),
            Verb::Dial(whom) => match self.addresses.uri(&whom) {
                Ok(uri) => self.dial(&uri, None),
                Err(says) => Ok(Err(says)),
            },
            Verb::Early(number) => self.in_call(number, rings_here, "rings here", |hand, name| {
                hand.begin(line_is, CallAction::Progress(name), Expect::Sounds(name), None)
            }),
            Verb::Answer(number) => self.answer(line_is, number),
            Verb::Decline(number, status) => self.decline(line_is, number, status),
            Verb::Hold(number) => self.hold(line_is, number, None),
            Verb::Resume(number) => {
                let fits = |call: &Call| call.stage == Stage::Up && call.holds;
                self.in_call(number, fits, "is on hold", |hand, name| {
                    hand.begin(line_is, CallAction::Resume(name), Expect::Held(name, false), None)
                })
            }
            Verb::Transfer(number, whom) => {
                self.hand_over(line_is, number, &whom, |call, to| CallAction::Transfer { call, to })
            }
            Verb::Consult(number, whom) => match self.addresses.uri(&whom) {
                Ok(uri) => self.hold(line_is, number, Some(uri)),
                Err(says) => Ok(Err(says)),
            },
            Verb::Complete => self.complete(line_is, |call, target| CallAction::TransferTo { call, target }),
            Verb::Bridge => self.complete(line_is, |call, target| CallAction::Bridge { call, target }),
            Verb::Link(number, whom) => {
                self.hand_over(line_is, number, &whom, |call, to| CallAction::TransferByMessage { call, to })
            }
            Verb::Move(number, whom) => {
                self.hand_over(line_is, number, &whom, |call, to| CallAction::MoveTo { call, to })
            }
            Verb::Message(whom, text) => match self.addresses.uri(&whom) {
                Ok(uri) => {
                    let to: Box<str> = uri.into();
                    let action = CallAction::SendMessage { to: to.clone(), body: text.into() };
                    self.begin(line_is, action, Expect::Sent(to), None)
                }
                Err(says) => Ok(Err(says)),
            },
            Verb::Follow(link) => match link.or_else(|| self.message.clone()) {
                Some(link) => {
                    let to = link.clone().into();
                    self.begin_call(&link, None, |call| CallAction::Follow { call, link: to })
                }
                None => Ok(Err("no message has come with a link in it; try `follow LINK`".to_owned())),
            },
            Verb::HangUp(number) => self.in_call(
                number,
                |_| true,
                "is there",
                |hand, name| hand.begin(line_is, CallAction::HangUp(name), Expect::Ended(name), None),
            ),
            Verb::Dtmf(digits) => self.dtmf(&digits),
            verb @ (Verb::Click(..)
            | Verb::Info(_)
            | Verb::Identify(..)
            | Verb::Refuse(_)
            | Verb::Accept
            | Verb::Bindings
            | Verb::Music(..)
            | Verb::Park(..)
            | Verb::TakeBack(_)
            | Verb::Retrieve(_)
            | Verb::PickUp(_)
            | Verb::Redial(..)
            | Verb::Host(_)
            | Verb::CallIn(_)
            | Verb::Confer(_)
            | Verb::Join(..)
            | Verb::Watch(..)
            | Verb::Roster(_)
            | Verb::Unwatch(_)
            | Verb::Options(_)
            | Verb::Abilities(_)
            | Verb::Dialog(_)) => self.serve(line_is, verb),
            Verb::Calls => {
                let report = report::of_calls(&self.calls);
                self.show(&report).map(Ok)
            }
            Verb::Heard => {
                for report in of_hearing(&self.calls) {
                    self.show(&report)?;
                }
                Ok(Ok(()))
            }
            Verb::Wait(wanted) => self.wait(&wanted),
            Verb::Sleep(time) => self.sleep(time).map(Ok),
            Verb::Play(path) => Ok(self.play(playing::file(&path))),
            Verb::Tone(frequency) => Ok(self.play(playing::tone(frequency))),
            Verb::Quiet => Ok(self.play(Ok(playing::Playing::default()))),
            Verb::Record(path) => {
                self.recorder = Some(Recorder::new(path));
                self.sound.record(HEARD);
                Ok(Ok(()))
            }
            Verb::Help => self.help().map(Ok),
            // It ends the lines before it comes here.
            Verb::Quit => Ok(Ok(())),
        }
    }

    pub(super) fn register(&mut self, line: &(String, bool), expires: Duration) -> Outcome {
        self.begin(line, CallAction::Register { expires }, Expect::Registered, None)
    }

    /// Does something in call `number`, or in the newest that fits.
    pub(super) fn in_call(
        &mut self,
        number: Option<u32>,
        fits: impl Fn(&Call) -> bool,
        which: &str,
        act: impl FnOnce(&mut Self, CallName) -> Outcome,
    ) -> Outcome {
        let chosen = match number {
            Some(number) => self.calls.get(number).filter(|call| fits(call)),
            None => self.calls.newest(&fits).and_then(|number| self.calls.get(number)),
        };
        match (chosen.map(|call| call.name), number) {
            (Some(name), _) => act(self, name),
            (None, Some(number)) => Ok(Err(format!("there is no call {number} that {which}; try `calls`"))),
            (None, None) => Ok(Err(format!("there is no call that {which}; try `calls`"))),
        }
    }

    fn answer(&mut self, line: &(String, bool), number: Option<u32>) -> Outcome {
        self.in_call(number, rings_here, "rings here", |hand, name| {
            let action = match hand.stage(name) {
                Some(Stage::Asked) => CallAction::Consent(name),
                _ => CallAction::Answer(name),
            };
            hand.begin(line, action, Expect::Established(name), None)
        })
    }

    fn decline(&mut self, line: &(String, bool), number: Option<u32>, status: Option<u16>) -> Outcome {
        let status = status.and_then(Status::new).unwrap_or(Status::DECLINE);
        self.in_call(number, rings_here, "rings here", |hand, name| {
            let action = match hand.stage(name) {
                Some(Stage::Asked) => CallAction::Refuse(name, status),
                _ => CallAction::Decline(name, status),
            };
            hand.begin(line, action, Expect::Ended(name), None)
        })
    }

    fn stage(&self, name: CallName) -> Option<Stage> {
        self.calls.get(self.calls.number(name)).map(|call| call.stage)
    }

    /// Holds a call; and then, if that is what it is for, calls whom to ask.
    fn hold(&mut self, line: &(String, bool), number: Option<u32>, ask: Option<String>) -> Outcome {
        let held = |call: &Call| call.stage == Stage::Up && call.holds;
        // One that is held already is only asked about.
        if let Some(uri) = &ask {
            let number = number.or_else(|| self.calls.newest(talks).or_else(|| self.calls.newest(held)));
            if let Some(number) = number.filter(|number| self.calls.get(*number).is_some_and(held)) {
                return self.dial(uri, Some(number));
            }
        }
        let talking = self.calls.newest(talks);
        self.in_call(number.or(talking), talks, "is up and not on hold", |hand, name| {
            let then = ask.map(|uri| Then::Ask(hand.calls.number(name), uri));
            hand.begin(line, CallAction::Hold(name), Expect::Held(name, true), then)
        })
    }

    /// Hands a call over to somebody, by a button.
    pub(super) fn hand_over(
        &mut self,
        line: &(String, bool),
        number: Option<u32>,
        whom: &str,
        button: impl FnOnce(CallName, Box<str>) -> CallAction,
    ) -> Outcome {
        let to = match self.addresses.uri(whom) {
            Ok(uri) => uri.into(),
            Err(says) => return Ok(Err(says)),
        };
        // Whom we talk to before whom we hold.
        let number = number.or_else(|| self.calls.newest(talks));
        let is_up = |call: &Call| call.stage == Stage::Up;
        self.in_call(number, is_up, "is up", |hand, name| {
            hand.begin(line, button(name, to), Expect::Transferred(name), None)
        })
    }

    /// Hands over the call that waits to whom was asked about it; or, if nobody was, the one on hold to the one that
    /// is not.
    fn complete(
        &mut self,
        line: &(String, bool),
        button: impl FnOnce(CallName, CallName) -> CallAction,
    ) -> Outcome {
        let name = |number: Option<u32>| self.calls.get(number?).map(|call| call.name);
        let asked = self.calls.newest(|call| call.asks_for.is_some());
        let pair = match asked.and_then(|number| self.calls.get(number)) {
            Some(asked) => name(asked.asks_for).map(|held| (held, asked.name)),
            None => name(self.calls.newest(|call| call.stage == Stage::Up && call.holds))
                .zip(name(self.calls.newest(talks))),
        };
        match pair {
            Some((call, target)) => self.begin(line, button(call, target), Expect::Transferred(call), None),
            None => {
                Ok(Err("there is no call on hold about which somebody was asked; try `consult WHOM` first"
                    .to_owned()))
            }
        }
    }

    fn dtmf(&mut self, digits: &str) -> Outcome {
        let Some(call) = self.calls.newest(talks).and_then(|number| self.calls.get(number)) else {
            return Ok(Err("there is no call in which to press digits; try `calls`".to_owned()));
        };
        let name = call.name;
        for digit in digits.chars().filter_map(Digit::from_char) {
            match self.sound.with(name, |_, session| session.press(digit, PRESSED)) {
                Some(Ok(())) => {}
                Some(Err(error)) => return Ok(Err(format!("{error}; try again later"))),
                None => return Ok(Err("the call has no sound yet; try `wait media` first".to_owned())),
            }
        }
        let until = Instant::now() + DIGITS;
        let presses = |hand: &Self| hand.sound.with(name, |_, session| session.is_pressing());
        while !self.lines.are_typed && presses(self) == Some(true) && Instant::now() < until {
            self.wait_a_turn(Duration::from_millis(20))?;
        }
        Ok(Ok(()))
    }

    fn play(&mut self, playing: Result<playing::Playing, super::options::OptionError>) -> Result<(), String> {
        self.sound.play(playing.map_err(|error| error.to_string())?.source);
        Ok(())
    }

    fn wait(&mut self, wanted: &Wanted) -> Outcome {
        if !EVENTS.contains(&&*wanted.event) {
            return Ok(Err(format!(
                "there is no event `{}`; try one of {}",
                wanted.event,
                EVENTS.join(", ")
            )));
        }
        let until = Instant::now() + wanted.patience;
        loop {
            if self.told.take(wanted) {
                return Ok(Ok(()));
            }
            if self.calls.is_empty()
                && let Some(last) = self.told.is_hopeless(wanted)
            {
                return Ok(Err(format!(
                    "it did not come, and there is no call any more: {last}; try to dial again"
                )));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let patience = wanted.patience.as_secs_f64();
                return Ok(Err(format!("it did not come within {patience} s; try `calls`, or wait longer")));
            }
            self.wait_a_turn(left)?;
        }
    }

    fn sleep(&mut self, time: Duration) -> Result<(), PhoneError> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            self.wait_a_turn(left)?;
        }
    }

    fn help(&mut self) -> Result<(), PhoneError> {
        let names: Vec<&str> = words().map(|(name, _, _)| name).collect();
        self.show(&Report::new("help", Mood::Plain, help()).with("verbs", names))
    }
}

/// Whether somebody waits for us to say yes or no.
fn rings_here(call: &Call) -> bool {
    matches!(call.stage, Stage::RingingHere | Stage::Asked)
}

/// Whether somebody can be heard in it.
pub(super) fn talks(call: &Call) -> bool {
    call.stage == Stage::Up && !call.holds
}
