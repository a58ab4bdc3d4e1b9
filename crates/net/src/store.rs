//! What an agent asks of the rest of the process: the [`Store`], and the [`Reply`] that comes later.

use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_service::door::{Answer, AskId, Event, PeerIdentity, Question, ShardId};
use std::fmt;
use std::sync::Arc;

/// Answers the questions that are neither names nor connections: who is registered where, and what
/// must survive the process. Its methods are called under the lock of the shard that asks, on the
/// thread that carries messages: they return at once, do no I/O, and call neither [`Reply::send`] nor the
/// [`Running`](crate::Running) server.
pub trait Store: Send + Sync + 'static {
    /// Answers at once with `Some`, or keeps `reply` and sends the answer later from a thread of its
    /// own. Only [`Question::Locate`], [`Question::Register`] and [`Question::Keep`] come here. Every question
    /// must be answered once, and those to keep something in their order.
    fn ask(&self, now: Instant, question: Question, reply: Reply) -> Option<Answer>;

    /// Takes note of what happened in a shard.
    fn event(&self, now: Instant, shard: ShardId, event: Event);

    /// A connection has been made, in either direction, and its handshakes are done.
    fn flow_opened(&self, _now: Instant, _flow: Flow, _peer: &Peer) {}

    /// A connection is gone. Comes once for every [`Store::flow_opened`].
    fn flow_closed(&self, _now: Instant, _flow: Flow) {}
}

/// What is known of the other end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Whether the peer opened the connection.
    pub incoming: bool,
    /// What its certificate proves (RFC 5922 §7.1); nothing without a client's certificate.
    pub identities: Arc<[PeerIdentity]>,
}

/// Carries one answer to the shard that asked. May be sent from any thread that holds no lock which
/// the [`Store`]'s methods take.
pub struct Reply {
    pub(crate) shard: ShardId,
    pub(crate) ask: AskId,
    pub(crate) deliver: Arc<dyn Deliver>,
}

impl Reply {
    /// Delivers the answer and sends what the shard has to say to it.
    pub fn send(self, answer: Answer) {
        let deliver = Arc::clone(&self.deliver);
        deliver.answers(vec![(self, answer)]);
    }

    /// Delivers many answers, such as those of one commit, taking each shard's lock once.
    pub fn send_all(answers: Vec<(Self, Answer)>) {
        if let Some((first, _)) = answers.first() {
            let deliver = Arc::clone(&first.deliver);
            deliver.answers(answers);
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {})", self.shard.0, self.ask.0)
    }
}

/// The way back to the shards of one server.
pub(crate) trait Deliver: Send + Sync {
    /// Hands each answer to its shard.
    fn answers(self: Arc<Self>, answers: Vec<(Reply, Answer)>);
}
