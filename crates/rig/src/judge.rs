//! What a capture proves: no malformed SIP, no rule broken that is visible on the wire, the expected sequence of methods.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::capture::Message;

/// The SIP messages of one test, in the order of the wire.
#[derive(Clone, Debug)]
pub struct Verdict {
    messages: Vec<Message>,
    /// Whether calls and registrations need credentials.
    credentials: bool,
}

/// One transaction as its originator sent it, with every hop, retransmission and branch folded together.
#[derive(Clone, Debug, Default)]
struct Transaction {
    call_id: String,
    method: String,
    caller: String,
    called: String,
    /// Inside a dialog when the request had a To tag.
    inside: bool,
    credentials: bool,
    /// Statuses in the order they were first seen, without 100.
    statuses: Vec<u16>,
    acknowledged: bool,
}

impl Verdict {
    pub(crate) fn new(messages: Vec<Message>) -> Self {
        Self { messages, credentials: true }
    }

    /// The same where nobody asks for credentials.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        Self { credentials: false, ..self }
    }

    /// The messages themselves.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Everything wrong with single messages, whatever became of them.
    pub fn malformed(&self) -> Vec<String> {
        let of = |message: &Message| {
            let frame = message.frame;
            faults(message).into_iter().map(move |fault| format!("frame {frame}: {fault}"))
        };
        self.messages.iter().flat_map(of).collect()
    }

    /// Everything wrong with the messages and transactions; empty is good.
    pub fn complaints(&self) -> Vec<String> {
        let mut found = self.malformed();
        for transaction in self.transactions() {
            found.extend(transaction.faults(self.credentials));
        }
        found
    }

    /// Panics unless there are no complaints and the transactions are exactly `expected`.
    ///
    /// One line a direction, in any order: `alice > bob: INVITE 180 200, BYE 200`. A transaction is a method and the
    /// responses to it, without 100 (it is for one hop only), without retransmissions, and without the challenged
    /// attempt before one with credentials. `?` after a status means that it may be missing, `*` after a transaction
    /// that it may come any number of times, also never.
    #[track_caller]
    pub fn expect(&self, expected: &str) {
        let complaints = self.complaints();
        assert!(
            complaints.is_empty(),
            "tshark or the rig complains:\n{}\n{}",
            complaints.join("\n"),
            self.ladder()
        );
        let wanted: BTreeMap<_, _> = expected
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| line.split_once(": ").expect("an expectation is `from > to: transactions`"))
            .collect();
        let seen = self.directions();
        let all: BTreeSet<_> = wanted.keys().copied().chain(seen.keys().map(String::as_str)).collect();
        let mut differences = String::new();
        for direction in all {
            let (wanted, seen) = (wanted.get(direction).copied().unwrap_or_default(), seen.get(direction));
            let seen = seen.map(Vec::as_slice).unwrap_or_default();
            if !fits(wanted, seen) {
                let _ = writeln!(
                    differences,
                    "{direction}: expected {wanted}\n{direction}: seen     {}",
                    seen.join(", ")
                );
            }
        }
        assert!(differences.is_empty(), "other transactions than expected:\n{differences}{}", self.ladder());
    }

    /// Whether a request of `method` was answered with a challenge.
    pub fn challenged(&self, method: &str) -> bool {
        let challenge = |message: &&Message| {
            message.sequence_method == method && matches!(message.status, Some(401 | 407))
        };
        self.messages.iter().any(|message| challenge(&message))
    }

    /// Requests and responses that were sent more than once over one hop.
    pub fn retransmissions(&self) -> usize {
        let mut seen = BTreeSet::new();
        let mut again = 0;
        for message in &self.messages {
            let what = (
                &message.from,
                &message.to,
                &message.method,
                message.status,
                &message.sequence_method,
                &message.branch,
            );
            again += usize::from(!seen.insert(what));
        }
        again
    }

    /// The messages for a person to read.
    pub fn ladder(&self) -> String {
        let mut text = String::new();
        for message in &self.messages {
            let Message { frame, from, to, sequence, sequence_method, from_user, to_user, .. } = message;
            let what = message.method.clone().or_else(|| message.status.map(|status| status.to_string()));
            let what = what.unwrap_or_default();
            let _ = writeln!(
                text,
                "{frame:>5} {from:>21} -> {to:<21} {what:<9} {sequence} {sequence_method} ({from_user} > {to_user})"
            );
        }
        text
    }

    fn directions(&self) -> BTreeMap<String, Vec<String>> {
        let mut directions = BTreeMap::<_, Vec<_>>::new();
        for transaction in self.transactions() {
            if matches!(transaction.statuses[..], [.., 401 | 407]) {
                continue;
            }
            let direction = format!("{} > {}", transaction.caller, transaction.called);
            let statuses = transaction.statuses.iter().map(|status| format!(" {status}"));
            directions.entry(direction).or_default().push(transaction.method + &statuses.collect::<String>());
        }
        directions
    }

    fn transactions(&self) -> Vec<Transaction> {
        let mut order = Vec::new();
        let mut transactions = BTreeMap::<_, Transaction>::new();
        for message in &self.messages {
            let method = match &*message.sequence_method {
                "ACK" => "INVITE",
                other => other,
            };
            let key = (&message.call_id, &message.from_tag, message.sequence, method.to_owned());
            let transaction = transactions.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                Transaction {
                    call_id: message.call_id.clone(),
                    method: method.to_owned(),
                    caller: message.from_user.clone(),
                    called: message.to_user.clone(),
                    inside: !message.to_tag.is_empty(),
                    ..Transaction::default()
                }
            });
            transaction.credentials |= message.credentials;
            transaction.acknowledged |= message.method.as_deref() == Some("ACK");
            if let Some(status) = message.status.filter(|&status| status != 100)
                && !transaction.statuses.contains(&status)
            {
                transaction.statuses.push(status);
            }
        }
        order.iter().filter_map(|key| transactions.remove(key)).collect()
    }
}

/// What is wrong with one message: RFC 3261 §8.1.1, and whatever tshark remarks.
fn faults(message: &Message) -> Vec<String> {
    let mut found = message.remarks.clone();
    if message.call_id.is_empty() || message.sequence_method.is_empty() || message.from_tag.is_empty() {
        found.push("Call-ID, CSeq or the From tag is missing".to_owned());
    }
    if !message.branch.starts_with("z9hG4bK") {
        found.push(format!("the branch {} lacks the magic cookie", message.branch));
    }
    if let Some(method) = &message.method {
        if *method != message.sequence_method {
            found.push(format!("{method} with a CSeq of {}", message.sequence_method));
        }
        if message.max_forwards.is_none() {
            found.push(format!("{method} without Max-Forwards"));
        }
    }
    if message.status.is_some_and(|status| status > 100) && message.to_tag.is_empty() {
        found.push("a response without a To tag".to_owned());
    }
    found
}

impl Transaction {
    fn faults(&self, need_credentials: bool) -> Vec<String> {
        let mut found = Vec::new();
        let mut complain = |what: &str| {
            found.push(format!(
                "{} from {} to {} ({}): {what}",
                self.method, self.caller, self.called, self.call_id
            ));
        };
        let last = self.statuses.last().copied().unwrap_or_default();
        if last < 200 {
            complain("no final answer");
        }
        if self.method == "INVITE" && last >= 200 && !self.acknowledged {
            complain("no ACK");
        }
        if need_credentials
            && (200..300).contains(&last)
            && !self.inside
            && matches!(&*self.method, "INVITE" | "REGISTER")
            && !self.credentials
        {
            complain("accepted without credentials");
        }
        found
    }
}

/// Whether transactions are what the notation of [`Verdict::expect`] asks for.
fn fits(wanted: &str, seen: &[String]) -> bool {
    let wanted: Vec<_> = wanted.split(", ").filter(|part| !part.is_empty()).collect();
    fit(&wanted, seen)
}

fn fit(wanted: &[&str], seen: &[String]) -> bool {
    let Some((first, others)) = wanted.split_first() else {
        return seen.is_empty();
    };
    if let Some(repeated) = first.strip_suffix('*') {
        return fit(others, seen)
            || (seen.split_first().is_some_and(|(one, rest)| same(repeated, one) && fit(wanted, rest)));
    }
    seen.split_first().is_some_and(|(one, rest)| same(first, one) && fit(others, rest))
}

fn same(wanted: &str, seen: &str) -> bool {
    let mut seen = seen.split(' ').peekable();
    for word in wanted.split(' ') {
        let (word, optional) = word.strip_suffix('?').map_or((word, false), |word| (word, true));
        if seen.next_if_eq(&word).is_none() && !optional {
            return false;
        }
    }
    seen.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(method: &str, sequence: u64) -> Message {
        Message {
            method: Some(method.to_owned()),
            sequence,
            sequence_method: method.to_owned(),
            call_id: "1@here".to_owned(),
            from_user: "alice".to_owned(),
            from_tag: "a".to_owned(),
            to_user: "bob".to_owned(),
            branch: format!("z9hG4bK{sequence}"),
            max_forwards: Some(70),
            ..Message::default()
        }
    }

    fn answered(status: u16, method: &str, sequence: u64) -> Message {
        Message { method: None, status: Some(status), to_tag: "b".to_owned(), ..sent(method, sequence) }
    }

    fn with_credentials(message: Message) -> Message {
        Message { credentials: true, ..message }
    }

    fn call() -> Vec<Message> {
        vec![
            sent("INVITE", 1),
            answered(407, "INVITE", 1),
            Message { sequence_method: "ACK".to_owned(), ..sent("ACK", 1) },
            with_credentials(sent("INVITE", 2)),
            answered(100, "INVITE", 2),
            answered(180, "INVITE", 2),
            answered(200, "INVITE", 2),
            answered(200, "INVITE", 2),
            Message { to_tag: "b".to_owned(), ..sent("ACK", 2) },
            Message { to_tag: "b".to_owned(), ..sent("BYE", 3) },
            answered(200, "BYE", 3),
        ]
    }

    #[test]
    fn a_call_is_seen_as_two_transactions() {
        let verdict = Verdict::new(call());
        verdict.expect("alice > bob: INVITE 180 200, BYE 200");
        verdict.expect("alice > bob: INVITE 180? 183? 200, OPTIONS 200*, BYE 200*");
        assert_eq!(verdict.retransmissions(), 1);
    }

    #[test]
    fn what_did_not_happen_is_missed() {
        for wrong in
            ["alice > bob: INVITE 180 200", "alice > bob: INVITE 200, BYE 200", "bob > alice: BYE 200"]
        {
            assert!(std::panic::catch_unwind(|| Verdict::new(call()).expect(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_fault_is_named() {
        let complaints = |change: fn(&mut Vec<Message>)| {
            let mut messages = call();
            change(&mut messages);
            Verdict::new(messages).complaints().join("; ")
        };
        assert_eq!(complaints(|_| {}), "");
        assert!(complaints(|messages| messages[0].branch = "1".to_owned()).contains("magic cookie"));
        assert!(complaints(|messages| messages[0].max_forwards = None).contains("Max-Forwards"));
        assert!(
            complaints(|messages| messages[9].sequence_method = "INFO".to_owned()).contains("CSeq of INFO")
        );
        assert!(complaints(|messages| messages[5].to_tag.clear()).contains("To tag"));
        assert!(
            complaints(|messages| messages[3].remarks.push("malformed".to_owned())).contains("malformed")
        );
        assert!(complaints(|messages| drop(messages.pop())).contains("no final answer"));
        assert!(complaints(|messages| drop(messages.remove(8))).contains("no ACK"));
        assert!(complaints(|messages| messages[3].credentials = false).contains("without credentials"));
    }
}
