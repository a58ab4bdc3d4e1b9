//! What an agent counts: plain numbers, added up over shards by whoever shows them.

/// Numbers that only grow, and a few that say how much is held now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages received, framed and parsed.
    pub received: u64,
    /// Messages sent.
    pub sent: u64,
    /// Bytes that were not SIP, or refused before a transaction existed.
    pub refused: u64,
    /// Requests that were dropped in silence where the RFC says so.
    pub dropped: u64,
    /// INVITEs that began a call.
    pub calls: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// REGISTER requests that changed or kept a binding.
    pub registrations: u64,
    /// Challenges sent.
    pub challenges: u64,
    /// Credentials that did not fit.
    pub bad_credentials: u64,
    /// Requests answered 503 because there was no room.
    pub overloaded: u64,
    /// Client transactions alive now.
    pub client_transactions: u64,
    /// Server transactions alive now.
    pub server_transactions: u64,
    /// Proxied requests alive now.
    pub contexts: u64,
    /// Takeovers and joins that were refused.
    pub takeovers_refused: u64,
    /// Dialogs that are carried now.
    pub carried: u64,
    /// Subscriptions that the switchboard serves now.
    pub subscriptions: u64,
}

impl Counters {
    /// Each with its metric name and what it means.
    pub fn facts(&self) -> [(&'static str, &'static str, u64); 16] {
        [
            ("messages_received_total", "SIP messages received", self.received),
            ("messages_sent_total", "SIP messages sent", self.sent),
            ("messages_refused_total", "Packets that were not acceptable SIP", self.refused),
            ("messages_dropped_total", "Messages dropped in silence", self.dropped),
            ("calls_total", "INVITEs that began a call", self.calls),
            ("calls_answered_total", "Calls that were answered", self.answered),
            ("registrations_total", "REGISTER requests accepted", self.registrations),
            ("challenges_total", "Digest challenges sent", self.challenges),
            ("bad_credentials_total", "Credentials that did not fit", self.bad_credentials),
            ("overloaded_total", "Requests answered 503 for lack of room", self.overloaded),
            ("client_transactions", "Client transactions alive", self.client_transactions),
            ("server_transactions", "Server transactions alive", self.server_transactions),
            ("contexts", "Proxied requests alive", self.contexts),
            ("takeovers_refused_total", "Takeovers of calls that were refused", self.takeovers_refused),
            ("dialogs", "Dialogs that are carried", self.carried),
            ("subscriptions", "Subscriptions that are served", self.subscriptions),
        ]
    }

    /// Whether a fact of that name may go down.
    pub fn is_gauge(name: &str) -> bool {
        !name.ends_with("_total")
    }

    /// Adds another shard's.
    pub fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.sent += other.sent;
        self.refused += other.refused;
        self.dropped += other.dropped;
        self.calls += other.calls;
        self.answered += other.answered;
        self.registrations += other.registrations;
        self.challenges += other.challenges;
        self.bad_credentials += other.bad_credentials;
        self.overloaded += other.overloaded;
        self.client_transactions += other.client_transactions;
        self.server_transactions += other.server_transactions;
        self.contexts += other.contexts;
        self.takeovers_refused += other.takeovers_refused;
        self.carried += other.carried;
        self.subscriptions += other.subscriptions;
    }
}
