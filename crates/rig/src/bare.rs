//! A telephone without a telephone: requests and answers written by hand over a [`Wire`], and calls between two.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cordboard_sip::digest::{Challenge, Ha1, Request, WwwAuthenticate};
use cordboard_sip::header::Header;

use crate::deadline::STEP;
use crate::switchboard::{Switchboard, password};
use crate::wire::{Heard, Message, Wire};

/// After this long without an answer a request is sent again, if it is a datagram: T1 of RFC 3261 §17.1.1.1.
pub const RESEND: Duration = Duration::from_millis(500);

/// Somebody who registers and calls by hand.
#[derive(Debug)]
pub struct Bare {
    /// What it speaks over.
    pub wire: Wire,
    name: String,
    domain: &'static str,
    secret: String,
    sequence: u32,
    /// Requests that came while something else was awaited.
    aside: VecDeque<Message>,
}

/// Who of a [`Call`] does something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whoever sent the INVITE.
    Caller,
    /// Whoever answered it.
    Callee,
}

/// An answered call between two of them.
#[derive(Debug)]
pub struct Call {
    id: String,
    caller: End,
    callee: End,
}

/// One end of a dialog: what its own requests carry (RFC 3261 §12.2.1.1).
#[derive(Debug, Default)]
struct End {
    /// Address with tag.
    local: String,
    /// The peer's Contact.
    target: String,
    /// Route headers, as lines.
    route: String,
}

impl Bare {
    /// The user `name` of `switchboard`, with the password that it knows.
    pub fn new(wire: Wire, name: &str, switchboard: &Switchboard) -> Self {
        Self {
            wire,
            name: name.to_owned(),
            domain: switchboard.domain(),
            secret: password(name),
            sequence: 0,
            aside: VecDeque::new(),
        }
    }

    /// The same with another password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.secret);
        self
    }

    /// From now on speaks for somebody else over the same wire, as a gateway with many users does.
    pub fn speaks_for(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.secret = password(name);
    }

    /// `sip:NAME@DOMAIN`.
    pub fn address(&self) -> String {
        format!("sip:{}@{}", self.name, self.domain)
    }

    /// Where its requests say that it is.
    pub fn contact(&self) -> String {
        let transport = self.wire.transport().to_ascii_lowercase();
        format!("sip:{}@{};transport={transport}", self.name, self.wire.local())
    }

    /// Its next request outside of dialogs, as text. `more` is header lines, each with its CRLF.
    pub fn request(&mut self, method: &str, uri: &str, to: &str, call_id: &str, more: &str) -> String {
        let from = format!("<{}>;tag=t{}", self.address(), self.wire.local().port());
        self.write(method, uri, &from, &format!("<{to}>"), call_id, more)
    }

    fn write(&mut self, method: &str, uri: &str, from: &str, to: &str, call_id: &str, more: &str) -> String {
        self.sequence += 1;
        let (n, local, transport) = (self.sequence, self.wire.local(), self.wire.transport());
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK-{}-{n};rport\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {n} {method}\r\n\
             {more}Content-Length: 0\r\n\r\n",
            local.port()
        )
    }

    /// The REGISTER that `more` completes, over the Call-ID that all of its registrations have.
    pub fn register(&mut self, more: &str) -> String {
        let (domain, address) = (format!("sip:{}", self.domain), self.address());
        let call_id = format!("registers-{}", self.wire.local().port());
        self.request("REGISTER", &domain, &address, &call_id, more)
    }

    /// Registers its contact for so many seconds, with digest, and gives the final answer.
    pub fn registers(&mut self, seconds: u32) -> Message {
        let more = format!("Contact: <{}>;expires={seconds}\r\n", self.contact());
        let plain = self.register(&more);
        let challenge = self.exchange(&plain);
        if challenge.status() != Some(401) {
            return challenge;
        }
        let more = format!("{}{more}", self.credentials(&plain, &challenge, 1));
        let proved = self.register(&more);
        self.exchange(&proved)
    }

    /// The header line that answers the challenge to `request`, with this nonce count.
    pub fn credentials(&self, request: &str, challenge: &Message, count: u32) -> String {
        let (header, ours) = match challenge.status() {
            Some(401) => ("WWW-Authenticate", "Authorization"),
            Some(407) => ("Proxy-Authenticate", "Proxy-Authorization"),
            _ => panic!("this is no challenge: {challenge:?}"),
        };
        let parsed = WwwAuthenticate::parse(challenge.value(header)).expect("a challenge can be read");
        let challenge: &Challenge = parsed.digest().expect("it asks for digest");
        let secret = Ha1::new(challenge.algorithm, &self.name, &challenge.realm, &self.secret);
        let mut words = request.split(' ');
        let (method, uri) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let request = Request { method, uri, body: b"" };
        format!("{ours}: {}\r\n", challenge.answer(&self.name, &secret, &request, count, "c0ffee"))
    }

    /// Sends a request, again and again if need be, and gives its final answer.
    #[track_caller]
    pub fn exchange(&mut self, request: &str) -> Message {
        let until = Instant::now() + STEP;
        while Instant::now() < until {
            self.send(request);
            if let Some(answer) = self.answer_to(request, RESEND) {
                return answer;
            }
        }
        panic!("no answer within {STEP:?} to\n{request}");
    }

    /// Sends it; whether it arrives shows in what comes back.
    pub fn send(&mut self, text: &str) {
        // A datagram may be refused because of an earlier one that met nobody.
        let _ = self.wire.send(text.as_bytes());
    }

    /// The final answer to `request`, if it comes `within` that time. An INVITE's refusal is acknowledged.
    pub fn answer_to(&mut self, request: &str, within: Duration) -> Option<Message> {
        let until = Instant::now() + within;
        let mine = |message: &Message| {
            ["Call-ID", "CSeq"].iter().all(|name| line(request, name) == message.value(name))
        };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.wire.receive(left) {
                Heard::Message(message) => match message.status() {
                    Some(200..) if mine(&message) => {
                        if request.starts_with("INVITE ") && message.status() >= Some(300) {
                            self.send(&ack_of_refusal(request, &message));
                        }
                        return Some(message);
                    }
                    Some(_) => {}
                    None => self.aside.push_back(message),
                },
                Heard::Silence => return None,
                Heard::Closed(_) => panic!("{:?}: closed instead of an answer to\n{request}", self.wire),
            }
        }
    }

    /// The next request with `method`, if it comes `within` that time.
    pub fn hears(&mut self, method: &str, within: Duration) -> Option<Message> {
        self.hears_that(method, |_| true, within)
    }

    /// The same of one call.
    fn hears_in(&mut self, call_id: &str, method: &str, within: Duration) -> Option<Message> {
        self.hears_that(method, |message| message.value("Call-ID") == call_id, within)
    }

    fn hears_that(
        &mut self,
        method: &str,
        fits: impl Fn(&Message) -> bool,
        within: Duration,
    ) -> Option<Message> {
        let until = Instant::now() + within;
        loop {
            if let Some(at) =
                self.aside.iter().position(|message| message.method() == Some(method) && fits(message))
            {
                return self.aside.remove(at);
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.wire.receive(left) {
                Heard::Message(message) if message.status().is_none() => self.aside.push_back(message),
                Heard::Message(_) => {}
                Heard::Silence => return None,
                Heard::Closed(_) => panic!("{:?}: closed instead of a {method}", self.wire),
            }
        }
    }

    /// Answers a request.
    pub fn answers(&mut self, request: &Message, status: &str) {
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "Record-Route", "From", "Call-ID", "CSeq"] {
            for value in request.values(name) {
                let _ = write!(text, "{name}: {value}\r\n");
            }
        }
        let tag = if request.tag("To").is_none() {
            format!(";tag=u{}", self.wire.local().port())
        } else {
            String::new()
        };
        let _ = write!(
            text,
            "To: {}{tag}\r\nContact: <{}>\r\nContent-Length: 0\r\n\r\n",
            request.value("To"),
            self.contact()
        );
        self.send(&text);
    }

    /// An INVITE to `to` that carries credentials: it is challenged once, and then written again.
    #[track_caller]
    pub fn invite(&mut self, to: &str) -> String {
        let call_id = format!("call-{}-{}", self.wire.local().port(), self.sequence);
        let contact = format!("Contact: <{}>\r\n", self.contact());
        let plain = self.request("INVITE", to, to, &call_id, &contact);
        let challenge = self.exchange(&plain);
        let more = format!("{}{contact}", self.credentials(&plain, &challenge, 1));
        self.request("INVITE", to, to, &call_id, &more)
    }

    /// Calls `to` and gives the final answer, which must come without anybody answering.
    #[track_caller]
    pub fn calls_in_vain(&mut self, to: &str) -> Message {
        let invite = self.invite(to);
        self.exchange(&invite)
    }
}

impl Call {
    /// `caller` calls `callee`, who answers. The INVITE must arrive `within` that time.
    #[track_caller]
    pub fn set_up(caller: &mut Bare, callee: &mut Bare, within: Duration) -> Self {
        let to = callee.address();
        let invite = caller.invite(&to);
        let (request, answer) = deliver(caller, callee, &invite, within);
        let route = |values: Vec<&str>| {
            values.iter().fold(String::new(), |lines, value| lines + "Route: " + value + "\r\n")
        };
        let call = Self {
            id: request.value("Call-ID").to_owned(),
            caller: End {
                local: answer.value("From").to_owned(),
                target: bracketed(answer.value("Contact")),
                route: route(answer.values("Record-Route").collect::<Vec<_>>().into_iter().rev().collect()),
            },
            callee: End {
                local: answer.value("To").to_owned(),
                target: bracketed(request.value("Contact")),
                route: route(request.values("Record-Route").collect()),
            },
        };
        call.acknowledges(Side::Caller, caller, callee, &invite);
        call
    }

    /// One side sends an INVITE inside the dialog; the other accepts, and hears the ACK.
    #[track_caller]
    pub fn reinvites(&self, by: Side, caller: &mut Bare, callee: &mut Bare) {
        let (from, to) = by.order(caller, callee);
        let contact = format!("Contact: <{}>\r\n", from.contact());
        let invite = self.write(by, from, "INVITE", &contact);
        deliver(from, to, &invite, STEP);
        self.acknowledges(by, from, to, &invite);
    }

    /// One side hangs up; the other says that it has heard it.
    #[track_caller]
    pub fn hangs_up(self, by: Side, caller: &mut Bare, callee: &mut Bare) {
        let (from, to) = by.order(caller, callee);
        let bye = self.write(by, from, "BYE", "");
        deliver(from, to, &bye, STEP);
    }

    #[track_caller]
    fn acknowledges(&self, by: Side, from: &mut Bare, to: &mut Bare, invite: &str) {
        let ack = self.write(by, from, "ACK", "");
        // An ACK has the number of its INVITE (RFC 3261 §13.2.2.4).
        let number = line(invite, "CSeq").split(' ').next().unwrap_or("");
        let ack = ack.replace(&format!("CSeq: {} ACK", from.sequence), &format!("CSeq: {number} ACK"));
        from.send(&ack);
        to.hears_in(&self.id, "ACK", STEP).unwrap_or_else(|| panic!("the ACK does not arrive:\n{ack}"));
    }

    fn write(&self, by: Side, from: &mut Bare, method: &str, more: &str) -> String {
        let (own, other) = match by {
            Side::Caller => (&self.caller, &self.callee),
            Side::Callee => (&self.callee, &self.caller),
        };
        from.write(method, &own.target, &own.local, &other.local, &self.id, &format!("{}{more}", own.route))
    }
}

impl Side {
    fn order<'a>(self, caller: &'a mut Bare, callee: &'a mut Bare) -> (&'a mut Bare, &'a mut Bare) {
        match self {
            Self::Caller => (caller, callee),
            Self::Callee => (callee, caller),
        }
    }
}

/// Sends a request until it arrives, has it accepted, and gives it as it arrived, and the answer as it did.
#[track_caller]
fn deliver(from: &mut Bare, to: &mut Bare, request: &str, within: Duration) -> (Message, Message) {
    let method = request.split(' ').next().unwrap_or("");
    let until = Instant::now() + within;
    let arrived = loop {
        from.send(request);
        let left = until.saturating_duration_since(Instant::now());
        if let Some(arrived) = to.hears_in(line(request, "Call-ID"), method, left.min(RESEND)) {
            break arrived;
        }
        if let Some(answer) = from.answer_to(request, Duration::ZERO) {
            panic!("instead of arriving it is answered: {answer:?}\n{request}");
        }
        assert!(Instant::now() < until, "it does not arrive within {within:?}:\n{request}");
    };
    to.answers(&arrived, "200 OK");
    let answer =
        from.answer_to(request, STEP).unwrap_or_else(|| panic!("no answer comes back to\n{request}"));
    assert_eq!(answer.status(), Some(200), "{answer:?}");
    // What was sent twice has arrived twice; a later request must not be mistaken for it.
    to.aside.retain(|message| message.value("CSeq") != arrived.value("CSeq"));
    (arrived, answer)
}

/// RFC 3261 §17.1.1.3: the ACK for a refusal is that of the transaction.
fn ack_of_refusal(invite: &str, refusal: &Message) -> String {
    let uri = invite.split(' ').nth(1).unwrap_or("");
    let number = line(invite, "CSeq").split(' ').next().unwrap_or("");
    format!(
        "ACK {uri} SIP/2.0\r\nVia: {}\r\nMax-Forwards: 70\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {number} ACK\r\n\
         Content-Length: 0\r\n\r\n",
        line(invite, "Via"),
        line(invite, "From"),
        refusal.value("To"),
        line(invite, "Call-ID")
    )
}

/// The value of a line that we wrote.
fn line<'a>(text: &'a str, name: &str) -> &'a str {
    let beginning = format!("\r\n{name}: ");
    text.split(beginning.as_str()).nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap_or("")
}

/// The URI of a Contact value in brackets.
fn bracketed(contact: &str) -> String {
    contact.split(['<', '>']).nth(1).unwrap_or(contact).to_owned()
}
