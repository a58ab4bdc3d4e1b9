//! The buttons of a telephone and what it tells: the vocabulary of `phone`, the API and the tests.

use crate::watch::{WatchAction, WatchEvent};
use cordboard_core::session::media::Formats;
use cordboard_core::transport::ListenerId;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::Status;
use cordboard_sip::header::Join;
use std::net::SocketAddr;
use std::time::Duration;

/// Names a call of one telephone. Who presses a button that begins a call chooses the name, with the
/// highest bit clear; a call that comes in gets one with the highest bit set, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallName(pub u64);

impl CallName {
    const INCOMING: u64 = 1 << 63;

    /// The name of the `n`-th call that comes in.
    pub const fn incoming(n: u64) -> Self {
        Self(Self::INCOMING | n)
    }

    /// Whether it is the name of a call that came in.
    pub const fn is_incoming(self) -> bool {
        self.0 & Self::INCOMING != 0
    }
}

/// Names a conference of one telephone whose focus it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConferenceName(pub u64);

/// A button. One that fits no state of its call is answered by [`CallEvent::Impossible`].
#[derive(Clone, Debug, PartialEq)]
pub enum CallAction {
    /// Register this telephone's contact for so long, and keep it registered; zero removes it.
    /// Told by [`CallEvent::Registered`] or [`CallEvent::NotRegistered`], at every refresh too.
    Register {
        /// For how long.
        expires: Duration,
    },
    /// Add one more contact to the address, once and without refreshing it (RFC 3665 §2.2);
    /// zero removes it.
    AddContact {
        /// Its URI, of any scheme.
        contact: Box<str>,
        /// For how long.
        expires: Duration,
    },
    /// Ask what is registered, and change nothing (RFC 3261 §10.2.3).
    ListBindings,
    /// Remove every contact of this address (`Contact: *`, RFC 3261 §10.2.2).
    UnregisterAll,
    /// From now on refuse calls at once with this status, such as 486; `None` lets them ring again.
    RefuseCalls(Option<Status>),
    /// Call somebody.
    Dial {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// Whether the INVITE carries the offer, or leaves it to the other side (RFC 3261 §13.2.1).
        offer: bool,
    },
    /// Call somebody for somebody else, who is named as the one that asks (RFC 3892), in the INVITE and in what we ask the
    /// other side for.
    DialFor {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// The URI of who wants it.
        whose: Box<str>,
    },
    /// Let the caller hear us before we answer (early media): a 183 with a session description (RFC 3261 §13.3.1.1),
    /// reliably where the other side can (RFC 3262).
    Progress(CallName),
    /// Answer a ringing call with 200.
    Answer(CallName),
    /// Send no sound in a call, from its beginning on: it is only to be connected with another. Telephones that have heard a
    /// moment of one source may take what the next sends for belated, and play none of it.
    Mute(CallName),
    /// Decline a ringing call with this status, such as 486.
    Decline(CallName, Status),
    /// Put the other side on hold (RFC 3264 §8.4).
    Hold(CallName),
    /// Take it off hold.
    Resume(CallName),
    /// Ask the other side for an offer by a re-INVITE without one (RFC 3261 §14.1), and change nothing.
    AskOffer(CallName),
    /// Go on from another of our addresses, and tell the other side: Contact and media of the call
    /// change (RFC 3665 §3.7). With the listener that is in use only the media port changes.
    Move {
        /// Which call.
        call: CallName,
        /// The listener from whose address it goes on.
        listener: ListenerId,
    },
    /// Show the other side whom it talks to: from now on From of the call is this address (RFC 4916), if the other side
    /// can take that. Told by [`CallEvent::Identified`].
    Identify {
        /// Which call.
        call: CallName,
        /// The address: a URI, or one in brackets with a name before it.
        address: Box<str>,
    },
    /// Ask the other side to call somebody else instead (RFC 5589 §6). Told by [`CallEvent::Transferred`]; the call
    /// ends when that worked, and goes on as it was before the hold when it did not.
    Transfer {
        /// The call that is handed over.
        call: CallName,
        /// The URI that the other side is to call.
        to: Box<str>,
    },
    /// Ask the other side of one call to take over the other side of another (RFC 5589 §7). If the target still rings,
    /// that waits for the answer (RFC 5589 §7.6), unless [`Transfers::semi_attended`] says otherwise. Told by
    /// [`CallEvent::Transferred`].
    ///
    /// [`Transfers::semi_attended`]: crate::settings::Transfers::semi_attended
    TransferTo {
        /// The call that is handed over.
        call: CallName,
        /// The call with the target: one that is up, or one of ours that rings there.
        target: CallName,
    },
    /// Send somebody a link by which they take over the other side of a call (RFC 5359 §2.6). Told by
    /// [`CallEvent::Transferred`].
    TransferByMessage {
        /// The call that is handed over.
        call: CallName,
        /// Who gets the link.
        to: Box<str>,
    },
    /// Ask another telephone, such as one's own other one, to take over the other side of a call: a REFER outside it,
    /// whose Refer-To names the call (RFC 5589 §7.2 without a consultation). Told by [`CallEvent::Transferred`].
    MoveTo {
        /// The call that moves.
        call: CallName,
        /// The telephone that is to have it.
        to: Box<str>,
    },
    /// Ask a park server to take over the other side of a call and keep it until somebody retrieves it (RFC 5359 §2.15).
    /// Told by [`CallEvent::Parked`] and [`CallEvent::Transferred`].
    Park {
        /// The call that is parked.
        call: CallName,
        /// The park server, or one of its slots.
        at: Box<str>,
    },
    /// Ask a music server to take over the other side of a call, which is on hold (RFC 5359 §2.3). Told as with
    /// [`Park`](Self::Park); if it is refused, the call stays on hold in silence. Taken back by
    /// [`TakeBack`](Self::TakeBack).
    MusicOnHold {
        /// The call.
        call: CallName,
        /// The music server.
        from: Box<str>,
    },
    /// Take back whom we gave to a music or park server.
    TakeBack {
        /// The name of the new call.
        call: CallName,
        /// The call that was given away.
        given: CallName,
    },
    /// Take over a call that is parked: the server is asked for its dialogs, and the call that it has longest is taken
    /// (RFC 5359 §2.15). If there is none, the new call ends as `not-found`.
    Retrieve {
        /// The name of the new call.
        call: CallName,
        /// The park server, or the slot.
        from: Box<str>,
    },
    /// Take a call that rings at another telephone, unless it is answered first (RFC 5359 §2.16). If none rings there, the
    /// new call ends as `not-found`.
    PickUp {
        /// The name of the new call.
        call: CallName,
        /// At whose telephone it rings.
        at: Box<str>,
    },
    /// Connect the other sides of two calls without leaving either, by re-INVITEs (RFC 3725 §4): for those who know
    /// neither REFER nor Replaces. Told by [`CallEvent::Transferred`]; each call ends when the other does.
    Bridge {
        /// The call that is handed over.
        call: CallName,
        /// The call with the target.
        target: CallName,
    },
    /// Ask a telephone, outside any call, to call somebody (RFC 5359 §2.18). Told by [`CallEvent::Transferred`].
    ClickToDial {
        /// The name of the asking.
        call: CallName,
        /// The telephone that is to call.
        whom: Box<str>,
        /// Whom it is to call.
        to: Box<str>,
        /// Whether it is to report how that goes (RFC 4488).
        reports: bool,
    },
    /// Make a call the first of an ad hoc conference whose focus we are (RFC 4579 §5.4). Told by
    /// [`CallEvent::InConference`].
    Host {
        /// Which call.
        call: CallName,
        /// Whether its other side is put on hold in the same request (RFC 5589 §9).
        hold: bool,
    },
    /// Call somebody into a conference of ours (RFC 4579 §5.2).
    CallIn {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// A call that is in the conference.
        with: CallName,
        /// Whether a call may be handed over to them, so that they must know Replaces.
        consult: bool,
    },
    /// Call somebody to whom a call may be handed over: they must know Replaces (RFC 5589 §7.7).
    Consult {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
    },
    /// Call what a link names, which may be a call to be taken over: `sip:alice@example.com?Replaces=…` (RFC 3891 §1).
    /// It is one's own wish, so that the link's Replaces and Require are obeyed, and no other headers.
    Follow {
        /// The name of the new call.
        call: CallName,
        /// The link, or a text with one in it.
        link: Box<str>,
    },
    /// Ask the other side of a call what it can do (RFC 3261 §11). Told by [`CallEvent::Abilities`].
    AskAbilities(CallName),
    /// Send somebody an instant message (RFC 3428). Told by [`CallEvent::MessageSent`].
    SendMessage {
        /// The URI of its recipient.
        to: Box<str>,
        /// The text.
        body: Box<str>,
    },
    /// Make the call that [`CallEvent::Asked`] told of.
    Consent(CallName),
    /// The same in the name of another user of our domain, as whom the other side then sees us.
    ConsentAs {
        /// The name of the call.
        call: CallName,
        /// The user part of the address.
        user: Box<str>,
    },
    /// Do not make it, but see to it in another way: whoever asked is told that it is accepted.
    Take(CallName),
    /// Do not make it; this status, such as 603, is reported to whoever asked.
    Refuse(CallName, Status),
    /// Ask somebody, outside any call, what they can do (RFC 3261 §11). Told by [`CallEvent::Options`].
    AskOptions(Box<str>),
    /// Signal a digit to the other side by INFO, for those who take none in the sound (RFC 6086 §2). Told by
    /// [`CallEvent::DigitAnswered`].
    SignalDigit(CallName, char),
    /// Call somebody to join a call there (RFC 3911).
    Join {
        /// The name of the new call.
        call: CallName,
        /// The URI of whoever has that call.
        to: Box<str>,
        /// The call, as whoever has it sees its dialog.
        join: Box<Join>,
    },
    /// Add a call that is up to a conference of ours. Told by [`CallEvent::InConference`].
    Confer {
        /// A call that is in the conference.
        call: CallName,
        /// The call that is added.
        other: CallName,
    },
    /// Let whoever calls into a room of a focus: the call is answered as part of it (RFC 4579 §5.1). One that is up already, in a
    /// room of another process, is part of this one from now on. Told by [`CallEvent::InConference`].
    Enter {
        /// Which call.
        call: CallName,
        /// The user part of the room's URI.
        room: Box<str>,
    },
    /// Call somebody into a room of a focus (RFC 4579 §5.2).
    CallInto {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// The user part of the room's URI.
        room: Box<str>,
    },
    /// Make the call that [`CallEvent::Asked`] told of, into a room of a focus (RFC 4579 §5.5).
    ConsentInto {
        /// The name of the call.
        call: CallName,
        /// The user part of the room's URI.
        room: Box<str>,
    },
    /// What was asked for is done: whoever asked is told so.
    Done(CallName),
    /// Decline a call, or do not do what is asked, and say why in a Warning (RFC 3261 §20.43).
    TurnAway {
        /// Which call, or the name of the asking.
        call: CallName,
        /// With which status.
        status: Status,
        /// Why, in words.
        words: &'static str,
    },
    /// Tell what names a call in the network, for somebody who is to join it or to take it over and cannot watch us. Told
    /// by [`CallEvent::Dialog`].
    TellDialog(CallName),
    /// Call somebody who is busy as soon as that is over (RFC 5359 §2.17): their calls are watched until then. While a
    /// call of ours is up, or another redial's, it waits its turn. It is told by [`CallEvent::Redialling`] when it calls,
    /// and ends as `no-answer` when the time is over.
    Redial {
        /// The name of the new call.
        call: CallName,
        /// The URI to call.
        to: Box<str>,
        /// For how long it waits.
        within: Duration,
        /// How often it calls: whoever is free may be called by somebody else first.
        tries: u8,
    },
    /// Give up the call, whatever its state: CANCEL, BYE, or a 603.
    HangUp(CallName),
    /// Give up a call of ours that rings, by BYE in each of its early dialogs (RFC 3261 §15.1.1). What else may come of
    /// the INVITE at a fork is not cancelled, but ended should it be answered; [`HangUp`](Self::HangUp) is what people
    /// want (RFC 5407 appendix A).
    ByeEarly(CallName),
    /// Watch somebody, or no longer.
    Watching(WatchAction),
}

/// What the other side of a call says of its user agent in Contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a tag, and they do not depend on each other")]
pub struct ContactFeatures {
    /// It is the focus of a conference (`isfocus`, RFC 4579 §5.1).
    pub focus: bool,
    /// Nobody sits at it (`automata`, RFC 3840 §10.2).
    pub automaton: bool,
    /// It never ends a call (`+sip.byeless`, RFC 4235 §5.1).
    pub byeless: bool,
    /// It renders what it gets (`+sip.rendering`, RFC 4235 §5.2), as long as nothing else is said.
    pub renders: bool,
}

impl Default for ContactFeatures {
    fn default() -> Self {
        Self { focus: false, automaton: false, byeless: false, renders: true }
    }
}

/// Where a call's sound goes, as offer and answer settled it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPath {
    /// Where we receive.
    pub local: SocketAddr,
    /// Where we send to.
    pub remote: SocketAddr,
    /// Whether we may send.
    pub sends: bool,
    /// Whether the other side may.
    pub receives: bool,
    /// What the other side takes, under its numbers, the preferred one first. What it sends has these numbers
    /// too, or those of [`Formats::OFFERED`].
    pub formats: Formats,
}

/// What a telephone tells.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// The registrar answered 200 with these contact URIs.
    Registered {
        /// Every contact of the address, as the registrar lists them.
        contacts: Vec<Box<str>>,
    },
    /// The registrar refused, or did not answer (408, 503).
    NotRegistered(Status),
    /// Somebody calls, and this telephone rings.
    Incoming {
        /// The name of the new call.
        call: CallName,
        /// Who calls, as the From header says.
        from: Box<str>,
        /// The URI that was called: the Request-URI.
        at: Box<str>,
        /// Who sent the caller to us, as Referred-By says (RFC 3892).
        referred_by: Option<Box<str>>,
        /// Whether it is proved that whoever calls may know of our calls. Only servers ask for that.
        member: bool,
    },
    /// Somebody called and was refused at once by [`CallAction::RefuseCalls`].
    Refused {
        /// Who called, as the From header says.
        from: Box<str>,
    },
    /// The other side rings: the first 180. Told once a call.
    Ringing(CallName),
    /// The call was redirected, and goes on to this URI (RFC 3261 §8.1.3.4).
    Redirected(CallName, Box<str>),
    /// The call is answered and acknowledged: the caller has sent its ACK, the callee has got it.
    Established(CallName),
    /// Offer and answer settled where the sound goes: at the start, and at each change. Before the call is
    /// [established](Self::Established) it is early media.
    Media(CallName, MediaPath),
    /// The other side put us on hold, or took us off it.
    HeldByPeer(CallName, bool),
    /// Our hold, or its end, was accepted by the other side.
    HoldChanged(CallName, bool),
    /// Our move was accepted by the other side; of a call that was taken up, that it goes on.
    Moved(CallName),
    /// A call of the process before this one is here again, and its other side is being told. Told before anything else of
    /// it; it ends if the other side has forgotten it.
    TakenUp {
        /// Its name from now on.
        call: CallName,
        /// Who the other side is, as To has it.
        with: Box<str>,
    },
    /// The other side made the offer that [`CallAction::AskOffer`] asked for, and has our answer.
    OfferAnswered(CallName),
    /// The other side took the address that [`CallAction::Identify`] shows it.
    Identified(CallName),
    /// The other side of a call is somebody else than was known before: it says so itself (RFC 4916), or a server that
    /// we trust does (RFC 3325).
    Identity {
        /// Which call.
        call: CallName,
        /// Who it is: a URI in brackets, perhaps with a name before it.
        address: Box<str>,
        /// Whether a server that we trust says it.
        asserted: bool,
    },
    /// A hold, resume or other change was refused; the call goes on as it was.
    ChangeRefused(CallName, Status),
    /// Somebody with whom there is no call asks us to call somebody (RFC 5359 §2.18). Nothing happens until
    /// [`CallAction::Consent`] or [`CallAction::Refuse`] comes, or the time is over: then it is told by
    /// [`CallEvent::Ended`].
    Asked {
        /// The name of the call that it would be.
        call: CallName,
        /// Who asks, as a server that we trust says, else the From header, which proves nothing.
        from: Box<str>,
        /// Whom we are to call.
        to: Box<str>,
        /// The URI at which we were asked: the Request-URI.
        at: Box<str>,
    },
    /// A focus is asked to have somebody leave a room (RFC 4579 §5.11). Nothing happens until [`CallAction::Done`] or
    /// [`CallAction::TurnAway`] comes.
    AskedToRemove {
        /// The name of the asking.
        call: CallName,
        /// Who asks, as a server that we trust says, else the From header.
        from: Box<str>,
        /// The URI of who is to leave.
        who: Box<str>,
        /// The URI at which we were asked: the Request-URI.
        at: Box<str>,
    },
    /// We were asked to call somebody else, and we do (RFC 3515 §2.4.4).
    Referred {
        /// The call in which we were asked, or that was named; none if the owner consented instead.
        call: Option<CallName>,
        /// The new call.
        new: CallName,
        /// Whom it calls.
        to: Box<str>,
    },
    /// A call came in that takes the place of another one here, and is answered by itself (RFC 3891 §3). The other
    /// ends once this one is up.
    TakenOver {
        /// The new call.
        call: CallName,
        /// The call whose place it takes.
        replaces: CallName,
        /// Who calls, as the From header says.
        from: Box<str>,
    },
    /// A call came in that joins another one here, or a conference, and is answered by itself (RFC 3911 §4).
    Joined {
        /// The new call.
        call: CallName,
        /// The call that it joins; none if it called the conference.
        joins: Option<CallName>,
        /// Who calls, as the From header says.
        from: Box<str>,
        /// The conference of both.
        conference: ConferenceName,
    },
    /// What somebody can do whom [`CallAction::AskOptions`] asked; lists that were not told are empty.
    Options {
        /// Who was asked.
        to: Box<str>,
        /// The answer; 408 or 503 if there was none.
        status: Status,
        /// Methods.
        allow: Box<str>,
        /// Extensions.
        supported: Box<str>,
        /// Event packages.
        allow_events: Box<str>,
        /// Kinds of bodies.
        accept: Box<str>,
    },
    /// The other side signalled a digit by INFO.
    DigitSignalled {
        /// In which call.
        call: CallName,
        /// Which.
        digit: char,
        /// For how long it is to sound.
        duration: Duration,
    },
    /// How the other side answered a digit of ours.
    DigitAnswered(CallName, Status),
    /// A call of ours was refused, and these URIs say more for people (Error-Info, RFC 3261 §20.18).
    ErrorInfo(CallName, Vec<Box<str>>),
    /// A call is part of a conference of ours from now on, and all in it hear each other. Its other side knows, unless it
    /// has just refused to ([`ChangeRefused`](Self::ChangeRefused)).
    InConference {
        /// Which call.
        call: CallName,
        /// Which conference.
        conference: ConferenceName,
    },
    /// The other side's Contact says something else of its user agent than before, or than is usual.
    PeerFeatures(CallName, ContactFeatures),
    /// The call that we were asked to make failed after whoever asked had left: they are called back (RFC 5359 §2.4).
    CalledBack {
        /// The new call.
        call: CallName,
        /// Whom it calls.
        to: Box<str>,
    },
    /// The other side reports how the call goes that it was asked to make.
    TransferProgress(CallName, Status),
    /// How a transfer of ours ended.
    Transferred {
        /// The call that was to be handed over.
        call: CallName,
        /// What kind of transfer.
        kind: Kind,
        /// How it ended.
        outcome: Outcome,
        /// The status that says so: of the new call, or of the REFER when that was refused.
        status: Option<Status>,
        /// What it was, in a sentence, with what the other side said.
        says: Box<str>,
    },
    /// What names a call in the network (RFC 3261 §12).
    Dialog {
        /// The call.
        call: CallName,
        /// The Call-ID.
        call_id: Box<str>,
        /// Our tag.
        local_tag: Box<str>,
        /// That of the other side.
        remote_tag: Box<str>,
    },
    /// Whom a redial is for is busy: it waits.
    RedialWaits(CallName),
    /// Whom a redial waits for is free, and is called.
    Redialling(CallName),
    /// The call that was looked for is found, and its other side is called.
    Found {
        /// The new call.
        call: CallName,
        /// Whom it calls.
        to: Box<str>,
    },
    /// A server has the other side of a call now.
    Parked {
        /// The call.
        call: CallName,
        /// Under which address the server has it, if it says so: of a park server, the slot.
        at: Option<Box<str>>,
    },
    /// What the other side of a call can do, as it told.
    Abilities {
        /// Which call.
        call: CallName,
        /// The methods that it allows.
        allow: Box<str>,
        /// The extensions that it supports.
        supported: Box<str>,
    },
    /// An instant message came (RFC 3428).
    MessageReceived {
        /// From whom, as the From header says.
        from: Box<str>,
        /// What kind of text it is.
        content_type: Box<str>,
        /// The text.
        body: Box<str>,
    },
    /// What became of an instant message of ours.
    MessageSent {
        /// To whom it went.
        to: Box<str>,
        /// 2xx if it was taken.
        status: Status,
    },
    /// Something about what this telephone watches.
    Watching(WatchEvent),
    /// The button fits no state of the call: an answer to what does not ring, a name in use or unknown.
    Impossible(CallName),
    /// It is over. Told once a call, and the last that is told of it.
    Ended {
        /// Which call.
        call: CallName,
        /// How: `answered` when it was established and then released.
        outcome: Outcome,
        /// The final status of the INVITE, if it was not answered.
        status: Option<Status>,
        /// Whether the other side ended it: by BYE, CANCEL or a failure.
        by_peer: bool,
    },
}
