//! People who call each other through the switchboard: three of ours, and two from elsewhere.

use crate::stage::{Sent, Stage, at, credentials, directory, found, reply_tagged, stage, udp};
use cordboard_service::directory::Directory;
use cordboard_service::door::{Command, CommandId, Input};
use cordboard_service::settings::Settings;
use std::sync::Arc;

/// Somebody with a phone at 192.0.2.`host` by UDP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) host: u8,
}

const fn ours(name: &'static str, host: u8) -> Person {
    Person { name, domain: "example.test", host }
}

pub(crate) const ALICE: Person = ours("alice", 10);
pub(crate) const BOB: Person = ours("bob", 20);
pub(crate) const CAROL: Person = ours("carol", 30);
pub(crate) const DAVE: Person = Person { name: "dave", domain: "elsewhere.test", host: 40 };
pub(crate) const EVE: Person = Person { name: "eve", domain: "strange.test", host: 66 };

impl Person {
    pub(crate) fn address(self) -> String {
        format!("sip:{}@{}", self.name, self.domain)
    }

    pub(crate) fn contact(self) -> String {
        format!("sip:{}@192.0.2.{}:5060", self.name, self.host)
    }
}

/// A switchboard that asks for passwords and knows where its people are. Alice and bob share a group.
pub(crate) fn office(change: impl FnOnce(&mut Settings)) -> Stage {
    let mut stage = stage(change);
    for person in [ALICE, BOB, CAROL] {
        let address = format!("{}@{}", person.name, person.domain);
        stage.users.insert(address.into(), found(vec![at(person.name, person.host)]));
    }
    stage
        .agent
        .handle(stage.now, Input::Command(CommandId(1), Command::UseDirectory(Arc::new(people_in_groups()))));
    stage
}

pub(crate) fn people_in_groups() -> Directory {
    let mut directory = directory();
    for name in ["alice", "bob"] {
        directory.users.get_mut(name).expect("a user").groups = vec!["sales".into()];
    }
    directory
}

/// A request as somebody writes it.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) from: Person,
    pub(crate) method: &'a str,
    pub(crate) uri: String,
    pub(crate) call_id: &'a str,
    pub(crate) tag: &'a str,
    /// The To header's value, with the tag inside a dialog.
    pub(crate) to: String,
    pub(crate) route: Vec<String>,
    pub(crate) more: String,
    pub(crate) body: &'a str,
}

impl<'a> Request<'a> {
    /// Outside a dialog, to somebody's address.
    pub(crate) fn new(from: Person, method: &'a str, to: Person, call_id: &'a str) -> Self {
        Self {
            from,
            method,
            uri: to.address(),
            call_id,
            tag: "from",
            to: format!("<{}>", to.address()),
            route: Vec::new(),
            more: String::new(),
            body: "",
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, line: &str) -> Self {
        self.more.push_str(line);
        self.more.push_str("\r\n");
        self
    }

    /// As it is written without a proof.
    pub(crate) fn written(&self, cseq: u64) -> String {
        self.text(cseq, "")
    }

    fn text(&self, cseq: u64, more: &str) -> String {
        let Self { from, method, uri, call_id, tag, to, body, .. } = self;
        let route: String = self.route.iter().map(|entry| format!("Route: {entry}\r\n")).collect();
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.{}:5060;branch=z9hG4bK{call_id}{cseq}\r\n\
             Max-Forwards: 70\r\n{route}From: <{}>;tag={tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nContact: <{}>\r\n{}{more}Content-Length: {}\r\n\r\n{body}",
            from.host,
            from.address(),
            from.contact(),
            self.more,
            body.len(),
        )
    }

    /// Sends it; a challenge is answered, and what counts is what follows.
    pub(crate) fn send(&self, stage: &mut Stage) -> Vec<Sent> {
        let flow = udp(self.from.host);
        stage.requests += 2;
        let cseq = stage.requests;
        let sent = stage.pass(flow, &self.text(cseq, ""));
        let (asked, proves) = match sent.iter().map(Sent::status).find(|status| matches!(status, 401 | 407)) {
            Some(407) => ("Proxy-Authenticate", "Proxy-Authorization"),
            Some(_) => ("WWW-Authenticate", "Authorization"),
            None => return sent,
        };
        let challenge = sent[0].one(asked);
        let proof = credentials(challenge, self.from.name, self.method, &self.uri, 1);
        stage.pass(flow, &self.text(cseq + 1, &format!("{proves}: {proof}\r\n")))
    }

    /// Sends it; exactly one message follows.
    pub(crate) fn leads_to(&self, stage: &mut Stage) -> Sent {
        let sent = self.send(stage);
        assert_eq!(sent.len(), 1, "one message for {self:?}: {sent:#?}");
        sent[0].clone()
    }
}

/// A call that is up: each end's tag and the route between them.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: &'static str,
    pub(crate) caller: Person,
    pub(crate) callee: Person,
    route: Vec<String>,
}

impl Call {
    pub(crate) const CALLER_TAG: &'static str = "from";

    /// The callee's tag.
    pub(crate) fn callee_tag(&self) -> String {
        format!("{}-{}", self.callee.name, self.id)
    }

    /// It rings only: the INVITE as the callee got it, and all that came of the 180.
    pub(crate) fn rings_out(
        stage: &mut Stage,
        caller: Person,
        callee: Person,
        id: &'static str,
    ) -> (Self, Sent, Vec<Sent>) {
        let invite = Request::new(caller, "INVITE", callee, id).leads_to(stage);
        assert!(invite.is("INVITE"), "{invite:?}");
        let mut route: Vec<String> = invite.all("Record-Route").iter().map(ToString::to_string).collect();
        route.reverse();
        let call = Self { id, caller, callee, route };
        let back = stage.pass(invite.flow, &reply_tagged(&invite, 180, &call.callee_tag(), ""));
        let statuses = back.iter().map(Sent::status).filter(|status| *status > 0);
        assert_eq!(statuses.collect::<Vec<_>>(), [180]);
        (call, invite, back)
    }

    /// The same without what came of it.
    pub(crate) fn rings(stage: &mut Stage, caller: Person, callee: Person, id: &'static str) -> (Self, Sent) {
        let (call, invite, _) = Self::rings_out(stage, caller, callee, id);
        (call, invite)
    }

    /// The same without its INVITE.
    pub(crate) fn only_rings(stage: &mut Stage, caller: Person, callee: Person, id: &'static str) -> Self {
        Self::rings(stage, caller, callee, id).0
    }

    /// It is answered.
    pub(crate) fn begins(stage: &mut Stage, caller: Person, callee: Person, id: &'static str) -> Self {
        let (call, invite) = Self::rings(stage, caller, callee, id);
        let back = stage.pass(invite.flow, &reply_tagged(&invite, 200, &call.callee_tag(), ""));
        assert_eq!(back.iter().map(Sent::status).collect::<Vec<_>>(), [200]);
        call
    }

    /// What Replaces or Join says to `recipient` of it.
    pub(crate) fn named_to(&self, recipient: Person) -> String {
        let callee_tag = self.callee_tag();
        let (local, remote) = if recipient.name == self.callee.name {
            (callee_tag.as_str(), Self::CALLER_TAG)
        } else {
            (Self::CALLER_TAG, callee_tag.as_str())
        };
        format!("{};to-tag={local};from-tag={remote}", self.id)
    }

    /// The same as it stands in a URI of the recipient's.
    pub(crate) fn link_to(&self, recipient: Person) -> String {
        let named = self.named_to(recipient).replace(';', "%3B").replace('=', "%3D");
        format!("{}?Replaces={named}", recipient.address())
    }

    /// A request inside it by one end.
    pub(crate) fn inside<'a>(&'a self, by: Person, tags: &'a [String; 2], method: &'a str) -> Request<'a> {
        let (other, own, theirs, route) = if by.name == self.caller.name {
            (self.callee, &tags[0], &tags[1], self.route.clone())
        } else {
            (self.caller, &tags[1], &tags[0], self.route.iter().rev().cloned().collect())
        };
        let mut request = Request::new(by, method, other, self.id);
        request.uri = other.contact();
        request.tag = own;
        request.to = format!("<{}>;tag={theirs}", other.address());
        request.route = route;
        request
    }

    pub(crate) fn tags(&self) -> [String; 2] {
        [Self::CALLER_TAG.into(), self.callee_tag()]
    }

    /// A request inside it goes to the other end, as it does as long as the call is up.
    #[track_caller]
    pub(crate) fn is_up(&self, stage: &mut Stage) {
        for (by, other) in [(self.caller, self.callee), (self.callee, self.caller)] {
            let tags = self.tags();
            let sent = self.inside(by, &tags, "INFO").leads_to(stage);
            assert!(sent.is("INFO") && sent.flow == udp(other.host), "{sent:?}");
        }
    }

    /// One end hangs up, and the other agrees.
    pub(crate) fn ends(&self, stage: &mut Stage, by: Person) {
        let tags = self.tags();
        let bye = self.inside(by, &tags, "BYE").leads_to(stage);
        assert!(bye.is("BYE"), "{bye:?}");
        stage.pass(bye.flow, &reply_tagged(&bye, 200, "x", ""));
    }
}
