//! What one telephone told: its calls and its registration.

use cordboard_ladder::Outcome;
use cordboard_service::call::{CallEvent, CallName, ContactFeatures, MediaPath};
use cordboard_service::watch::{WatchEvent, Watched};
use cordboard_sip::Status;
use cordboard_sip::body::conference_info::{EndpointStatus, User};
use std::collections::BTreeMap;

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Dialled; nothing is known yet.
    Dialled,
    /// The other side rings.
    Ringing,
    /// It rings here.
    Incoming,
    /// Both talk, or could.
    Established,
    /// Over, and how.
    Ended(Outcome, Option<Status>),
}

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: CallName,
    /// The other side's URI, as it was dialled or as From says.
    pub(crate) peer: Box<str>,
    pub(crate) progress: Progress,
    /// Whether we hold the other side.
    pub(crate) holding: bool,
    /// Whether the other side holds us.
    pub(crate) held: bool,
    /// A hold, resume or move is asked for and not yet answered.
    pub(crate) changing: bool,
    /// Where the sound goes, perhaps before the call is answered.
    pub(crate) sound: Option<MediaPath>,
    /// Who the other side is, if it has said so since.
    pub(crate) identity: Option<Box<str>>,
    /// How our handing it over ended.
    pub(crate) transfer: Option<Outcome>,
    /// What the other side says of its user agent.
    pub(crate) features: ContactFeatures,
    /// The extensions that the other side told that it supports, when it was asked.
    pub(crate) abilities: Option<Box<str>>,
}

/// Everything that one telephone told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    pub(crate) calls: Vec<Call>,
    /// Those that have been established, though they may be over.
    pub(crate) were_up: Vec<CallName>,
    /// Those that are over, in the order in which they ended.
    pub(crate) ended: Vec<CallName>,
    /// Answers of the registrar, oldest first: the contacts, or the status of the refusal.
    pub(crate) registrations: Vec<Result<Vec<Box<str>>, Status>>,
    /// Who called and was refused at once.
    pub(crate) refused: Vec<Box<str>>,
    /// Who asks for a call, and whom to call; until the owner has decided.
    pub(crate) requests: Vec<(CallName, Box<str>)>,
    /// Instant messages, oldest first: from whom, and what they say.
    pub(crate) messages: Vec<(Box<str>, Box<str>)>,
    /// What became of those that were sent from here.
    pub(crate) sent: Vec<Status>,
    /// How calls ended that others were asked to make.
    pub(crate) asking: Vec<(CallName, Outcome)>,
    /// How often it was told that a redial waits.
    pub(crate) waits: usize,
    /// What names calls in the network: the Call-ID, our tag and the other side's.
    pub(crate) dialogs: Vec<(CallName, [Box<str>; 3])>,
    /// Calls that a server has, and under which address.
    pub(crate) parked: Vec<(CallName, Option<Box<str>>)>,
    /// Who is in the conference that is watched, by user, and how; nothing once it is over.
    pub(crate) conference: BTreeMap<Box<str>, Option<EndpointStatus>>,
    /// Where refusals of calls can be heard of, oldest first.
    pub(crate) announced: Vec<Box<str>>,
    /// How often a button for the registration was pressed.
    pub(crate) asked: usize,
    /// Buttons that did not fit: the stage presses none that cannot.
    pub(crate) impossible: usize,
    next_name: u64,
}

impl Call {
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.progress, Progress::Ended(..))
    }

    /// Whether the other side is that user.
    pub(crate) fn is_with(&self, user: &str) -> bool {
        self.peer.split_once(':').is_some_and(|(_, rest)| rest.split(['@', ';', '>']).next() == Some(user))
    }
}

impl Book {
    /// A new call, dialled here.
    pub(crate) fn dial(&mut self, peer: &str) -> CallName {
        self.next_name += 1;
        let name = CallName(self.next_name);
        self.begin(name, peer, Progress::Dialled);
        name
    }

    /// A name for something else than a call.
    pub(crate) const fn name(&mut self) -> CallName {
        self.next_name += 1;
        CallName(self.next_name)
    }

    fn begin(&mut self, name: CallName, peer: &str, progress: Progress) {
        self.calls.push(Call {
            name,
            peer: peer.into(),
            progress,
            holding: false,
            held: false,
            changing: false,
            sound: None,
            identity: None,
            transfer: None,
            features: ContactFeatures::default(),
            abilities: None,
        });
    }

    /// The latest call of which this holds.
    pub(crate) fn find(&self, wanted: impl Fn(&Call) -> bool) -> Option<&Call> {
        self.calls.iter().rev().find(|call| wanted(call))
    }

    pub(crate) fn call_mut(&mut self, name: CallName) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.name == name)
    }

    /// The calls that are not over.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(|call| !call.is_over())
    }

    /// How many calls are established.
    pub(crate) fn established(&self) -> usize {
        self.calls.iter().filter(|call| call.progress == Progress::Established).count()
    }

    /// Writes down what the telephone told.
    pub(crate) fn write(&mut self, event: CallEvent) {
        match event {
            CallEvent::Registered { contacts } => self.registrations.push(Ok(contacts)),
            CallEvent::NotRegistered(status) => self.registrations.push(Err(status)),
            CallEvent::Incoming { call, from, .. } => self.begin(call, &from, Progress::Incoming),
            CallEvent::TakenUp { call, with } => {
                self.begin(call, &with, Progress::Dialled);
                self.advance(call, Progress::Established);
            }
            CallEvent::Ringing(call) => self.advance(call, Progress::Ringing),
            CallEvent::Established(call) => self.advance(call, Progress::Established),
            CallEvent::Impossible(call) => {
                if let Some(call) = self.call_mut(call) {
                    call.changing = false;
                }
                self.impossible += 1;
            }
            CallEvent::HeldByPeer(call, held) => {
                if let Some(call) = self.call_mut(call) {
                    call.held = held;
                }
            }
            CallEvent::Refused { from } => self.refused.push(from),
            CallEvent::Media(call, path) => {
                if let Some(call) = self.call_mut(call) {
                    call.sound = Some(path);
                }
            }
            CallEvent::Identity { call, address, .. } => {
                if let Some(call) = self.call_mut(call) {
                    call.identity = Some(address);
                }
            }
            CallEvent::Redirected(..)
            | CallEvent::Redialling(_)
            | CallEvent::Options { .. }
            | CallEvent::DigitSignalled { .. }
            | CallEvent::DigitAnswered(..)
            | CallEvent::Identified(_)
            | CallEvent::TransferProgress(..) => {}
            CallEvent::ErrorInfo(_, uris) => self.announced.extend(uris),
            CallEvent::PeerFeatures(call, features) => {
                if let Some(call) = self.call_mut(call) {
                    call.features = features;
                }
            }
            CallEvent::Watching(event) => self.watched(event),
            CallEvent::Asked { call, to, .. } | CallEvent::AskedToRemove { call, who: to, .. } => {
                self.requests.push((call, to));
            }
            CallEvent::Found { call, to } => {
                if let Some(call) = self.call_mut(call) {
                    call.peer = to;
                }
            }
            CallEvent::RedialWaits(_) => self.waits += 1,
            CallEvent::Dialog { call, call_id, local_tag, remote_tag } => {
                self.dialogs.push((call, [call_id, local_tag, remote_tag]));
            }
            CallEvent::Parked { call, at } => self.parked.push((call, at)),
            CallEvent::Abilities { call, supported, .. } => {
                if let Some(call) = self.call_mut(call) {
                    call.abilities = Some(supported);
                }
            }
            CallEvent::MessageReceived { from, body, .. } => self.messages.push((from, body)),
            CallEvent::MessageSent { status, .. } => self.sent.push(status),
            CallEvent::Referred { new: call, to, .. } | CallEvent::CalledBack { call, to } => {
                self.requests.retain(|(asked, _)| *asked != call);
                self.begin(call, &to, Progress::Dialled);
            }
            CallEvent::TakenOver { call, from, .. } | CallEvent::Joined { call, from, .. } => {
                self.begin(call, &from, Progress::Dialled);
            }
            CallEvent::Transferred { call, outcome, .. } => match self.call_mut(call) {
                Some(call) => call.transfer = Some(outcome),
                None => self.asking.push((call, outcome)),
            },
            CallEvent::HoldChanged(call, holding) => {
                if let Some(call) = self.call_mut(call) {
                    (call.holding, call.changing) = (holding, false);
                }
            }
            CallEvent::Moved(call)
            | CallEvent::InConference { call, .. }
            | CallEvent::OfferAnswered(call)
            | CallEvent::ChangeRefused(call, _) => {
                if let Some(call) = self.call_mut(call) {
                    call.changing = false;
                }
            }
            CallEvent::Ended { call, outcome, status, .. } => {
                self.requests.retain(|(asked, _)| *asked != call);
                self.advance(call, Progress::Ended(outcome, status));
            }
        }
    }

    fn watched(&mut self, event: WatchEvent) {
        match event {
            WatchEvent::State { state, .. } => {
                if let Watched::Conference { users, over, .. } = *state {
                    let user = |user: User| {
                        let (_, rest) = user.entity.split_once(':')?;
                        let name = rest.split('@').next()?;
                        Some((name.into(), user.endpoints.first()?.status))
                    };
                    let users = users.into_iter().filter_map(user);
                    self.conference = if over { BTreeMap::new() } else { users.collect() };
                }
            }
            WatchEvent::Ended { .. } => self.conference.clear(),
            WatchEvent::Impossible(_) => self.impossible += 1,
            WatchEvent::Pending(_) | WatchEvent::Again { .. } => {}
        }
    }

    fn advance(&mut self, name: CallName, progress: Progress) {
        if let Some(call) = self.call_mut(name).filter(|call| !call.is_over()) {
            call.progress = progress;
            match progress {
                Progress::Established => self.were_up.push(name),
                Progress::Ended(..) => self.ended.push(name),
                Progress::Dialled | Progress::Ringing | Progress::Incoming => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_call_stays_ended() {
        let mut book = Book::default();
        let call = book.dial("sip:bob@biloxi.example.com");
        book.write(CallEvent::Established(call));
        assert_eq!(book.established(), 1);
        book.write(CallEvent::Ended { call, outcome: Outcome::Answered, status: None, by_peer: true });
        book.write(CallEvent::Ringing(call));
        assert_eq!(book.live().count(), 0);
        assert!(book.find(|call| call.is_with("bob")).is_some());
        assert!(book.find(|call| call.is_with("bo")).is_none());
    }
}
