//! What the verbs of services do: park and music, pickup, redial, conferences, watching, and asking what others can do.

use cordboard_service::call::{CallAction, CallName};
use cordboard_service::watch::{Package, WatchAction, Whom};
use cordboard_sip::Status;
use cordboard_sip::header::{Header as _, Join};
use std::time::Duration;

use super::calls::{Call, Stage};
use super::expect::Expect;
use super::hand::{Hand, Then};
use super::verb::Verb;
use super::verbs::{Outcome, talks};

/// For how long at a time somebody is watched.
const WATCHED: Duration = Duration::from_hours(1);

impl Hand {
    /// Does what a verb of a service says.
    pub(super) fn serve(&mut self, line: &(String, bool), verb: Verb) -> Outcome {
        match verb {
            Verb::Park(number, at) => {
                self.hand_over(line, number, &at, |call, at| CallAction::Park { call, at })
            }
            Verb::Music(number, from) => self.music(line, number, &from),
            Verb::TakeBack(number) => self.take_back(number),
            Verb::Retrieve(from) => self.call_by(&from, |call, from| CallAction::Retrieve { call, from }),
            Verb::PickUp(at) => self.call_by(&at, |call, at| CallAction::PickUp { call, at }),
            Verb::Redial(whom, within, tries) => {
                self.call_by(&whom, |call, to| CallAction::Redial { call, to, within, tries })
            }
            Verb::Host(number) => {
                self.in_call(number, may_host, "is up and in no conference", |hand, name| {
                    let action = CallAction::Host { call: name, hold: false };
                    hand.begin(line, action, Expect::InConference(name), None)
                })
            }
            Verb::CallIn(whom) => match self.in_conference() {
                Some(with) => {
                    self.call_by(&whom, |call, to| CallAction::CallIn { call, to, with, consult: false })
                }
                None => Ok(Err("there is no conference; try `host` first".to_owned())),
            },
            Verb::Confer(number) => self.confer(line, number),
            Verb::Join(whom, dialog) => self.join(&whom, dialog.as_deref()),
            Verb::Watch(whom, package) => match self.addresses.uri(&whom) {
                Ok(uri) => {
                    let to = Whom::Address(uri.clone().into());
                    self.watch(line, &uri, to, package)
                }
                Err(says) => Ok(Err(says)),
            },
            Verb::Roster(number) => self.in_call(number, talks, "is up", |hand, name| {
                let peer = hand.calls.get(hand.calls.number(name)).map(|call| call.peer.clone());
                hand.watch(line, &peer.unwrap_or_default(), Whom::Focus(name), Package::Conference)
            }),
            Verb::Unwatch(number) => match self.watches.find(number) {
                Some(watch) => {
                    let action = CallAction::Watching(WatchAction::End(watch));
                    self.begin(line, action, Expect::Unwatched(watch), None)
                }
                None => Ok(Err("nobody is watched so; try `watch WHOM` first".to_owned())),
            },
            Verb::Options(whom) => match self.addresses.uri(&whom) {
                Ok(uri) => {
                    let to: Box<str> = uri.into();
                    self.begin(line, CallAction::AskOptions(to.clone()), Expect::Options(to), None)
                }
                Err(says) => Ok(Err(says)),
            },
            Verb::Abilities(number) => self.in_call(number, is_up, "is up", |hand, name| {
                hand.begin(line, CallAction::AskAbilities(name), Expect::Abilities(name), None)
            }),
            Verb::Dialog(number) => self.in_call(number, is_up, "is up", |hand, name| {
                hand.begin(line, CallAction::TellDialog(name), Expect::Dialog(name), None)
            }),
            Verb::Identify(number, whom) => match self.addresses.uri(&whom) {
                Ok(uri) => self.in_call(number, is_up, "is up", |hand, name| {
                    let action = CallAction::Identify { call: name, address: format!("<{uri}>").into() };
                    hand.begin(line, action, Expect::Identified(name), None)
                }),
                Err(says) => Ok(Err(says)),
            },
            Verb::Info(digits) => self.info(line, &digits),
            Verb::Click(whom, to) => self.click(line, &whom, &to),
            Verb::Refuse(status) => self.refuse(Status::new(status)),
            Verb::Accept => self.refuse(None),
            Verb::Bindings if !self.registers => {
                Ok(Err("there is nobody to ask; try to start with --domain HOST".to_owned()))
            }
            Verb::Bindings => self.begin(line, CallAction::ListBindings, Expect::Registered, None),
            // `carry_out` does all others.
            other => Ok(Err(format!("{other:?} is no verb of a service; try `help`"))),
        }
    }

    /// Begins a call to somebody by a button.
    fn call_by(&mut self, whom: &str, button: impl FnOnce(CallName, Box<str>) -> CallAction) -> Outcome {
        match self.addresses.uri(whom) {
            Ok(uri) => {
                let to = uri.clone().into();
                self.begin_call(&uri, None, |call| button(call, to))
            }
            Err(says) => Ok(Err(says)),
        }
    }

    /// Has a music server play to the other side, which is on hold for that.
    fn music(&mut self, line: &(String, bool), number: Option<u32>, from: &str) -> Outcome {
        let from: Box<str> = match self.addresses.uri(from) {
            Ok(uri) => uri.into(),
            Err(says) => return Ok(Err(says)),
        };
        let number = number.or_else(|| self.calls.newest(talks));
        self.in_call(number, is_up, "is up", |hand, name| {
            let holds = hand.calls.get(hand.calls.number(name)).is_some_and(|call| call.holds);
            if holds {
                let action = CallAction::MusicOnHold { call: name, from };
                return hand.begin(line, action, Expect::Transferred(name), None);
            }
            let then = Some(Then::Music(name, from));
            hand.begin(line, CallAction::Hold(name), Expect::Held(name, true), then)
        })
    }

    fn take_back(&mut self, number: Option<u32>) -> Outcome {
        let Some(given) = self.calls.take_back(number) else {
            return Ok(Err("no server has a call of yours; try `park SERVER` or `music SERVER`".to_owned()));
        };
        self.begin_call(&given.peer, None, |call| CallAction::TakeBack { call, given: given.name })
    }

    /// A call that is in a conference of ours.
    fn in_conference(&self) -> Option<CallName> {
        let number = self.calls.newest(|call| call.stage == Stage::Up && call.conference.is_some())?;
        self.calls.get(number).map(|call| call.name)
    }

    /// Puts a call into the conference; if there is none, the newest other call becomes the first of one.
    fn confer(&mut self, line: &(String, bool), number: Option<u32>) -> Outcome {
        let added = match number {
            Some(number) => self.calls.get(number).filter(|call| may_host(call)).map(|call| call.name),
            None => {
                self.calls.newest(may_host).and_then(|number| self.calls.get(number)).map(|call| call.name)
            }
        };
        let Some(added) = added else {
            return Ok(Err("there is no call that is up and in no conference; try `calls`".to_owned()));
        };
        let with = if let Some(with) = self.in_conference() {
            with
        } else {
            let other = self.calls.newest(|call| may_host(call) && call.name != added);
            let Some(other) = other.and_then(|number| self.calls.get(number)).map(|call| call.name) else {
                return Ok(
                    Err("there is nobody to put them together with; try `dial WHOM` first".to_owned()),
                );
            };
            self.press(CallAction::Host { call: other, hold: false })?;
            other
        };
        let held: Vec<CallName> = self
            .calls
            .iter()
            .filter(|(_, call)| call.holds && [added, with].contains(&call.name))
            .map(|(_, call)| call.name)
            .collect();
        let outcome = self.begin(
            line,
            CallAction::Confer { call: with, other: added },
            Expect::InConference(added),
            None,
        )?;
        // Whoever waits in it is to hear the others.
        for name in held.into_iter().filter(|_| outcome.is_ok()) {
            self.press(CallAction::Resume(name))?;
        }
        Ok(outcome)
    }

    /// Joins a call: the one that is named, or one of somebody who is watched.
    fn join(&mut self, whom: &str, dialog: Option<&str>) -> Outcome {
        let to = match self.addresses.uri(whom) {
            Ok(uri) => uri,
            Err(says) => return Ok(Err(says)),
        };
        let join = match dialog {
            Some(text) => Join::parse(text).map_err(|_| {
                format!(
                    "`{text}` names no dialog; try CALL-ID;to-tag=TAG;from-tag=TAG, as {whom}'s `dialog` says"
                )
            }),
            None => self.watches.joinable(&to).ok_or_else(|| {
                format!("no call of {to} is known that could be joined; try `watch {whom}` first")
            }),
        };
        match join {
            Ok(join) => {
                let at = to.clone().into();
                self.begin_call(&to, None, |call| CallAction::Join { call, to: at, join: Box::new(join) })
            }
            Err(says) => Ok(Err(says)),
        }
    }

    fn watch(&mut self, line: &(String, bool), who: &str, whom: Whom, package: Package) -> Outcome {
        let watch = self.watches.begin(who, package);
        let action = WatchAction::Begin { watch, whom, package, expires: WATCHED };
        self.begin(line, CallAction::Watching(action), Expect::Watched(watch), None)
    }

    /// Signals digits one after the other, each when the one before it is answered.
    fn info(&mut self, line: &(String, bool), digits: &str) -> Outcome {
        for digit in digits.chars() {
            let outcome = self.in_call(None, talks, "is up", |hand, name| {
                hand.begin(line, CallAction::SignalDigit(name, digit), Expect::Signalled(name), None)
            })?;
            if outcome.is_err() {
                return Ok(outcome);
            }
        }
        Ok(Ok(()))
    }

    /// Has somebody's telephone call somebody. The asking has the name of a call, and is none.
    fn click(&mut self, line: &(String, bool), whom: &str, to: &str) -> Outcome {
        match (self.addresses.uri(whom), self.addresses.uri(to)) {
            (Ok(whom), Ok(to)) => {
                let call = self.calls.next_name();
                let (whom, to) = (whom.into(), to.into());
                let action = CallAction::ClickToDial { call, whom, to, reports: true };
                self.begin(line, action, Expect::Transferred(call), None)
            }
            (Err(says), _) | (_, Err(says)) => Ok(Err(says)),
        }
    }

    fn refuse(&mut self, status: Option<Status>) -> Outcome {
        self.press(CallAction::RefuseCalls(status)).map(Ok)
    }
}

fn is_up(call: &Call) -> bool {
    call.stage == Stage::Up
}

/// Whether a conference may begin with it, or take it in.
fn may_host(call: &Call) -> bool {
    is_up(call) && call.conference.is_none()
}
