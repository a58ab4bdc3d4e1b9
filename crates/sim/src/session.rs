//! Who talks with whom, by the offers and answers that were on the wire (RFC 3264).
//!
//! Each telephone's sessions are read from what that telephone sent and what reached it, so that two sides
//! which believe different things of one call are told apart.

use crate::facts::Media;
use crate::host::HostId;
use cordboard_sip::header::RAck;
use cordboard_sip::{Method, Name, Status, View};
use std::collections::{BTreeMap, BTreeSet};

/// One session as one side of it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    local: Media,
    remote: Media,
    over: bool,
}

/// A dialog, as one side names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Dialog {
    call_id: Box<str>,
    local_tag: Box<str>,
    remote_tag: Box<str>,
}

/// A transaction: its Call-ID, whether this side began it, and its `CSeq` number.
type Exchange = (Box<str>, bool, u32);

/// Media that flow both ways.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    /// The two hosts, in their order.
    pub between: [HostId; 2],
    addresses: [String; 2],
}

/// The sessions of one host.
#[derive(Debug, Default)]
struct Book {
    sessions: BTreeMap<Dialog, Session>,
    /// What INVITEs, PRACKs and UPDATEs offered.
    offers: BTreeMap<Exchange, Media>,
    /// What a 2xx offered or answered, until its ACK; or a reliable provisional response before it (RFC 3262 §5).
    agreed: BTreeMap<(Dialog, Exchange), (Option<Media>, Option<Media>)>,
    /// What PRACK and UPDATE made of it before the call was answered: here and there.
    early: BTreeMap<Dialog, (Media, Media)>,
    done: BTreeSet<(Dialog, Exchange)>,
    /// Dialogs of which a BYE passed, perhaps before the ACK that it overtook.
    ended: BTreeSet<Dialog>,
}

/// The sessions of every host.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<HostId, Book>);

impl Sessions {
    /// Takes note of a message that `host` sent, or that reached it. True if a session may have changed.
    pub fn note(&mut self, host: HostId, sent: bool, message: &View<'_>) -> bool {
        self.0.entry(host).or_default().note(sent, message)
    }

    /// The pairs of hosts that hear each other, in the order of their hosts.
    pub fn talking(&self) -> BTreeSet<[HostId; 2]> {
        self.streams().into_iter().map(|stream| stream.between).collect()
    }

    /// The same, told apart by where the media go.
    pub fn streams(&self) -> BTreeSet<Stream> {
        let mut streams = BTreeSet::new();
        for (host, book) in &self.0 {
            for (dialog, session) in &book.sessions {
                let peers = self.0.iter().filter(|(peer, _)| *peer > host);
                for (peer, theirs) in peers {
                    let other = theirs.sessions.get(&dialog.seen_by_the_other());
                    if other.is_some_and(|other| session.talks_with(other)) {
                        let addresses = [session.local.address.clone(), session.remote.address.clone()];
                        streams.insert(Stream { between: [*host, *peer], addresses });
                    }
                }
            }
        }
        streams
    }

    /// The pairs of hosts that have a session up with each other, whether they hear each other or not.
    pub fn connected(&self) -> BTreeSet<[HostId; 2]> {
        let mut pairs = BTreeSet::new();
        for (host, book) in &self.0 {
            for (dialog, _) in book.sessions.iter().filter(|(_, session)| !session.over) {
                let other = dialog.seen_by_the_other();
                let has = |theirs: &Book| theirs.sessions.get(&other).is_some_and(|session| !session.over);
                let peers = self.0.iter().filter(|(peer, theirs)| *peer > host && has(theirs));
                pairs.extend(peers.map(|(peer, _)| [*host, *peer]));
            }
        }
        pairs
    }

    /// Sessions that one side still has up and the other has not: the hosts that are mistaken.
    pub fn one_sided(&self) -> BTreeSet<HostId> {
        let mut mistaken = BTreeSet::new();
        for (host, book) in &self.0 {
            for (dialog, _) in book.sessions.iter().filter(|(_, session)| !session.over) {
                let other = dialog.seen_by_the_other();
                let answers =
                    |theirs: &Book| theirs.sessions.get(&other).is_some_and(|session| !session.over);
                if !self.0.iter().any(|(peer, theirs)| peer != host && answers(theirs)) {
                    mistaken.insert(*host);
                }
            }
        }
        mistaken
    }

    /// How many sessions a host has up.
    pub fn up(&self, host: HostId) -> usize {
        self.0.get(&host).map_or(0, |book| book.sessions.values().filter(|session| !session.over).count())
    }
}

impl Dialog {
    fn seen_by_the_other(&self) -> Self {
        Self {
            call_id: self.call_id.clone(),
            local_tag: self.remote_tag.clone(),
            remote_tag: self.local_tag.clone(),
        }
    }
}

impl Session {
    /// Whether both sides send to where the other listens.
    fn talks_with(&self, other: &Self) -> bool {
        let carries = |from: &Self, to: &Self| {
            from.local.direction.sends()
                && to.local.direction.receives()
                && from.remote.address == to.local.address
                && !to.local.is_refused()
        };
        !self.over && !other.over && carries(self, other) && carries(other, self)
    }
}

impl Book {
    fn note(&mut self, sent: bool, message: &View<'_>) -> bool {
        let request = message.is_request();
        let (cseq, method) = message.cseq();
        let (from, to) = (message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default());
        // Whoever sends a request, or gets a response, is the one in From.
        let (local_tag, remote_tag) = if sent == request { (from, to) } else { (to, from) };
        let dialog = Dialog {
            call_id: message.call_id().into(),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
        };
        let ours = sent == request;
        let exchange = (dialog.call_id.clone(), ours, cseq);
        let media = Media::read(message.body());
        match (request, method) {
            (true, Method::Bye) => {
                self.ended.insert(dialog.clone());
                self.sessions.get_mut(&dialog).is_some_and(|session| {
                    session.over = true;
                    true
                })
            }
            (true, Method::Invite | Method::Update) => {
                if let Some(media) = media {
                    self.offers.insert(exchange, media);
                }
                false
            }
            (true, Method::Prack) => {
                self.acknowledged_early(message, &dialog, exchange, media);
                false
            }
            (false, Method::Invite) if settles(message) => {
                let offer = self.offers.get(&exchange).cloned();
                let said = match offer {
                    Some(offer) => (Some(offer), media),
                    None => (media, None),
                };
                // The first description counts (RFC 3261 §13.2.1).
                let known = self.agreed.entry((dialog, exchange)).or_default();
                match known {
                    (None, _) => *known = said,
                    (Some(_), answer @ None) => *answer = said.1,
                    (Some(_), Some(_)) => {}
                }
                false
            }
            (false, Method::Prack | Method::Update) if message.status().is_some_and(Status::is_success) => {
                self.answered(dialog, exchange, media)
            }
            (true, Method::Ack) => self.acknowledged(dialog, exchange, media),
            _ => false,
        }
    }

    /// A PRACK answers what the response to its INVITE offered, or offers anew (RFC 3262 §5).
    fn acknowledged_early(
        &mut self,
        prack: &View<'_>,
        dialog: &Dialog,
        exchange: Exchange,
        media: Option<Media>,
    ) {
        let (Some(media), Some(Ok(rack))) = (media, prack.header::<RAck>()) else { return };
        let invite = (exchange.0.clone(), exchange.1, rack.cseq.number);
        match self.agreed.get_mut(&(dialog.clone(), invite)) {
            Some((Some(_), answer @ None)) => *answer = Some(media),
            Some(_) | None => {
                self.offers.insert(exchange, media);
            }
        }
    }

    /// The 2xx to a PRACK or an UPDATE answers its offer at once.
    fn answered(&mut self, dialog: Dialog, exchange: Exchange, media: Option<Media>) -> bool {
        let (Some(offer), Some(answer)) = (self.offers.get(&exchange).cloned(), media) else { return false };
        let ours = exchange.1;
        if !self.done.insert((dialog.clone(), exchange)) {
            return false;
        }
        let (local, remote) = if ours { (offer, answer) } else { (answer, offer) };
        let Some(session) = self.sessions.get_mut(&dialog) else {
            self.early.insert(dialog, (local, remote));
            return false;
        };
        (session.local, session.remote) = (local, remote);
        true
    }

    /// The ACK of a 2xx completes what was agreed; that of anything else agrees nothing.
    fn acknowledged(&mut self, dialog: Dialog, exchange: Exchange, media: Option<Media>) -> bool {
        let key = (dialog, exchange);
        let Some((offer, answer)) = self.agreed.get(&key).cloned() else { return false };
        if !self.done.insert(key.clone()) {
            return false;
        }
        let (dialog, exchange) = key;
        let ours = exchange.1;
        let in_invite = self.offers.contains_key(&exchange);
        let (Some(offer), Some(answer)) = (offer, answer.or(media)) else { return false };
        let agreed = if in_invite == ours { (offer, answer) } else { (answer, offer) };
        let (local, remote) = self.early.remove(&dialog).unwrap_or(agreed);
        let over = self.ended.contains(&dialog);
        self.sessions.insert(dialog, Session { local, remote, over });
        true
    }
}

/// Whether a response to an INVITE may settle what is described: a 2xx, or a provisional one that is reliable.
fn settles(response: &View<'_>) -> bool {
    response
        .status()
        .is_some_and(|status| status.is_success() || status.is_provisional() && response.has(Name::RSEQ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: HostId = HostId(0);
    const BOB: HostId = HostId(1);

    fn message(start: &str, cseq: &str, tags: [&str; 2], sdp: Option<(&str, &str)>) -> String {
        let body = sdp.map_or(String::new(), |(host, direction)| {
            format!("v=0\r\nc=IN IP4 {host}\r\nm=audio 4000 RTP/AVP 0\r\na={direction}\r\n")
        });
        let to = if tags[1].is_empty() { String::new() } else { format!(";tag={}", tags[1]) };
        format!(
            "{start}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag={}\r\nTo: <sip:b@b>{to}\r\n\
             Call-ID: 1\r\nCSeq: {cseq}\r\nMax-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            tags[0],
            body.len()
        )
    }

    struct Wire(Sessions);

    impl Wire {
        fn passes(&mut self, from: HostId, to: HostId, text: &str) {
            let view = View::parse(text.as_bytes()).unwrap();
            self.0.note(from, true, &view);
            self.0.note(to, false, &view);
        }

        fn call(&mut self, cseq: &str, to_tag: &str, directions: [&str; 2]) {
            let start = "INVITE sip:b@b SIP/2.0";
            let invite = format!("{cseq} INVITE");
            self.passes(ALICE, BOB, &message(start, &invite, ["x", to_tag], Some(("a", directions[0]))));
            let ok = message("SIP/2.0 200 OK", &invite, ["x", "y"], Some(("b", directions[1])));
            self.passes(BOB, ALICE, &ok);
            assert_eq!(self.0.talking().len(), usize::from(!to_tag.is_empty()));
            self.ack(cseq);
        }

        fn ack(&mut self, cseq: &str) {
            self.passes(
                ALICE,
                BOB,
                &message("ACK sip:b@b SIP/2.0", &format!("{cseq} ACK"), ["x", "y"], None),
            );
        }
    }

    #[test]
    fn a_call_talks_until_it_is_held_or_over() {
        let mut wire = Wire(Sessions::default());
        wire.call("1", "", ["sendrecv", "sendrecv"]);
        assert_eq!(wire.0.talking(), BTreeSet::from([[ALICE, BOB]]));
        wire.call("2", "y", ["sendonly", "recvonly"]);
        assert!(wire.0.talking().is_empty());
        // A repeat of what is long over changes nothing.
        wire.ack("1");
        assert!(wire.0.talking().is_empty());
        assert_eq!((wire.0.up(ALICE), wire.0.up(BOB)), (1, 1));
        wire.passes(BOB, ALICE, &message("BYE sip:a@a SIP/2.0", "1 BYE", ["y", "x"], None));
        assert_eq!((wire.0.up(ALICE), wire.0.up(BOB)), (0, 0));
    }

    #[test]
    fn an_offer_in_the_200_is_answered_in_the_ack() {
        let mut wire = Wire(Sessions::default());
        wire.passes(ALICE, BOB, &message("INVITE sip:b@b SIP/2.0", "1 INVITE", ["x", ""], None));
        wire.passes(BOB, ALICE, &message("SIP/2.0 200 OK", "1 INVITE", ["x", "y"], Some(("b", "sendrecv"))));
        wire.passes(
            ALICE,
            BOB,
            &message("ACK sip:b@b SIP/2.0", "1 ACK", ["x", "y"], Some(("a", "sendrecv"))),
        );
        assert_eq!(wire.0.talking(), BTreeSet::from([[ALICE, BOB]]));
    }

    #[test]
    fn an_ack_that_a_bye_overtook_brings_nothing_back() {
        let mut wire = Wire(Sessions::default());
        wire.call("1", "", ["sendrecv", "sendrecv"]);
        let mut late = Wire(Sessions::default());
        let invite = message("INVITE sip:b@b SIP/2.0", "1 INVITE", ["x", ""], Some(("a", "sendrecv")));
        late.passes(ALICE, BOB, &invite);
        late.passes(BOB, ALICE, &message("SIP/2.0 200 OK", "1 INVITE", ["x", "y"], Some(("b", "sendrecv"))));
        late.passes(ALICE, BOB, &message("BYE sip:b@b SIP/2.0", "2 BYE", ["x", "y"], None));
        late.ack("1");
        assert_eq!((late.0.up(ALICE), late.0.up(BOB)), (0, 0));
        assert_eq!((wire.0.up(ALICE), wire.0.up(BOB)), (1, 1));
    }

    #[test]
    fn one_who_missed_the_bye_is_not_talking_but_still_up() {
        let mut wire = Wire(Sessions::default());
        wire.call("1", "", ["sendrecv", "sendrecv"]);
        let bye = message("BYE sip:b@b SIP/2.0", "2 BYE", ["x", "y"], None);
        wire.0.note(ALICE, true, &View::parse(bye.as_bytes()).unwrap());
        assert!(wire.0.talking().is_empty());
        assert_eq!((wire.0.up(ALICE), wire.0.up(BOB)), (0, 1));
        assert_eq!(wire.0.one_sided(), BTreeSet::from([BOB]));
    }
}
