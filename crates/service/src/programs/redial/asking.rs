//! How somebody asks to be called back: by REFER, by dialling, or by those who run the server; and who may.

use super::table::State;
use super::{Redial, Redials};
use crate::call::{CallAction, CallName};
use crate::door::CommandId;
use crate::programs::bare;
use crate::redials::{self, MAX_OF_ONE, MAX_REDIALS, RedialAction, RedialAnswer};
use crate::services::screening::Identity;
use cordboard_core::time::Instant;
use cordboard_ladder::Outcome;
use cordboard_sip::uri::{Escape, Place, unescape};
use cordboard_sip::{Status, UriRef};

/// How the asker has asked, until that is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// By REFER.
    ByRefer(CallName),
    /// By dialling.
    ByCall(CallName),
    /// By those who run the server.
    ByCommand(CommandId),
    /// Nobody waits for an answer.
    Before,
}

impl Redials {
    /// Those who run the server want something.
    pub(in crate::programs) fn command(&mut self, now: Instant, id: CommandId, action: RedialAction) {
        let answer = match action {
            RedialAction::List => RedialAnswer::Waiting(self.list(now)),
            RedialAction::Ask { asker, wanted } => match self.ask(now, &asker, &wanted, Asked::ByCommand(id))
            {
                // Told once it is written down.
                Ok(_) => return,
                Err(status) => RedialAnswer::Refused(status),
            },
            RedialAction::Cancel(number) => {
                let redial = self.waiting.get(&number);
                let fits = redial.is_some_and(|redial| self.may_be_given_up(number, redial));
                if fits {
                    self.gives_up(now, number, Outcome::Cancelled);
                    self.turn(now);
                }
                if fits { RedialAnswer::Cancelled } else { RedialAnswer::NoSuch }
            }
        };
        self.answers.push_back((id, answer));
    }

    /// Those that are not over.
    fn list(&self, now: Instant) -> Vec<redials::Redial> {
        let told = |(number, redial): (&u64, &Redial)| redials::Redial {
            number: *number,
            state: match redial.state {
                State::Noting | State::Waiting | State::Over => "waiting",
                State::Served if self.connecting.only_calls(*number) => "calling",
                State::Served => "handing-over",
            },
            asker: redial.asker.clone(),
            wanted: redial.wanted.clone(),
            left: redial.until.since(now),
            tries: redial.tries,
        };
        self.waiting.iter().map(told).collect()
    }

    /// Takes a redial; asking for the same again begins its time anew.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        asker: &str,
        wanted: &str,
        asked: Asked,
    ) -> Result<u64, Status> {
        let asker = bare(asker).ok_or(Status::BAD_REQUEST)?;
        let wanted = bare(wanted).ok_or(Status::ADDRESS_INCOMPLETE)?;
        if asker == wanted {
            return Err(Status::LOOP_DETECTED);
        }
        if let Some(status) = self.forbidden(&asker, &wanted) {
            return Err(status);
        }
        let until = now + self.settings.within;
        let tries = self.settings.tries;
        let same = |redial: &Redial| redial.asker == asker && redial.wanted == wanted;
        if let Some((number, redial)) = self.waiting.iter_mut().find(|(_, redial)| same(redial)) {
            let number = *number;
            if !matches!(redial.state, State::Noting | State::Waiting) {
                return Err(Status::BUSY_HERE);
            }
            let before = std::mem::replace(&mut redial.asked, asked);
            let noting = redial.state == State::Noting;
            (redial.state, redial.until, redial.tries) = (State::Noting, until, tries);
            if noting {
                self.confirm(before, number);
            }
            self.notes.push_back(number);
            return Ok(number);
        }
        let of_one = self.waiting.values().filter(|redial| redial.asker == asker).count();
        if self.waiting.len() >= MAX_REDIALS || of_one >= MAX_OF_ONE {
            return Err(Status::TEMPORARILY_UNAVAILABLE);
        }
        self.numbers += 1;
        let redial = Redial {
            state: State::Noting,
            asked,
            asker,
            wanted,
            until,
            tries,
            rests_until: now,
            outcome: Outcome::Unfinished,
        };
        self.waiting.insert(self.numbers, redial);
        self.notes.push_back(self.numbers);
        Ok(self.numbers)
    }

    /// Somebody dials the server: its code with whom they want after it, or nothing after it to give up what they wait for.
    pub(super) fn dialled(&mut self, now: Instant, call: CallName, from: &str, at: &str, member: bool) {
        let asked = Asked::ByCall(call);
        if !member {
            return self.refuse(asked, Some(Status::FORBIDDEN));
        }
        let at = UriRef::parse(at).ok();
        let user = at.as_ref().and_then(UriRef::user).map(unescape).unwrap_or_default();
        let codes = self.settings.codes.as_ref();
        match codes.and_then(|codes| user.strip_prefix(&*codes.ask)) {
            // Whoever was handed over in vain calls back (RFC 5359 §2.4), and waits on.
            _ if *user == *self.user => self.refuse(asked, Some(Status::TEMPORARILY_UNAVAILABLE)),
            _ if codes.is_some_and(|codes| *codes.give_up == *user) => self.gives_up_all(now, from, asked),
            Some("") => self.refuse(asked, Some(Status::ADDRESS_INCOMPLETE)),
            Some(wanted) => {
                let wanted = format!("sip:{}@{}", Escape(wanted, Place::User), self.domain);
                let taken = self.ask(now, from, &wanted, asked);
                self.refuse(asked, taken.err());
            }
            None => self.refuse(asked, Some(Status::NOT_FOUND)),
        }
    }

    /// Why nothing is done for an asker about whoever is wanted, if the directory is that of our switchboard. Elsewhere may whoever
    /// was let in.
    pub(super) fn forbidden(&self, asker: &str, wanted: &str) -> Option<Status> {
        let server = self.directory.server(&self.user)?;
        let Some(user) = self.user_of(asker).filter(|user| self.directory.is_member(user, server)) else {
            return Some(Status::FORBIDDEN);
        };
        if self.user_of(wanted).is_some_and(|wanted| self.directory.user(&wanted).is_none()) {
            return Some(Status::NOT_FOUND);
        }
        let uri = UriRef::parse(wanted).ok()?;
        let whom = Identity::of(&uri, self.user_of(wanted).is_some());
        let rules = self.directory.rules(&user)?;
        let domains = std::slice::from_ref(&self.domain);
        rules.screening.forbids(&whom, domains).then_some(Status::FORBIDDEN)
    }

    /// The user of our own domain that a URI names.
    fn user_of(&self, uri: &str) -> Option<Box<str>> {
        let uri = UriRef::parse(uri).ok()?;
        let ours = uri.host().eq_ignore_ascii_case(&self.domain);
        Some(unescape(uri.user()?).into_owned().into()).filter(|_| ours)
    }

    fn gives_up_all(&mut self, now: Instant, from: &str, asked: Asked) {
        let asker = bare(from).unwrap_or_default();
        let own = self.to_be_given_up(|redial| redial.asker == asker);
        if own.is_empty() {
            return self.refuse(asked, Some(Status::NOT_FOUND));
        }
        for at in own {
            self.gives_up(now, at, Outcome::Cancelled);
        }
        self.confirm(asked, 0);
    }

    pub(super) fn confirm(&mut self, asked: Asked, number: u64) {
        match asked {
            Asked::ByCommand(id) => self.answers.push_back((id, RedialAnswer::Taken(number))),
            Asked::ByRefer(call) => self.actions.push_back(CallAction::Take(call)),
            Asked::ByCall(call) => {
                self.confirming.insert(call, None);
                self.actions.push_back(CallAction::Answer(call));
            }
            Asked::Before => {}
        }
    }

    pub(super) fn refuse(&mut self, asked: Asked, status: Option<Status>) {
        let Some(status) = status else { return };
        match asked {
            Asked::ByCommand(id) => self.answers.push_back((id, RedialAnswer::Refused(status))),
            Asked::ByRefer(call) => self.actions.push_back(CallAction::Refuse(call, status)),
            Asked::ByCall(call) => self.actions.push_back(CallAction::Decline(call, status)),
            Asked::Before => {}
        }
    }
}
