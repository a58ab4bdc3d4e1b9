//! What happens at a switchboard, as a stream for whoever listens: bounded, so that nobody waits for a slow listener, who
//! is told instead how much was lost.

use cordboard_ladder::{Kind, Outcome, Role};
use cordboard_service::news::{
    CallNews, CallState, News, ParkNews, ParkState, RedialNews, RedialState, RegistrationNews, TransferNews,
    TransferState,
};
use cordboard_sip::Status;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};
use utoipa::ToSchema;

use crate::config::Setup;
use crate::rules::Written;
use crate::words;

/// Events that wait for the slowest listener; of more the oldest are lost to that one.
const MAX_WAITING: usize = 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happening {
    /// Which it is, counted since the start of the switchboard.
    pub n: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A phone rings; told once a call.
    Ringing(Call),
    /// A call was answered.
    Answered(Call),
    /// A call is over.
    Ended {
        /// The call.
        #[serde(flatten)]
        call: Call,
        /// How: `answered` if it was up.
        #[schema(schema_with = words::outcome)]
        outcome: Outcome,
        /// The status that ended it before it was up.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        /// Who hung up, if it was up.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(schema_with = words::role)]
        by: Option<Role>,
    },
    /// Somebody is asked to call somebody else: a REFER has passed.
    Referred(Transfer),
    /// How that goes, as the transferee reports it.
    TransferProgress {
        /// The transfer.
        #[serde(flatten)]
        transfer: Transfer,
        /// The status that is reported.
        status: u16,
    },
    /// How a transfer ended.
    Transferred {
        /// The transfer.
        #[serde(flatten)]
        transfer: Transfer,
        /// How.
        #[schema(schema_with = words::outcome)]
        outcome: Outcome,
        /// The status that says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
    },
    /// Contacts of somebody were added, moved or removed, or have ended, and some are left.
    Registered {
        /// Whose: `user@domain`.
        user: Box<str>,
        /// All that are registered now.
        contacts: Vec<Box<str>>,
    },
    /// Somebody has no contact any more.
    Unregistered {
        /// Who: `user@domain`.
        user: Box<str>,
    },
    /// A redial is kept, or will be tried again.
    RedialWaiting(Redial),
    /// The asker of a redial is called, for whoever is wanted is free.
    RedialCalled(Redial),
    /// A redial is over.
    RedialEnded {
        /// The redial.
        #[serde(flatten)]
        redial: Redial,
        /// What came of it: `completed` if the asker has whoever is wanted.
        #[schema(schema_with = words::outcome)]
        outcome: Outcome,
    },
    /// Somebody waits in a park slot.
    Parked(Waiting),
    /// They were handed over to whoever has called the slot.
    Retrieved(Waiting),
    /// They are not there any more: they have hung up, or were taken over by Replaces.
    Unparked(Waiting),
    /// What is done with somebody's calls has changed.
    RulesChanged {
        /// Whose.
        user: Box<str>,
        /// What is set up now; nothing if the configuration file counts again.
        rules: Option<Written>,
    },
    /// Somebody was added.
    UserAdded {
        /// Who.
        user: Box<str>,
    },
    /// Somebody was removed.
    UserRemoved {
        /// Who.
        user: Box<str>,
    },
    /// Somebody has another password.
    PasswordChanged {
        /// Who.
        user: Box<str>,
    },
    /// Somebody is in other groups.
    GroupsChanged {
        /// Who.
        user: Box<str>,
        /// All that they are in now.
        groups: Vec<Box<str>>,
    },
    /// A server is set up otherwise.
    ServerChanged {
        /// Which.
        server: Box<str>,
        /// How, in full.
        setup: Setup,
    },
    /// The configuration was read again.
    Reloaded,
    /// This listener was too slow.
    Lost {
        /// How many events it has missed.
        count: u64,
    },
}

/// A call, as its INVITE names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Call {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// The caller's address.
    pub from: Box<str>,
    /// The address called.
    pub to: Box<str>,
    /// Who of our users calls.
    pub caller: Option<Box<str>>,
    /// Who of our users was reached, or looked for.
    pub callee: Option<Box<str>>,
}

/// Somebody in a park slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// The number of the slot.
    pub slot: Box<str>,
    /// The URI of who waits, or waited.
    pub who: Box<str>,
    /// The URI of who has parked them, if that is known.
    pub parked_by: Option<Box<str>>,
}

/// A transfer, as its REFER names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transfer {
    /// The Call-ID of the dialog in which it was asked for.
    pub call_id: Box<str>,
    /// What kind of handover.
    #[schema(schema_with = words::kind)]
    pub kind: Kind,
    /// Who asks.
    pub transferor: Box<str>,
    /// Who is to call.
    pub transferee: Box<str>,
    /// Whom.
    pub target: Box<str>,
}

/// A redial at the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RedialOf)]
pub struct Redial {
    /// Its number.
    pub id: u64,
    /// Who is called back.
    pub asker: Box<str>,
    /// Whom they want.
    pub wanted: Box<str>,
}

impl What {
    /// The word that names it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ringing(_) => "ringing",
            Self::Answered(_) => "answered",
            Self::Ended { .. } => "ended",
            Self::Referred(_) => "referred",
            Self::TransferProgress { .. } => "transfer-progress",
            Self::Transferred { .. } => "transferred",
            Self::Registered { .. } => "registered",
            Self::Unregistered { .. } => "unregistered",
            Self::RedialWaiting(_) => "redial-waiting",
            Self::RedialCalled(_) => "redial-called",
            Self::RedialEnded { .. } => "redial-ended",
            Self::Parked(_) => "parked",
            Self::Retrieved(_) => "retrieved",
            Self::Unparked(_) => "unparked",
            Self::RulesChanged { .. } => "rules-changed",
            Self::UserAdded { .. } => "user-added",
            Self::UserRemoved { .. } => "user-removed",
            Self::PasswordChanged { .. } => "password-changed",
            Self::GroupsChanged { .. } => "groups-changed",
            Self::ServerChanged { .. } => "server-changed",
            Self::Reloaded => "reloaded",
            Self::Lost { .. } => "lost",
        }
    }
}

impl From<News> for What {
    fn from(news: News) -> Self {
        match news {
            News::Call(news) => call(news),
            News::Transfer(news) => transfer(news),
            News::Registration(RegistrationNews { user, contacts }) if contacts.is_empty() => {
                Self::Unregistered { user }
            }
            News::Registration(RegistrationNews { user, contacts }) => Self::Registered { user, contacts },
            News::Redial(news) => redial(news),
            News::Park(ParkNews { slot, who, by: parked_by, state }) => {
                let waiting = Waiting { slot, who, parked_by };
                match state {
                    ParkState::Parked => Self::Parked(waiting),
                    ParkState::Retrieved => Self::Retrieved(waiting),
                    ParkState::Left => Self::Unparked(waiting),
                }
            }
        }
    }
}

fn call(news: CallNews) -> What {
    let CallNews { call_id, from, to, caller, callee, state } = news;
    let call = Call { call_id, from, to, caller, callee };
    match state {
        CallState::Ringing => What::Ringing(call),
        CallState::Answered => What::Answered(call),
        CallState::Ended { outcome, status, by } => {
            What::Ended { call, outcome, status: status.map(Status::code), by }
        }
    }
}

fn transfer(news: TransferNews) -> What {
    let TransferNews { call_id, kind, transferor, transferee, target, state } = news;
    let transfer = Transfer { call_id, kind, transferor, transferee, target };
    match state {
        TransferState::Asked => What::Referred(transfer),
        TransferState::Progress(status) => What::TransferProgress { transfer, status: status.code() },
        TransferState::Ended { outcome, status } => {
            What::Transferred { transfer, outcome, status: status.map(Status::code) }
        }
    }
}

fn redial(news: RedialNews) -> What {
    let RedialNews { number: id, asker, wanted, state } = news;
    let redial = Redial { id, asker, wanted };
    match state {
        RedialState::Waiting => What::RedialWaiting(redial),
        RedialState::Calling => What::RedialCalled(redial),
        RedialState::Ended(outcome) => What::RedialEnded { redial, outcome },
    }
}

/// Where events go in.
#[derive(Debug)]
pub struct Feed {
    events: Sender<Arc<Happening>>,
    told: AtomicU64,
}

impl Default for Feed {
    fn default() -> Self {
        Self { events: broadcast::channel(MAX_WAITING).0, told: AtomicU64::new(0) }
    }
}

impl Feed {
    /// Tells everybody who listens; waits for nobody.
    pub fn tell(&self, what: impl Into<What>) {
        let happening = Happening {
            n: self.told.fetch_add(1, Ordering::Relaxed) + 1,
            unix_ms: unix_ms(),
            what: what.into(),
        };
        // It fails if nobody listens, and then nobody has missed it.
        let _ = self.events.send(Arc::new(happening));
    }

    /// Listens from now on.
    pub fn listen(&self) -> Ear {
        Ear(self.events.subscribe())
    }
}

/// Where events come out.
#[derive(Debug)]
pub struct Ear(Receiver<Arc<Happening>>);

impl Ear {
    /// The next event; none if there will be no more. What was missed is told in its place.
    pub async fn next(&mut self) -> Option<Arc<Happening>> {
        match self.0.recv().await {
            Ok(happening) => Some(happening),
            Err(RecvError::Lagged(count)) => {
                Some(Arc::new(Happening { n: 0, unix_ms: unix_ms(), what: What::Lost { count } }))
            }
            Err(RecvError::Closed) => None,
        }
    }
}

/// A clock that was set to before 1970 counts as 1970.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_is_told_how_much_it_has_missed_and_keeps_nobody_waiting() {
        let feed = Feed::default();
        let (mut slow, mut quick) = (feed.listen(), feed.listen());
        let most = MAX_WAITING as u64;
        for n in 1..=most + 10 {
            feed.tell(What::UserAdded { user: n.to_string().into() });
            assert_eq!(quick.next().await.unwrap().n, n);
        }
        assert_eq!(slow.next().await.unwrap().what, What::Lost { count: 10 });
        for n in 11..=most + 10 {
            assert_eq!(slow.next().await.unwrap().n, n);
        }
    }

    #[test]
    fn the_word_is_that_of_the_json() {
        let happening = |what| serde_json::to_value(Happening { n: 1, unix_ms: 2, what }).unwrap();
        let call = Call {
            call_id: "1@h".into(),
            from: "sip:a@h".into(),
            to: "sip:b@h".into(),
            caller: Some("a".into()),
            callee: None,
        };
        let ended = What::Ended { call, outcome: Outcome::Busy, status: Some(486), by: None };
        assert_eq!(
            happening(ended.clone()),
            serde_json::json!({ "n": 1, "unix_ms": 2, "event": "ended", "call_id": "1@h", "from": "sip:a@h",
                "to": "sip:b@h", "caller": "a", "callee": null, "outcome": "busy", "status": 486 })
        );
        for what in [ended, What::Reloaded, What::Lost { count: 3 }, What::UserRemoved { user: "a".into() }] {
            assert_eq!(happening(what.clone())["event"], what.word());
        }
    }
}
