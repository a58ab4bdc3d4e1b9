//! One call of a telephone: its dialogs, its sound, and where its tables stand.

use super::abilities::Features;
use super::bridging::Bridge;
use super::handing::Handing;
use super::keeping::Keeping;
use super::refresh::Timed;
use super::reliable::{Early, Provisionals, Said};
use super::token::Token;
use super::wallet::Realm;
use crate::call::{CallName, ContactFeatures, MediaPath};
use bytes::Bytes;
use cordboard_core::dialog::Dialog;
use cordboard_core::session::repeat::Repeat;
use cordboard_core::session::{callee, caller, change, media, offer_answer};
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId};
use cordboard_ladder::Outcome;
use cordboard_sip::header::{Allow, Supported};
use cordboard_sip::{Method, Name, Status, View};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Dialogs that one INVITE of ours may create.
pub(super) const MAX_LEGS: usize = 32;

/// ACKs that one leg keeps for 2xx that come again: that of the INVITE and of recent changes.
const MAX_ACKS: usize = 4;

/// Changes that may wait for their turn.
pub(super) const MAX_CHANGES: usize = 8;

/// URIs that a redirected call may go on to.
pub(super) const MAX_REDIRECTS: usize = 8;

/// How long a call may ring here before it is given up.
pub(super) const RING_LIMIT: Duration = Duration::from_mins(5);

/// How long a call of ours may ring there: longer, so that their refusal comes first.
pub(super) const CALL_LIMIT: Duration = Duration::from_mins(6);

/// How long a re-INVITE of ours may go on: nobody has to think it over, and a 100 stops the transaction's own timer
/// (RFC 3261 §17.1.1.2).
pub(super) const CHANGE_LIMIT: Duration = Duration::from_mins(1);

/// RFC 3261 §13.3.1.1: a call that rings says so every minute, so that no proxy gives it up.
pub(super) const RING_AGAIN: Duration = Duration::from_mins(1);

/// The side from which a call is seen, with its table's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller(caller::State),
    Callee(callee::State),
}

/// What of our sound the other side gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    AsAgreed,
    /// None, whatever was agreed.
    Muted,
}

/// A change that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Hold,
    Resume,
    AskOffer,
    Move(ListenerId),
    /// Ask for an offer, for another call (RFC 3725 §4.4).
    Bridge,
    /// Offer what another call's other side offered.
    Pass,
    /// The same, when the two are bridged already.
    PassOn,
    /// Ask for an offer, because the other side of the bridge asks for one.
    PassOnAsking,
    /// The session timer is to run anew (RFC 4028).
    Refresh,
    /// The other side is to be shown whom it talks to (RFC 4916).
    Identify,
    /// Go on from a new port after a restart.
    TakeUp,
    /// Tell the other side that it is in a conference now.
    Focus,
    /// The same, and put it on hold.
    FocusAndHold,
}

/// In which request a change is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vehicle {
    Invite,
    Update,
}

/// A request of ours that asks for a change.
pub(super) struct Asking {
    pub(super) leg: usize,
    pub(super) vehicle: Vehicle,
    /// What it would make of our media, and from where; nothing in an UPDATE that does not offer.
    pub(super) proposed: Option<(media::Local, ListenerId)>,
    /// What it offers that is somebody else's.
    pub(super) passed: Option<Box<str>>,
}

/// What the other side says that it knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    /// UPDATE is in its Allow (RFC 3311 §4).
    pub(super) updates: bool,
    /// `from-change` is in its Supported (RFC 4916 §4.1).
    pub(super) changes_from: bool,
    /// What it knows of transfers.
    pub(super) features: Features,
}

/// One dialog of a call.
pub(super) struct Leg {
    pub(super) dialog: Dialog,
    /// What was said in it before the INVITE of ours was answered; nothing afterwards.
    pub(super) early: Option<Box<Early>>,
    /// ACKs for 2xx, by `CSeq`; without bytes while a server is looked for.
    acks: VecDeque<(u32, Option<(Flow, Bytes)>)>,
}

impl Leg {
    pub(super) const fn new(dialog: Dialog) -> Self {
        Self { dialog, early: None, acks: VecDeque::new() }
    }

    /// What became of the 2xx with this number.
    pub(super) fn ack(&self, cseq: u32) -> Acked {
        match self.acks.iter().find(|(number, _)| *number == cseq) {
            None => Acked::New,
            Some((_, None)) => Acked::Pending,
            Some((_, Some((flow, bytes)))) => Acked::Sent(*flow, bytes.clone()),
        }
    }

    /// Remembers that the 2xx with this number is being acknowledged.
    pub(super) fn begin_ack(&mut self, cseq: u32) {
        if self.acks.len() == MAX_ACKS {
            self.acks.pop_front();
        }
        self.acks.push_back((cseq, None));
    }

    /// Keeps an ACK for the next time its 2xx comes.
    pub(super) fn keep_ack(&mut self, cseq: u32, flow: Flow, bytes: Bytes) {
        if let Some((_, ack)) = self.acks.iter_mut().find(|(number, _)| *number == cseq) {
            *ack = Some((flow, bytes));
        }
    }

    /// Forgets ACKs that found no server: the next 2xx tries again.
    pub(super) fn forget_unsent(&mut self) {
        self.acks.retain(|(_, ack)| ack.is_some());
    }
}

/// How far the acknowledging of a 2xx is.
pub(super) enum Acked {
    /// It has not come before.
    New,
    /// A server is looked for.
    Pending,
    /// The ACK went there, and goes there again each time the 2xx does (RFC 3261 §13.2.2.4).
    Sent(Flow, Bytes),
}

/// A 2xx of ours that waits for its ACK.
pub(super) struct SentOk {
    pub(super) server: ServerId,
    pub(super) cseq: u32,
    pub(super) bytes: Bytes,
    pub(super) repeat: Repeat,
    /// Which part its description has, if it has one: an offer is to be answered by the ACK.
    pub(super) part: Option<Part>,
}

/// What a description is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Offer,
    Answer,
}

/// An INVITE that rings here.
pub(super) struct Ringing {
    pub(super) request: Bytes,
    pub(super) source: SocketAddr,
    pub(super) flow: Flow,
    /// What was said last of how it goes.
    pub(super) said: Said,
    /// When to say that again.
    pub(super) again: Instant,
    /// When the invitation expires (RFC 3261 §13.3.1).
    pub(super) expires: Option<Instant>,
}

/// One call.
pub(super) struct Call {
    pub(super) name: CallName,
    pub(super) side: Side,
    #[expect(clippy::struct_field_names, reason = "the RFC's word")]
    pub(super) call_id: Box<str>,
    pub(super) local_tag: Box<str>,
    /// From and To of what begins the call.
    pub(super) local: Box<str>,
    pub(super) remote: Box<str>,
    /// `CSeq` of the INVITE that begins it, ours or theirs.
    pub(super) cseq: u32,
    /// Realms that challenged a request of this call.
    pub(super) realms: Vec<Realm>,
    pub(super) legs: Vec<Leg>,
    /// The leg that is answered.
    pub(super) answered: Option<usize>,
    /// From which listener it goes on.
    pub(super) listener: ListenerId,

    pub(super) media: media::Local,
    pub(super) origin: media::Origin,
    pub(super) remote_media: Option<media::Remote>,
    pub(super) exchange: offer_answer::State,
    pub(super) offers: bool,
    /// Whether it was told that the other side holds us.
    pub(super) told_held: bool,
    pub(super) told_path: Option<MediaPath>,
    pub(super) sound: Sound,

    pub(super) change: change::State,
    pub(super) changes: VecDeque<Change>,
    /// The re-INVITE or UPDATE that is out.
    pub(super) asking: Option<Asking>,
    pub(super) peer: Peer,
    pub(super) timer: Timed,
    /// The address that the other side is to be shown (RFC 4916), until it is.
    pub(super) identity: Option<Box<str>>,
    /// Whom a server that we trust says that the other side is, as it was told.
    pub(super) asserted: Option<Box<str>>,
    pub(super) glares: u8,
    pub(super) glare_until: Option<Instant>,
    /// Until when a re-INVITE of ours may stay without a final response.
    pub(super) change_until: Option<Instant>,

    pub(super) ringing: Option<Ringing>,
    /// Of a call that came in from somebody who knows reliable provisional responses.
    pub(super) provisionals: Option<Box<Provisionals>>,
    pub(super) ring_until: Option<Instant>,
    /// The transaction of the INVITE that began the call, while it lives.
    pub(super) server: Option<ServerId>,
    pub(super) sent_ok: Option<SentOk>,
    /// The errand of our last INVITE.
    pub(super) invite: Option<u64>,
    /// Errands of this call under way.
    pub(super) errands: usize,

    /// URIs still to be called, and those that were (RFC 3261 §8.1.3.4).
    pub(super) targets: VecDeque<Box<str>>,
    pub(super) tried: Vec<Box<str>>,
    /// Proxies that a 305 named (RFC 3261 §21.3.4).
    pub(super) proxies: Vec<Box<str>>,

    /// Lines that the INVITE carries besides the usual: of a REFER that asked for it.
    pub(super) lines: Vec<(Name, Box<str>)>,
    /// The proof of who asked for it, that its INVITE carries.
    pub(super) token: Option<Box<Token>>,
    /// The referral that asked for this call, while its end is to be reported.
    pub(super) asked_by: Option<u64>,
    /// Referrals whose NOTIFYs travel in a dialog of this call (RFC 5057): it stays while there are some.
    pub(super) referrals: Vec<u64>,
    /// Subscriptions that live in a dialog of this call (RFC 5057): it stays while there are some.
    pub(super) usages: usize,
    /// BYEs of ours that wait for their response.
    pub(super) byes: usize,
    /// REFERs received in this call so far.
    pub(super) referred: u32,
    /// What it has to do with a transfer that goes on, and until when.
    pub(super) handing: Option<Handing>,
    pub(super) handing_until: Option<Instant>,
    /// The call that it is bridged with, and what is to be offered for that.
    pub(super) bridge: Option<Bridge>,
    pub(super) passing: Option<Box<str>>,
    /// The REFER inside a bridge by which its other side is handed over, or for which that is called.
    pub(super) onward: Option<u64>,
    /// When it is ended, if the other side has not done so.
    pub(super) leave_at: Option<Instant>,
    /// Lines of the response that refused it, which say why.
    pub(super) reasons: Box<str>,
    /// The conference that it is part of.
    pub(super) conference: Option<u64>,
    /// What the other side said last of its user agent.
    pub(super) peer_features: ContactFeatures,
    /// The call here whose place this one takes.
    pub(super) replaces: Option<u64>,
    /// Whether it survives the process.
    pub(super) keeping: Keeping,

    /// How it ends, if it ends now.
    pub(super) ending: (Outcome, Option<Status>),
    /// Whether anybody hears of it: not of what is refused at once.
    pub(super) silent: bool,
    /// As the how manieth it ended.
    pub(super) finished: Option<u64>,
    /// When the wheel will wake it.
    pub(super) armed: Option<Instant>,
}

impl Call {
    /// A call that nothing has happened to yet.
    pub(super) fn new(name: CallName, side: Side, media: media::Local, session: u64) -> Self {
        Self {
            name,
            side,
            call_id: Box::default(),
            local_tag: Box::default(),
            local: Box::default(),
            remote: Box::default(),
            cseq: 1,
            realms: Vec::new(),
            legs: Vec::new(),
            answered: None,
            listener: ListenerId(0),
            media,
            origin: media::Origin::new(session),
            remote_media: None,
            exchange: offer_answer::State::Stable,
            offers: true,
            told_held: false,
            told_path: None,
            sound: Sound::AsAgreed,
            change: change::State::Quiet,
            changes: VecDeque::new(),
            asking: None,
            peer: Peer::default(),
            timer: Timed::default(),
            identity: None,
            asserted: None,
            glares: 0,
            glare_until: None,
            change_until: None,
            ringing: None,
            provisionals: None,
            ring_until: None,
            server: None,
            sent_ok: None,
            invite: None,
            errands: 0,
            targets: VecDeque::new(),
            tried: Vec::new(),
            proxies: Vec::new(),
            lines: Vec::new(),
            token: None,
            asked_by: None,
            referrals: Vec::new(),
            usages: 0,
            byes: 0,
            referred: 0,
            handing: None,
            handing_until: None,
            bridge: None,
            passing: None,
            onward: None,
            leave_at: None,
            reasons: Box::default(),
            conference: None,
            peer_features: ContactFeatures::default(),
            replaces: None,
            keeping: Keeping::Not,
            ending: (Outcome::Failed, None),
            silent: false,
            finished: None,
            armed: None,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.side, Side::Caller(caller::State::Over) | Side::Callee(callee::State::Over))
    }

    pub(super) const fn is_up(&self) -> bool {
        matches!(
            self.side,
            Side::Caller(caller::State::Answered | caller::State::Established)
                | Side::Callee(callee::State::Established)
        )
    }

    /// Whether its INVITE is answered 2xx, acknowledged or not.
    pub(super) const fn is_confirmed(&self) -> bool {
        self.is_up() || matches!(self.side, Side::Callee(callee::State::Answered | callee::State::Leaving))
    }

    /// Whether we chose the Call-ID (RFC 3261 §14.1).
    pub(super) const fn owns_call_id(&self) -> bool {
        matches!(self.side, Side::Caller(_))
    }

    /// The leg that a message belongs to.
    pub(super) fn leg_of(&self, message: &View<'_>) -> Option<usize> {
        self.legs.iter().position(|leg| leg.dialog.fits(message))
    }

    /// The dialog that is answered, or else the only one there can be.
    pub(super) fn dialog_mut(&mut self) -> Option<&mut Dialog> {
        let at = self.answered.unwrap_or(0);
        self.legs.get_mut(at).map(|leg| &mut leg.dialog)
    }

    /// Takes in what a message of the other side says that it knows; what it does not say stays.
    pub(super) fn learn(&mut self, message: &View<'_>) {
        self.peer.features.learn(message);
        if message.has(Name::ALLOW) {
            self.peer.updates =
                message.headers::<Allow>().flatten().any(|allow| allow.contains(Method::Update));
        }
        if message.has(Name::SUPPORTED) {
            let mut known = message.headers::<Supported>().flatten();
            self.peer.changes_from = known.any(|known| known.contains("from-change"));
        }
    }

    /// Whether sound may come to `address`, now or when a change is accepted.
    pub(super) fn receives_at(&self, address: SocketAddr) -> bool {
        let asking = self.asking.as_ref().and_then(|asking| asking.proposed.as_ref());
        let proposed = asking.map(|(media, _)| media.address);
        !self.is_over() && (self.media.address == address || proposed == Some(address))
    }

    /// When it wants to be woken.
    pub(super) fn due(&self) -> Option<Instant> {
        let repeat = self.sent_ok.as_ref().map(|ok| ok.repeat.next());
        let ringing = self.ringing.as_ref().map(|ringing| ringing.again);
        let provisional = self.provisionals.as_ref().and_then(|provisionals| provisionals.due());
        [
            repeat,
            ringing,
            provisional,
            self.ring_until,
            self.glare_until,
            self.change_until,
            self.handing_until,
            self.leave_at,
            self.timer.due(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// How a call ended whose INVITE was refused with this status.
pub(crate) const fn outcome_of(status: Status) -> Outcome {
    match status.code() {
        486 | 600 => Outcome::Busy,
        408 | 480 => Outcome::NoAnswer,
        487 => Outcome::Cancelled,
        403 | 603 | 607 | 608 => Outcome::Declined,
        404 | 410 | 484 | 485 | 604 => Outcome::NotFound,
        _ => Outcome::Failed,
    }
}
