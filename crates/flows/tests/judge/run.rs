//! Runs to judge: complete SIP messages written for a golden flow, and what may be done to them.

use bytes::Bytes;
use cordboard_flows::golden::{self, Drawn, Golden, Named, Part};
use cordboard_flows::judge::{Observed, ObservedMessage, Verdict, judge};
use cordboard_sip::{Builder, Status, View};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Who only passes messages on.
const PROXIES: [&str; 5] = ["proxy", "proxy1", "proxy2", "proxy3", "alg"];

/// A run of a flow, each message with the name that it has in the drawing.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) golden: &'static Golden,
    messages: Vec<(String, ObservedMessage)>,
}

impl Run {
    /// The flow as it is drawn, 100s and repeats left out.
    pub(crate) fn of(id: &str) -> Self {
        let golden = golden::find(id).unwrap_or_else(|| panic!("{id} is no golden flow"));
        Self { golden, messages: Writer::new(golden).write() }
    }

    pub(crate) fn judged(&self) -> Verdict {
        judge(self.golden, &self.observed())
    }

    /// Held against another flow.
    pub(crate) fn judged_as(&self, id: &str) -> Verdict {
        judge(golden::find(id).unwrap(), &self.observed())
    }

    pub(crate) fn observed(&self) -> Observed {
        Observed { messages: self.messages.iter().map(|(_, message)| message.clone()).collect() }
    }

    fn place(&self, id: &str) -> usize {
        let place = self.messages.iter().position(|(own, _)| own == id);
        place.unwrap_or_else(|| panic!("{} has no {id}", self.golden.id))
    }

    fn message(&mut self, id: &str) -> &mut ObservedMessage {
        let place = self.place(id);
        &mut self.messages[place].1
    }

    /// Replaces a piece of text, which must be there.
    pub(crate) fn edit(mut self, id: &str, old: &str, new: &str) -> Self {
        let message = self.message(id);
        let text = String::from_utf8(message.bytes.to_vec()).unwrap();
        assert!(text.contains(old), "{id} has no `{old}`:\n{text}");
        message.bytes = measured(&text.replace(old, new));
        self
    }

    /// The same in every message that has it.
    pub(crate) fn edit_all(mut self, old: &str, new: &str) -> Self {
        for (_, message) in &mut self.messages {
            let text = String::from_utf8(message.bytes.to_vec()).unwrap();
            message.bytes = measured(&text.replace(old, new));
        }
        self
    }

    /// Leaves out the header lines of that name.
    pub(crate) fn without_header(mut self, id: &str, name: &str) -> Self {
        let message = self.message(id);
        let text = String::from_utf8(message.bytes.to_vec()).unwrap();
        let start = format!("{name}: ");
        assert!(text.contains(&start), "{id} has no {name}");
        let lines = text.split_inclusive("\r\n").filter(|line| !line.starts_with(&start));
        message.bytes = measured(&lines.collect::<String>());
        self
    }

    /// Leaves out the body and what describes it.
    pub(crate) fn without_body(mut self, id: &str) -> Self {
        let message = self.message(id);
        message.bytes = bodiless(&message.bytes);
        self
    }

    /// Nothing but start lines and what dispatch needs.
    pub(crate) fn methods_only(mut self) -> Self {
        for (_, message) in &mut self.messages {
            let text = String::from_utf8(bodiless(&message.bytes).to_vec()).unwrap();
            let kept = |line: &&str| {
                let name = line.split(':').next().unwrap_or_default();
                ["Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length"].contains(&name)
                    || !line.contains(": ")
            };
            message.bytes = Bytes::from(text.split_inclusive("\r\n").filter(kept).collect::<String>());
        }
        self
    }

    pub(crate) fn drop(mut self, ids: &[&str]) -> Self {
        for id in ids {
            let place = self.place(id);
            self.messages.remove(place);
        }
        self
    }

    /// Moves a message so that it comes right before another.
    pub(crate) fn before(mut self, id: &str, other: &str) -> Self {
        let moved = self.messages.remove(self.place(id));
        let place = self.place(other);
        self.messages.insert(place, moved);
        self
    }

    /// Moves a message to the end.
    pub(crate) fn last(mut self, id: &str) -> Self {
        let moved = self.messages.remove(self.place(id));
        self.messages.push(moved);
        self
    }

    /// Repeats a message right after another.
    pub(crate) fn again(mut self, id: &str, other: &str) -> Self {
        let copy = (format!("{id}'"), self.message(id).clone());
        let place = self.place(other);
        self.messages.insert(place + 1, copy);
        self
    }

    /// Adds a message of another flow's kind.
    pub(crate) fn insert(mut self, after: &str, id: &str, from: &str, to: &str, bytes: Bytes) -> Self {
        let place = self.place(after);
        let message = ObservedMessage {
            at: Duration::ZERO,
            from: from.to_owned(),
            to: to.to_owned(),
            bytes,
            stage: Part::Flow,
            retransmission: false,
        };
        self.messages.insert(place + 1, (id.to_owned(), message));
        self
    }

    /// Adds a message at the end.
    pub(crate) fn with(self, id: &str, from: &str, to: &str, bytes: Bytes) -> Self {
        let (last, _) = self.messages.last().cloned().unwrap();
        self.insert(&last, id, from, to, bytes)
    }

    /// Sends a message from and to others.
    pub(crate) fn between(mut self, id: &str, from: &str, to: &str) -> Self {
        let message = self.message(id);
        (message.from, message.to) = (from.to_owned(), to.to_owned());
        self
    }

    pub(crate) fn on_stage(mut self, id: &str, stage: Part) -> Self {
        self.message(id).stage = stage;
        self
    }

    pub(crate) fn repeated(mut self, id: &str) -> Self {
        self.message(id).retransmission = true;
        self
    }

    /// Everything goes by way of a proxy that the drawing does not have. The second hop of `F1` is `F1+`.
    pub(crate) fn relayed(mut self, proxy: &str) -> Self {
        let mut messages = Vec::new();
        for (id, message) in std::mem::take(&mut self.messages) {
            let text = String::from_utf8(message.bytes.to_vec()).unwrap();
            let own = text.lines().find(|line| line.starts_with("Via: ")).unwrap().to_owned();
            let branch = own.rsplit('=').next().unwrap();
            let mut via = format!("Via: SIP/2.0/UDP {proxy}.example.com;branch={branch}proxy");
            // RFC 3261 §9.1, §17.1.1.3: what goes from hop to hop is sent anew on each.
            let acks_failure = text.starts_with("ACK ") && text.contains(";tag=refusal");
            if !acks_failure && !text.contains(" CANCEL\r\n") {
                via = format!("{via}\r\n{own}");
            }
            let longer = Bytes::from(text.replacen(&own, &via, 1));
            let hops =
                if text.starts_with("SIP/2.0 ") { [longer, message.bytes] } else { [message.bytes, longer] };
            let ends = [(message.from.clone(), proxy.to_owned()), (proxy.to_owned(), message.to.clone())];
            let ids = [id.clone(), format!("{id}+")];
            for ((id, (from, to)), bytes) in ids.into_iter().zip(ends).zip(hops) {
                messages.push((
                    id,
                    ObservedMessage {
                        from,
                        to,
                        bytes,
                        at: message.at,
                        stage: message.stage,
                        retransmission: false,
                    },
                ));
            }
        }
        self.messages = messages;
        self
    }

    pub(crate) fn bytes(&self, id: &str) -> Bytes {
        self.messages[self.place(id)].1.bytes.clone()
    }

    /// An answer of the UA's own to a request of the run.
    pub(crate) fn answer(&self, id: &str, code: u16) -> Bytes {
        let bytes = self.bytes(id);
        let view = View::parse(&bytes).unwrap();
        Builder::response(&view, Status::new(code).unwrap(), Some("another")).finish()
    }
}

/// The text with its Content-Length put right.
fn measured(text: &str) -> Bytes {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-Length:"));
    let head: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    Bytes::from(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn bodiless(bytes: &Bytes) -> Bytes {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-"));
    let head: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    Bytes::from(format!("{head}Content-Length: 0\r\n\r\n"))
}

/// Writes the messages of a flow.
struct Writer {
    golden: &'static Golden,
    /// The requests written so far, by transaction.
    requests: BTreeMap<&'static str, Bytes>,
}

impl Writer {
    const fn new(golden: &'static Golden) -> Self {
        Self { golden, requests: BTreeMap::new() }
    }

    fn write(mut self) -> Vec<(String, ObservedMessage)> {
        let drawn = self.golden.messages.iter().filter(|d| !d.retransmission && d.status() != Some(100));
        let mut messages = Vec::new();
        for (tick, drawn) in (0_u64..).zip(drawn) {
            let bytes = if drawn.status().is_some() { self.response(drawn) } else { self.request(drawn) };
            let message = ObservedMessage {
                at: Duration::from_millis(10 * tick),
                from: drawn.from.clone(),
                to: drawn.to.clone(),
                bytes,
                stage: drawn.stage,
                retransmission: false,
            };
            messages.push((drawn.id.clone(), message));
        }
        messages
    }

    /// Both ends of a dialog: who began it, and who else is no proxy.
    fn ends(&self, drawn: &Drawn) -> [&'static str; 2] {
        let same = |other: &&&Drawn| match &drawn.dialog {
            Some(label) => other.dialog.as_ref() == Some(label),
            None => other.transaction == drawn.transaction,
        };
        let messages: Vec<&'static Drawn> = self.golden.messages.iter().collect();
        let own: Vec<&'static Drawn> = messages.iter().filter(same).copied().collect();
        let initiator = own[0].from.as_str();
        let mut people = own.iter().flat_map(|m| [m.from.as_str(), m.to.as_str()]);
        let other = people.rfind(|name| *name != initiator && !PROXIES.contains(name));
        [initiator, other.unwrap_or(&own[0].to)]
    }

    fn label(drawn: &Drawn) -> &str {
        drawn.dialog.as_deref().unwrap_or(match drawn.method() {
            "REGISTER" => "registration",
            _ => &drawn.transaction,
        })
    }

    fn request(&mut self, drawn: &'static Drawn) -> Bytes {
        let (label, [initiator, responder]) = (Self::label(drawn), self.ends(drawn));
        let begins = !self.is_up(drawn);
        let mine = self.sender(drawn, [initiator, responder]);
        let theirs = if mine == initiator { responder } else { initiator };
        let mut text = if begins {
            format!("{} sip:{theirs}@{theirs}.example.com SIP/2.0\r\n", drawn.word())
        } else {
            format!("{} sip:{theirs}@{theirs}.contact.example.com SIP/2.0\r\n", drawn.word())
        };
        text += &self.vias(drawn);
        let is_ack_of_failure =
            drawn.word() == "ACK" && self.requests.contains_key(drawn.transaction.as_str());
        let to_tag = match (begins, is_ack_of_failure) {
            (true, true) => ";tag=refusal".to_owned(),
            (true, false) => String::new(),
            (false, _) => format!(";tag={label}{theirs}"),
        };
        let (from, to) =
            (format!("sip:{mine}@{mine}.example.com"), format!("sip:{theirs}@{theirs}.example.com"));
        write!(
            text,
            "Max-Forwards: 70\r\nFrom: <{from}>;tag={label}{mine}\r\nTo: <{to}>{to_tag}\r\n\
             Call-ID: {label}@calls.example.com\r\nCSeq: {}\r\n",
            drawn.cseq
        )
        .unwrap();
        text += &self.lines(drawn, mine);
        let bytes = measured(&text);
        if !is_ack_of_failure {
            self.requests.insert(&drawn.transaction, bytes.clone());
        }
        bytes
    }

    /// Which end the message comes from, though a proxy may pass it on.
    fn sender(&self, drawn: &Drawn, ends: [&'static str; 2]) -> &'static str {
        if let Some(end) = ends.iter().find(|end| **end == drawn.from) {
            return end;
        }
        let mut before =
            self.golden.messages.iter().take_while(|m| m.id != drawn.id).collect::<Vec<_>>().into_iter();
        let is_ack_of_failure =
            drawn.word() == "ACK" && self.requests.contains_key(drawn.transaction.as_str());
        // A proxy cancels by itself what others asked for (RFC 5359 §2.9).
        let of_invite = is_ack_of_failure || drawn.word() == "CANCEL";
        let word = if of_invite { "INVITE" } else { drawn.word() };
        let number = |m: &Drawn| m.cseq.split(' ').next().unwrap().to_owned();
        let same = |m: &&&Drawn| m.dialog == drawn.dialog && number(m) == number(drawn) && m.word() == word;
        let first =
            before.rfind(|m| same(&m) && ends.contains(&m.from.as_str())).expect("somebody sent it first");
        ends.into_iter().find(|end| *end == first.from).unwrap()
    }

    /// Whether the dialog is there: an INVITE, REFER or SUBSCRIBE of it was answered by a 2xx, or is a NOTIFY's.
    fn is_up(&self, drawn: &Drawn) -> bool {
        if drawn.dialog.is_none() {
            return false;
        }
        let mut before = self.golden.messages.iter().take_while(|m| m.id != drawn.id);
        before.any(|m| {
            m.dialog == drawn.dialog
                && m.status().is_some_and(|s| (200..300).contains(&s))
                && m.method() != "CANCEL"
        })
    }

    fn vias(&self, drawn: &Drawn) -> String {
        let transaction = match drawn.word() {
            // RFC 3261 §9.1: the branch of the INVITE.
            "CANCEL" => {
                let before = self.golden.messages.iter().take_while(|m| m.id != drawn.id);
                let invites = before.filter(|m| {
                    m.word() == "INVITE"
                        && (&m.from, &m.to, &m.dialog) == (&drawn.from, &drawn.to, &drawn.dialog)
                });
                &invites.last().unwrap().transaction
            }
            _ => &drawn.transaction,
        };
        let mut vias = format!("Via: SIP/2.0/UDP {}.example.com;branch=z9hG4bK{transaction}\r\n", drawn.from);
        let own = matches!(drawn.word(), "CANCEL") || self.requests.contains_key(drawn.transaction.as_str());
        if PROXIES.contains(&drawn.from.as_str()) && !own {
            let up = drawn.after.iter().find_map(|id| self.golden.message(id)).expect("a proxy passes on");
            vias += &self.vias(up);
        }
        vias
    }

    fn response(&self, drawn: &Drawn) -> Bytes {
        let request = &self.requests[drawn.transaction.as_str()];
        let view = View::parse(request).unwrap_or_else(|e| panic!("{} {}: {e}", self.golden.id, drawn.id));
        let code = drawn.status().unwrap();
        let [initiator, responder] = self.ends(drawn);
        let tag = format!("{}{responder}", Self::label(drawn));
        // Of two that ring for one INVITE, the first is another phone (RFC 5359 §2.9).
        let mut later = self.golden.messages.iter().skip_while(|m| m.id != drawn.id).skip(1);
        let rings_again =
            code < 200 && later.any(|m| m.transaction == drawn.transaction && m.start == drawn.start);
        let tag = match code {
            ..200 if rings_again => "first",
            ..300 => &*tag,
            _ => "refusal",
        };
        let response = Builder::response(&view, Status::new(code).unwrap(), Some(tag)).finish();
        let head = String::from_utf8(response.to_vec()).unwrap();
        let head = head.strip_suffix("Content-Length: 0\r\n\r\n").unwrap();
        let who = if view.from_tag() == Some(&*format!("{}{initiator}", Self::label(drawn))) {
            responder
        } else {
            initiator
        };
        measured(&format!("{head}{}", self.lines(drawn, who)))
    }

    fn call_id(named: &Named) -> String {
        format!("{}@calls.example.com", named.dialog)
    }

    /// A URI with the Replaces escaped in it (RFC 3261 §19.1.1).
    fn reference(to: &str, named: Option<&Named>) -> String {
        let address = format!("sip:{to}@{to}.example.com");
        named.map_or(address.clone(), |named| {
            let Named { dialog, to_tag, from_tag } = named;
            format!(
                "{address}?Replaces={dialog}%40calls.example.com%3Bto-tag%3D{dialog}{to_tag}%3Bfrom-tag%3D{dialog}{from_tag}"
            )
        })
    }

    /// The header lines and the body that the facts ask for.
    fn lines(&self, drawn: &Drawn, who: &str) -> String {
        let facts = &drawn.facts;
        let mut lines = String::new();
        let mut line = |name: &str, value: String| write!(lines, "{name}: {value}\r\n").unwrap();
        if !matches!(drawn.word(), "ACK" | "BYE" | "CANCEL" | "MESSAGE") {
            let rendering =
                if facts.rendering.as_deref() == Some("no") { ";+sip.rendering=\"no\"" } else { "" };
            let focus = if facts.isfocus == Some(true) { ";isfocus" } else { "" };
            line("Contact", format!("<sip:{who}@{who}.contact.example.com>{rendering}{focus}"));
        }
        if let Some(to) = &facts.refer_to {
            line("Refer-To", format!("<{}>", Self::reference(to, facts.refer_replaces.as_ref())));
        }
        if let Some(Named { dialog, to_tag, from_tag }) = &facts.replaces {
            let call_id = Self::call_id(facts.replaces.as_ref().unwrap());
            line("Replaces", format!("{call_id};to-tag={dialog}{to_tag};from-tag={dialog}{from_tag}"));
        }
        if let Some(Named { dialog, to_tag, from_tag }) = &facts.join {
            let call_id = Self::call_id(facts.join.as_ref().unwrap());
            line("Join", format!("{call_id};to-tag={dialog}{to_tag};from-tag={dialog}{from_tag}"));
        }
        if let Some(label) = &facts.target_dialog {
            // RFC 4538 §3: local is the recipient.
            let (local, remote) = (&drawn.to, &drawn.from);
            line(
                "Target-Dialog",
                format!("{label}@calls.example.com;local-tag={label}{local};remote-tag={label}{remote}"),
            );
        }
        if let Some(event) = &facts.event {
            let refer = facts
                .event_id
                .as_ref()
                .map(|t| self.golden.messages.iter().find(|m| m.transaction == *t).unwrap());
            let id =
                refer.map_or(String::new(), |refer| format!(";id={}", refer.cseq.split(' ').next().unwrap()));
            line("Event", format!("{event}{id}"));
        }
        if let Some(state) = &facts.subscription {
            let expires = if state == "active" { ";expires=60" } else { "" };
            line("Subscription-State", format!("{state}{expires}"));
        }
        if facts.referred_by == Some(true) {
            line("Referred-By", "<sip:referrer@example.com>".to_owned());
        }
        if let Some(wanted) = facts.refer_sub {
            line("Refer-Sub", wanted.to_string());
        }
        if !facts.require.is_empty() {
            line("Require", facts.require.join(", "));
        }
        lines + &Self::body(drawn)
    }

    fn body(drawn: &Drawn) -> String {
        let facts = &drawn.facts;
        let (kind, body) = if let Some(direction) = facts.sdp.as_deref().filter(|sdp| *sdp != "none") {
            let body = format!(
                "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
                 m=audio 49170 RTP/AVP 0\r\na={direction}\r\n"
            );
            ("application/sdp", body)
        } else if let Some(code) = facts.sipfrag {
            let reason = Status::new(code).unwrap().reason();
            ("message/sipfrag", format!("SIP/2.0 {code} {reason}\r\n"))
        } else if let Some(to) = &facts.link_to {
            let link = Self::reference(to, facts.link_replaces.as_ref());
            (
                "text/html",
                format!("<HTML>Do you want <A HREF=\"{link}&amp;Require=replaces\">this call</A>?</HTML>"),
            )
        } else if let Some(content) = &facts.content {
            (content.as_str(), "<conference-info/>".to_owned())
        } else {
            return "\r\n".to_owned();
        };
        format!("Content-Type: {kind}\r\n\r\n{body}")
    }
}
