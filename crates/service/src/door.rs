//! What goes into an agent and what comes out: the one door through which drivers, simulations and
//! tests all go.

use bytes::Bytes;
use cordboard_core::dns;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, FlowError, Transport};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::call::{CallAction, CallEvent, CallName};
use crate::clearance::Letter;
use crate::directory::Directory;
use crate::kept::{Record, RecordError, RecordName};
use crate::location::{Aor, Located, RegisterError, Registered, Registration, Wanted};
use crate::news::{Audience, News};
use crate::operate::{Connect, Operated, Operation};
use crate::redials::{RedialAction, RedialAnswer};
use crate::rooms::{RoomAction, RoomAnswer};
use crate::services::Occasion;
use crate::settings::{MediaPorts, Service, Settings};

/// Names one question of one agent; answers carry it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

/// Names one command; what it led to carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub u64);

/// Names one shard: an agent among several that share the work of one switchboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u8);

/// What a driver hands to an agent.
#[derive(Debug)]
pub enum Input<'a> {
    /// One message's bytes, framed, as they came over `flow`.
    Packet {
        /// Where it came from.
        flow: Flow,
        /// The message and nothing after it (datagrams may carry more).
        bytes: &'a [u8],
    },
    /// A connection stands whose peer has proved who it is; before the first message over it.
    FlowOpened(Flow, Arc<[PeerIdentity]>),
    /// A connection ended, or a datagram could not be sent (an ICMP error counts).
    FlowClosed(Flow, FlowError),
    /// The answer to a question.
    Answer(AskId, Answer),
    /// Somebody wants something done.
    Command(CommandId, Command),
    /// What another shard handed over.
    Handed(Envelope),
}

/// What one shard of a switchboard tells another, by value; a driver carries it and does not look inside.
#[derive(Clone, Debug)]
pub struct Envelope(pub(crate) Letter);

/// Who a peer is, as its certificate proves it. What names one user never counts as a domain, nor the
/// other way round.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerIdentity {
    /// A SIP domain, in lower case (RFC 5922 §7.1).
    Domain(Box<str>),
    /// One user: "a value with a userpart identifies an individual user, not a domain" (RFC 5922 §7.1).
    User(Aor),
}

/// What an agent hands to its driver, in order.
#[derive(Debug)]
pub enum Output {
    /// Send these bytes over this flow.
    Send {
        /// Over what; a datagram's flow needs no table to be understood.
        flow: Flow,
        /// One whole message.
        bytes: Bytes,
    },
    /// Something that is shared or slow. Every question is answered once, though not in order.
    Ask(AskId, Question),
    /// Something happened that people may want to know.
    Event(Event),
    /// The connection has misbehaved or is not wanted any more.
    CloseFlow(Flow),
    /// Hand this to another shard of the same switchboard, once no shard's lock is held. None is ever lost.
    HandOver(ShardId, Envelope),
}

/// Everything shared or slow.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// A name to look up (RFC 3263). Answered by [`Answer::Dns`].
    Dns(dns::Query),
    /// A connection to open, or to use again. Answered by [`Answer::Opened`].
    Open {
        /// Which protocol to speak.
        transport: Transport,
        /// To whom.
        remote: SocketAddr,
        /// The name that the peer's certificate must carry (RFC 5922 §7), when it is secured.
        server_name: Box<str>,
    },
    /// Where somebody can be reached. Answered by [`Answer::Located`], at once, from memory.
    Locate(Wanted),
    /// A change to what somebody has registered. Answered by [`Answer::Registered`] when it is kept
    /// so that it survives the process.
    Register(Box<Registration>),
    /// Something of a server that is to survive the process, or is over. Answered by [`Answer::Kept`] once it is kept.
    Keep {
        /// What names it.
        name: RecordName,
        /// What [`Record::parse`] reads; nothing of what is to be forgotten.
        text: Option<Box<str>>,
        /// When something is to be done about it.
        due: Option<Instant>,
    },
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Question::Dns`].
    Dns(dns::Records),
    /// To [`Question::Open`].
    Opened(Result<Flow, FlowError>),
    /// To [`Question::Locate`]: best first; empty when nobody is registered.
    Located(Located),
    /// To [`Question::Register`].
    Registered(Result<Registered, RegisterError>),
    /// To [`Question::Keep`]: whether it is kept.
    Kept(bool),
}

/// What somebody outside wants of an agent.
#[derive(Clone, Debug)]
pub enum Command {
    /// Use this directory from now on.
    UseDirectory(Arc<Directory>),
    /// Use these settings from now on; listeners, role and key stay as they are.
    UseSettings(Arc<Settings>),
    /// Do a server's work by other settings, and on other ports, from now on. Those that calls have stay among them. Answered by
    /// [`Event::ServiceChanged`].
    UseService {
        /// What it is to do: of the same kind as before.
        service: Box<Service>,
        /// Where it receives sound.
        media: MediaPorts,
    },
    /// Press a button of the telephone.
    Call(CallAction),
    /// Tell [`Event::News`] from now on, or no longer.
    TellNews(Audience),
    /// Go on with what another process has left behind, before anything else happens. Told by [`CallEvent::TakenUp`] for
    /// each call, or by [`Event::NotTakenUp`].
    TakeUp(Arc<[(RecordName, Record)]>),
    /// Do something with a call of others that we carry. Answered by [`Event::Operated`] when its outcome is known, by the
    /// shard whose call it is.
    Operate {
        /// Its Call-ID.
        call_id: Box<str>,
        /// What.
        operation: Operation,
    },
    /// Connect two people; for the operator's telephone. Answered by [`Event::Operated`] when the outcome is known.
    Connect(Connect),
    /// Nobody waits for the outcome of that [`Command::Connect`], or for whom that [`Command::Rooms`] invites, any more: what
    /// only rings is ended.
    GiveUp(CommandId),
    /// Do something with what waits at a redial server. Answered by [`Event::Redial`], once it is kept.
    Redial(RedialAction),
    /// Do something with the rooms of a focus. Answered by [`Event::Rooms`]; an invitation once it is known what became of it.
    Rooms(RoomAction),
    /// List the calls in the message ring. Answered by [`Event::Calls`].
    ListCalls,
    /// Find the call in which a user of ours was last. Answered by [`Event::LastCall`], by each shard for its own calls.
    LastCallOf {
        /// Who.
        user: Box<str>,
    },
    /// List the slots of a park server. Answered by [`Event::Slots`].
    ListSlots,
    /// The same as soon as it is known what becomes of whoever is given away in this one just now.
    AwaitSlot(Box<str>),
    /// The recent messages of one call. Answered by [`Event::Messages`].
    ShowCall {
        /// Its Call-ID.
        call_id: Box<str>,
    },
}

/// What an agent tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something about the telephone's calls.
    Call(CallEvent),
    /// A record that is of no use, which is forgotten, and why.
    NotTakenUp(RecordName, RecordError),
    /// To [`Command::UseService`]: done, or everything is as it was.
    ServiceChanged(CommandId, Result<(), Unchanged>),
    /// To [`Command::Redial`].
    Redial(CommandId, RedialAnswer),
    /// To [`Command::Rooms`].
    Rooms(CommandId, RoomAnswer),
    /// To [`Command::ListCalls`].
    Calls(CommandId, Vec<CallSummary>),
    /// To [`Command::LastCallOf`]: the one that is up with somebody, not with a server of ours, and of which something was heard
    /// last, be it that it was held.
    LastCall(CommandId, Option<CallOf>),
    /// To [`Command::ListSlots`] and [`Command::AwaitSlot`], in the order of the settings; none of whoever is no park server.
    Slots(CommandId, Vec<Slot>),
    /// Somebody who has dialled a code wants something done. Once it is, their call is to be answered; if it cannot be, declined.
    Wish(Wish),
    /// To [`Command::ShowCall`]: oldest first; empty when the ring holds none.
    Messages(CommandId, Vec<Recorded>),
    /// To [`Command::Operate`] and [`Command::Connect`].
    Operated(CommandId, Operated),
    /// Something has passed, and somebody listens.
    News(News),
    /// A line for the log: something changed or was refused.
    Note(Note),
}

/// Why a server goes on as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unchanged {
    /// Somebody is in the slot or the room that would go.
    Taken(Box<str>),
    /// No such program runs there.
    NoSuchProgram,
}

/// One call as the message ring shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSummary {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// The caller's address, from the From header.
    pub from: Box<str>,
    /// The address called, from the To header.
    pub to: Box<str>,
    /// When its first remembered message passed.
    pub since: Instant,
    /// `ringing`, `answered`, `ended` or `failed` with the status.
    pub state: Box<str>,
    /// How many messages are remembered.
    pub messages: usize,
}

/// What somebody wants of their own calls, by a dialled code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The call by which they say so.
    pub call: CallName,
    /// Who they are, as the switchboard has them proved.
    pub user: Box<str>,
    /// What is to be done.
    pub deed: Deed,
}

/// What is to be done for whoever has dialled a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Have their calls forwarded.
    Forward {
        /// Which of them.
        when: Occasion,
        /// Where they are to go; nowhere else any more, if there is none.
        to: Option<Box<str>>,
    },
    /// Hand over the call in which they were last.
    Transfer {
        /// Whom the other side is to call.
        to: Box<str>,
    },
}

/// A call that one of our users has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallOf {
    /// Its Call-ID.
    pub call_id: Box<str>,
    /// When something was heard of it last, in whole seconds.
    pub heard: Instant,
}

/// A slot of a park server (RFC 5359 §2.15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The user part of its address.
    pub name: Box<str>,
    /// Who is in it; none if it is free.
    pub parked: Option<Parked>,
}

/// A call that is parked, or on its way into a slot or out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// How it stands: `parking`, `parked`, `ringing-back`, `retrieving` or `retrieved`.
    pub state: &'static str,
    /// The URI of who waits.
    pub who: Box<str>,
    /// The URI of who has parked them, and is called when they wait for too long; none if nobody is known to have.
    pub by: Option<Box<str>>,
    /// Since when.
    pub since: Instant,
}

/// One message as it passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Instant,
    /// Whether it came to us.
    pub received: bool,
    /// Over what.
    pub flow: Flow,
    /// The whole message.
    pub bytes: Bytes,
}

/// A line for the log. Identities in it are for masked printing only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// What happened, in words, without identities.
    pub says: &'static str,
    /// The Call-ID it belongs to, if any.
    pub call_id: Option<Box<str>>,
    /// The peer, if any.
    pub flow: Option<Flow>,
    /// Names and addresses; masked when logged.
    pub identity: Option<Box<str>>,
}

/// How much a [`Note`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A state changed.
    Info,
    /// Somebody was refused, or a peer broke a rule.
    Warning,
    /// We could not do what we should.
    Error,
}
