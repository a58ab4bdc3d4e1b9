//! What people do with a telephone: each verb waits, in virtual time, until it can be done.

mod conferences;

use crate::book::{Book, Call, Progress};
use crate::stage::Stage;
use cordboard_ladder::Outcome;
use cordboard_service::call::{CallAction, CallName};
use cordboard_sim::HostId;
use cordboard_sip::Status;
use cordboard_sip::header::Join;
use std::time::Duration;

/// For how long a registration is asked.
const REGISTRATION: Duration = Duration::from_hours(1);

/// Somebody's telephone on a stage.
#[derive(Clone, Copy)]
pub struct Phone<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) host: HostId,
    /// The name, as drawn.
    pub name: &'static str,
    pub(crate) user: &'static str,
    pub(crate) domain: &'static str,
}

impl From<Phone<'_>> for HostId {
    fn from(phone: Phone<'_>) -> Self {
        phone.host
    }
}

impl Phone<'_> {
    /// The same person at an address of another domain, for others to call.
    #[must_use]
    pub const fn at(self, domain: &'static str) -> Self {
        Self { domain, ..self }
    }

    /// Registers the telephone's contact, and waits until that is done.
    pub fn registers(self) {
        self.registration("registers", CallAction::Register { expires: REGISTRATION }, Result::is_ok);
    }

    /// Tries to register, and is refused with this status in the end.
    pub fn fails_to_register(self, status: Status) {
        let action = CallAction::Register { expires: REGISTRATION };
        self.registration("fails_to_register", action, |done| *done == Err(status));
    }

    /// Takes the telephone's contact away.
    pub fn unregisters(self) {
        let action = CallAction::Register { expires: Duration::ZERO };
        self.registration("unregisters", action, Result::is_ok);
    }

    /// Takes every contact of the address away (RFC 3261 §10.2.2).
    pub fn unregisters_everything(self) {
        self.registration("unregisters_everything", CallAction::UnregisterAll, |done| {
            done.as_ref().is_ok_and(Vec::is_empty)
        });
    }

    /// Adds a contact of any kind to the address.
    pub fn adds_contact(self, contact: &str) {
        let action = CallAction::AddContact { contact: contact.into(), expires: REGISTRATION };
        self.registration("adds_contact", action, |done| {
            done.as_ref().is_ok_and(|contacts| contacts.iter().any(|other| **other == *contact))
        });
    }

    /// Asks what is registered, and is told so many contacts.
    pub fn lists_contacts(self, count: usize) {
        self.registration("lists_contacts", CallAction::ListBindings, |done| {
            done.as_ref().is_ok_and(|contacts| contacts.len() == count)
        });
    }

    /// Waits until somebody holds us, or lets us go on.
    pub fn is_held_by(self, other: Phone<'_>, held: bool) {
        self.stage.waits(&format!("{}.is_held_by({}, {held})", self.name, other.name), |books| {
            let so = |call: &Call| !call.is_over() && call.is_with(other.user) && call.held == held;
            books.of(self.host).find(so).is_some()
        });
    }

    /// Calls somebody at the address-of-record.
    pub fn dials(self, callee: Phone<'_>) {
        self.dial("dials", callee, true);
    }

    /// Calls an address where nobody stands: whoever serves it has the call go elsewhere.
    pub fn dials_address(self, uri: &str) {
        self.dial_uri(&format!("{}.dials_address({uri})", self.name), uri, true);
    }

    /// Calls the address at which can be heard why a call was refused (RFC 5359 §2.13).
    pub fn listens_to_why(self) {
        let said = format!("{}.listens_to_why()", self.name);
        self.stage.waits(&said, |books| !books.of(self.host).announced.is_empty());
        let why = self.stage.read(|books| books.of(self.host).announced.last().cloned());
        if let Some(why) = why {
            self.dial_uri(&said, &why, true);
        }
    }

    /// Calls somebody and leaves the offer to the other side (RFC 3261 §13.2.1).
    pub fn dials_without_offer(self, callee: Phone<'_>) {
        self.dial("dials_without_offer", callee, false);
    }

    /// Calls somebody who must know Replaces, for a call may be handed over to them (RFC 5589 §7.7).
    pub fn consults(self, callee: Phone<'_>) {
        let said = format!("{}.consults({})", self.name, callee.name);
        let to = callee.address();
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::Consult { call: book.dial(&to), to: to.as_str().into() },
        );
    }

    /// Waits until that caller's call rings here.
    pub fn is_called_by(self, caller: Phone<'_>) {
        self.stage.waits(&format!("{}.is_called_by({})", self.name, caller.name), |books| {
            let rings = |call: &Call| call.progress == Progress::Incoming && call.is_with(caller.user);
            books.of(self.host).find(rings).is_some()
        });
    }

    /// Whether some call rings here now.
    pub fn is_rung(self) -> bool {
        self.stage
            .read(|books| books.of(self.host).find(|call| call.progress == Progress::Incoming).is_some())
    }

    /// Whether a call with that person is up here.
    pub fn is_up_with(self, other: Phone<'_>) -> bool {
        self.stage.read(|books| {
            let mut live = books.of(self.host).live();
            live.any(|call| call.progress == Progress::Established && call.is_with(other.user))
        })
    }

    /// Waits until the other side of the call just made rings.
    pub fn hears_ringing(self) {
        self.stage.waits(&format!("{}.hears_ringing()", self.name), |books| {
            books.of(self.host).calls.last().is_some_and(|call| call.progress == Progress::Ringing)
        });
    }

    /// Answers when that caller's call rings.
    pub fn answers(self, caller: Phone<'_>) {
        let rings = |call: &Call| call.progress == Progress::Incoming && call.is_with(caller.user);
        self.press("answers", rings, CallAction::Answer);
    }

    /// The same, should it still ring by then.
    pub fn tries_to_answer(self, caller: Phone<'_>) {
        let said = format!("{}.tries_to_answer({})", self.name, caller.name);
        let called = |call: &Call| {
            call.is_with(caller.user) && (call.progress == Progress::Incoming || call.is_over())
        };
        self.stage.tries(&said, self.host, |book| book.find(called), |_, call| CallAction::Answer(call));
    }

    /// Lets that caller hear us before we answer.
    pub fn lets_hear(self, caller: Phone<'_>) {
        let rings = |call: &Call| call.progress == Progress::Incoming && call.is_with(caller.user);
        self.press("lets_hear", rings, CallAction::Progress);
    }

    /// Declines that caller's call with this status.
    pub fn declines(self, caller: Phone<'_>, status: Status) {
        let rings = |call: &Call| call.progress == Progress::Incoming && call.is_with(caller.user);
        self.press("declines", rings, |call| CallAction::Decline(call, status));
    }

    /// From now on the telephone refuses calls at once with this status.
    pub fn refuses_calls(self, status: Status) {
        let said = format!("{}.refuses_calls({})", self.name, status.code());
        self.stage.acts(&said, self.host, |_| Some(()), |_, ()| CallAction::RefuseCalls(Some(status)));
    }

    /// Puts somebody on hold.
    pub fn holds(self, other: Phone<'_>) {
        self.change("holds", other, false, CallAction::Hold);
    }

    /// Puts somebody on hold whose sound is agreed before the call is answered.
    pub fn holds_early(self, other: Phone<'_>) {
        let early = |call: &Call| {
            matches!(call.progress, Progress::Dialled | Progress::Ringing | Progress::Incoming)
                && call.sound.is_some()
                && call.is_with(other.user)
        };
        self.press("holds_early", early, CallAction::Hold);
    }

    /// Waits until our hold is accepted.
    pub fn has_on_hold(self, other: Phone<'_>) {
        self.stage.waits(&format!("{}.has_on_hold({})", self.name, other.name), |books| {
            let so = |call: &Call| !call.is_over() && call.holding && call.is_with(other.user);
            books.of(self.host).find(so).is_some()
        });
    }

    /// Waits until the other side of a call is said to be this person.
    pub fn is_shown(self, other: Phone<'_>) {
        let address = other.address();
        self.stage.waits(&format!("{}.is_shown({})", self.name, other.name), |books| {
            let shown = |call: &Call| call.identity.as_ref().is_some_and(|shown| shown.contains(&address));
            books.of(self.host).find(shown).is_some()
        });
    }

    /// The same, should the call still be up by then.
    pub fn tries_to_hold(self, other: Phone<'_>) {
        self.tries("tries_to_hold", other, |book, call| {
            if let Some(call) = book.call_mut(call) {
                call.changing = true;
            }
            CallAction::Hold(call)
        });
    }

    /// Takes somebody off hold.
    pub fn resumes(self, other: Phone<'_>) {
        self.change("resumes", other, true, CallAction::Resume);
    }

    /// Goes on from the telephone's other address, in the call with somebody.
    pub fn moves(self, other: Phone<'_>) {
        let listener = self.stage.other_address();
        let action = |call| CallAction::Move { call, listener };
        self.change("moves", other, false, action);
    }

    /// Waits until what was last changed in the call with somebody is agreed.
    pub fn has_changed(self, other: Phone<'_>) {
        self.stage.waits(&format!("{}.has_changed({})", self.name, other.name), |books| {
            let settled = |call: &Call| call.is_with(other.user) && !call.changing;
            books.of(self.host).find(settled).is_some()
        });
    }

    /// Hands somebody over to somebody else, unattended (RFC 5589 §6).
    pub fn transfers(self, transferee: Phone<'_>, target: Phone<'_>) {
        let to: Box<str> = target.address().into();
        self.hand_over("transfers", transferee, |_, call| CallAction::Transfer { call, to: to.clone() });
    }

    /// Hands somebody over to somebody whose telephone rings, when that is answered (RFC 5589 §7.6).
    pub fn transfers_to_ringing(self, transferee: Phone<'_>, target: Phone<'_>) {
        self.hand_over("transfers_to_ringing", transferee, |book, call| {
            let rings = |call: &Call| call.progress == Progress::Ringing && call.is_with(target.user);
            let target = book.find(rings).map_or(call, |call| call.name);
            CallAction::TransferTo { call, target }
        });
    }

    /// Connects two people with whom calls are up, and stays in both calls (RFC 3725 §4).
    pub fn bridges(self, transferee: Phone<'_>, target: Phone<'_>) {
        self.hand_over("bridges", transferee, |book, call| {
            let up = |call: &Call| call.progress == Progress::Established && call.is_with(target.user);
            let target = book.find(up).map_or(call, |call| call.name);
            CallAction::Bridge { call, target }
        });
    }

    /// Sends somebody a link by which they take over the call with somebody (RFC 5359 §2.6).
    pub fn transfers_by_message(self, transferee: Phone<'_>, target: Phone<'_>) {
        let to: Box<str> = target.address().into();
        self.hand_over("transfers_by_message", transferee, |_, call| CallAction::TransferByMessage {
            call,
            to: to.clone(),
        });
    }

    /// Has another telephone take over the call with somebody.
    pub fn moves_call_to(self, other: Phone<'_>, phone: Phone<'_>) {
        let to: Box<str> = phone.address().into();
        self.hand_over("moves_call_to", other, |_, call| CallAction::MoveTo { call, to: to.clone() });
    }

    /// Parks the call with somebody at a park server, or in one of its slots (RFC 5359 §2.15).
    pub fn parks(self, other: Phone<'_>, park: Phone<'_>) {
        let at: Box<str> = park.address().into();
        self.hand_over("parks", other, |_, call| CallAction::Park { call, at: at.clone() });
    }

    /// Waits until a server has a call of ours.
    pub fn has_parked(self) {
        self.stage
            .waits(&format!("{}.has_parked()", self.name), |books| !books.of(self.host).parked.is_empty());
    }

    /// Lets somebody who is on hold hear music (RFC 5359 §2.3).
    pub fn plays_music_to(self, other: Phone<'_>, music: Phone<'_>) {
        let said = format!("{}.plays_music_to({})", self.name, other.name);
        let from: Box<str> = music.address().into();
        let held = |call: &Call| {
            call.progress == Progress::Established
                && call.holding
                && !call.changing
                && call.is_with(other.user)
        };
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(held).map(|call| call.name),
            |_, call| CallAction::MusicOnHold { call, from },
        );
    }

    /// Takes back whom a server has of ours.
    pub fn takes_back(self, other: Phone<'_>) {
        let said = format!("{}.takes_back({})", self.name, other.name);
        self.stage.acts(
            &said,
            self.host,
            |book| book.parked.last().map(|(call, _)| *call),
            |book, given| CallAction::TakeBack { call: book.dial(&other.address()), given },
        );
    }

    /// Takes over the call that is parked there.
    pub fn retrieves_from(self, park: Phone<'_>) {
        let said = format!("{}.retrieves_from({})", self.name, park.name);
        let from = park.address();
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::Retrieve { call: book.dial(&from), from: from.as_str().into() },
        );
    }

    /// Makes a call the first of a conference (RFC 5359 §2.10).
    pub fn confers_with(self, other: Phone<'_>) {
        self.change("confers_with", other, false, |call| CallAction::Host { call, hold: false });
    }

    /// Calls somebody into the conference with somebody.
    pub fn adds(self, third: Phone<'_>, other: Phone<'_>) {
        let said = format!("{}.adds({}, {})", self.name, third.name, other.name);
        let to = third.address();
        let up = |call: &Call| {
            call.progress == Progress::Established && !call.changing && call.is_with(other.user)
        };
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(up).map(|call| call.name),
            |book, with| {
                let call = book.dial(&to);
                CallAction::CallIn { call, to: to.as_str().into(), with, consult: false }
            },
        );
    }

    /// Joins a call that somebody has with somebody else, having been told by word of mouth what names it (RFC 3911).
    pub fn joins(self, one: Phone<'_>, other: Phone<'_>) {
        one.tells_what_names(other);
        self.joins_as_told_by(one);
    }

    /// Tells others what names the call with somebody.
    pub(crate) fn tells_what_names(self, other: Phone<'_>) {
        let up = |call: &Call| call.progress == Progress::Established && call.is_with(other.user);
        self.press("tells_what_names", up, CallAction::TellDialog);
        let said = format!("{}.tells_what_names({})", self.name, other.name);
        self.stage.waits(&said, |books| !books.of(self.host).dialogs.is_empty());
    }

    /// Joins the call of which somebody has told what names it.
    pub(crate) fn joins_as_told_by(self, one: Phone<'_>) {
        let said = format!("{}.joins_as_told_by({})", self.name, one.name);
        let named = self.stage.read(|books| books.of(one.host).dialogs.last().cloned());
        let join = named.and_then(|(_, [call_id, own, peer])| {
            Some(Join::new(call_id.parse().ok()?, own.parse().ok()?, peer.parse().ok()?))
        });
        let Some(join) = join else { return };
        let to = one.address();
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::Join {
                call: book.dial(&to),
                to: to.as_str().into(),
                join: Box::new(join),
            },
        );
    }

    /// Calls somebody who is busy as soon as that is over (RFC 5359 §2.17).
    pub fn redials(self, callee: Phone<'_>) {
        let said = format!("{}.redials({})", self.name, callee.name);
        let to = callee.address();
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::Redial {
                call: book.dial(&to),
                to: to.as_str().into(),
                within: REGISTRATION,
                tries: 3,
            },
        );
    }

    /// Waits until it is known that whom we want to call again is busy still.
    pub fn waits_for_busy(self) {
        self.stage.waits(&format!("{}.waits_for_busy()", self.name), |books| books.of(self.host).waits > 0);
    }

    /// Waits until it is known that a call rings at whom we call again.
    pub fn is_told_that_it_rings(self) {
        let said = format!("{}.is_told_that_it_rings()", self.name);
        self.stage.waits_for_another_call(&said, self.host);
    }

    /// Lets calls ring again.
    pub fn takes_calls(self) {
        let said = format!("{}.takes_calls()", self.name);
        self.stage.acts(&said, self.host, |_| Some(()), |_, ()| CallAction::RefuseCalls(None));
    }

    /// Takes the call that rings at somebody's telephone (RFC 5359 §2.16).
    pub fn picks_up_from(self, other: Phone<'_>) {
        let said = format!("{}.picks_up_from({})", self.name, other.name);
        let at = other.address();
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::PickUp { call: book.dial(&at), at: at.as_str().into() },
        );
    }

    /// Asks a server to be called back when somebody is free.
    pub fn asks_for_redial(self, server: Phone<'_>, callee: Phone<'_>) {
        let said = format!("{}.asks_for_redial({})", self.name, callee.name);
        let (whom, to): (Box<str>, Box<str>) = (server.address().into(), callee.address().into());
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::ClickToDial { call: book.name(), whom, to, reports: true },
        );
    }

    /// Asks a telephone outside any call to call somebody, and wants no reports (RFC 5359 §2.18).
    pub fn clicks(self, whom: Phone<'_>, to: Phone<'_>) {
        let said = format!("{}.clicks({}, {})", self.name, whom.name, to.name);
        let (whom, to): (Box<str>, Box<str>) = (whom.address().into(), to.address().into());
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::ClickToDial { call: book.name(), whom, to, reports: false },
        );
    }

    /// Lets the telephone call somebody as it was asked to.
    pub fn consents_to_call(self, target: Phone<'_>) {
        self.decides("consents_to_call", target, CallAction::Consent);
    }

    /// Does not let it.
    pub fn refuses_to_call(self, target: Phone<'_>) {
        self.decides("refuses_to_call", target, |call| CallAction::Refuse(call, Status::DECLINE));
    }

    fn decides(self, verb: &str, target: Phone<'_>, action: impl Fn(CallName) -> CallAction) {
        let said = format!("{}.{verb}({})", self.name, target.name);
        let to = target.address();
        self.stage.acts(
            &said,
            self.host,
            |book| book.requests.iter().find(|(_, asked)| **asked == *to).map(|(call, _)| *call),
            |_, call| action(call),
        );
    }

    /// Asks the other side of a call what it can do, and waits for the answer.
    pub fn asks_abilities(self, other: Phone<'_>) {
        let up = |call: &Call| call.progress == Progress::Established && call.is_with(other.user);
        self.press("asks_abilities", up, CallAction::AskAbilities);
        self.stage.waits(&format!("{}.asks_abilities({})", self.name, other.name), |books| {
            books.of(self.host).find(|call| call.is_with(other.user) && call.abilities.is_some()).is_some()
        });
    }

    /// Sends somebody an instant message.
    pub fn messages(self, other: Phone<'_>, text: &str) {
        let said = format!("{}.messages({})", self.name, other.name);
        let (to, body): (Box<str>, Box<str>) = (other.address().into(), text.into());
        self.stage.acts(&said, self.host, |_| Some(()), |_, ()| CallAction::SendMessage { to, body });
    }

    /// Follows the link in the last message.
    pub fn follows_link(self) {
        let said = format!("{}.follows_link()", self.name);
        self.stage.acts(
            &said,
            self.host,
            |book| (!book.messages.is_empty()).then_some(()),
            |book, ()| {
                let (_, link) = book.messages.last().cloned().unwrap_or_default();
                CallAction::Follow { call: book.dial(&link), link }
            },
        );
    }

    /// Hands somebody over to somebody with whom a call is up (RFC 5589 §7).
    pub fn transfers_to(self, transferee: Phone<'_>, target: Phone<'_>) {
        self.hand_over("transfers_to", transferee, |book, call| {
            let up = |call: &Call| call.progress == Progress::Established && call.is_with(target.user);
            let target = book.find(up).map_or(call, |call| call.name);
            CallAction::TransferTo { call, target }
        });
    }

    /// The same unattended, should the call still be up by then.
    pub fn tries_to_transfer(self, transferee: Phone<'_>, target: Phone<'_>) {
        let to: Box<str> = target.address().into();
        self.tries("tries_to_transfer", transferee, |_, call| CallAction::Transfer { call, to });
    }

    fn hand_over(self, verb: &str, transferee: Phone<'_>, action: impl Fn(&Book, CallName) -> CallAction) {
        let said = format!("{}.{verb}({})", self.name, transferee.name);
        let up = |call: &Call| {
            call.progress == Progress::Established && !call.changing && call.is_with(transferee.user)
        };
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(up).map(|call| call.name),
            |book, name| action(book, name),
        );
    }

    /// Waits until somebody has asked us to call somebody else, and we do.
    pub fn is_referred_to(self, target: Phone<'_>) {
        self.stage.waits(&format!("{}.is_referred_to({})", self.name, target.name), |books| {
            books.of(self.host).find(|call| call.is_with(target.user)).is_some()
        });
    }

    /// Waits until it is known how what another telephone was asked for ended, which is to be so.
    pub fn learns_of_asking(self, wanted: Outcome) {
        let said = format!("{}.learns_of_asking({wanted})", self.name);
        self.stage.waits(&said, |books| !books.of(self.host).asking.is_empty());
        self.stage.expects(&said, |books| {
            books.of(self.host).asking.last().is_some_and(|(_, outcome)| *outcome == wanted)
        });
    }

    /// Waits until it is known how handing somebody over ended, which is to be so.
    pub fn learns(self, wanted: Outcome) {
        self.stage.waits(&format!("{}.learns({wanted})", self.name), |books| {
            let known = |call: &Call| call.transfer.is_some();
            books.of(self.host).find(known).is_some()
        });
        self.stage.expects(&format!("{}.learns({wanted})", self.name), |books| {
            let so = |call: &Call| call.transfer == Some(wanted);
            books.of(self.host).find(so).is_some()
        });
    }

    /// Whether it is known already that handing somebody over ended so.
    pub fn has_learnt(self, outcome: Outcome) -> bool {
        self.stage.read(|books| books.of(self.host).find(|call| call.transfer == Some(outcome)).is_some())
    }

    /// Hangs up the call with somebody.
    pub fn hangs_up_on(self, other: Phone<'_>) {
        let up = |call: &Call| {
            call.progress == Progress::Established && !call.changing && call.is_with(other.user)
        };
        self.press("hangs_up_on", up, CallAction::HangUp);
    }

    /// Ends the call with somebody, however far it is.
    pub fn gives_up_on(self, other: Phone<'_>) {
        let live = |call: &Call| !call.is_over() && call.is_with(other.user);
        self.press("gives_up_on", live, CallAction::HangUp);
    }

    /// Hangs up the call that is up.
    pub fn hangs_up(self) {
        let up = |call: &Call| call.progress == Progress::Established && !call.changing;
        self.press("hangs_up", up, CallAction::HangUp);
    }

    /// Hangs up the call with somebody, whatever is under way in it, should it still be up by then.
    pub fn leaves(self, other: Phone<'_>) {
        self.tries("leaves", other, |_, call| CallAction::HangUp(call));
    }

    /// Gives up a call by BYE while the other side rings.
    pub fn gives_up_by_bye(self) {
        self.press("gives_up_by_bye", |call| call.progress == Progress::Ringing, CallAction::ByeEarly);
    }

    /// Gives up a call while the other side rings.
    pub fn gives_up(self) {
        self.stage.lets_it_ring(&format!("{}.gives_up()", self.name), self.host, |book| {
            book.find(|call| call.progress == Progress::Ringing).is_some()
        });
        self.press("gives_up", |call| call.progress == Progress::Ringing, CallAction::HangUp);
    }

    /// Gives up a call at once, before anything came back.
    pub fn thinks_better_of_it(self) {
        self.press("thinks_better_of_it", |call| !call.is_over(), CallAction::HangUp);
    }

    /// Waits until the call just made has failed with this status.
    pub fn hears(self, status: Status) {
        let over = |book: &Book| {
            book.calls.last().is_some_and(
                |call| matches!(call.progress, Progress::Ended(_, Some(other)) if other == status),
            )
        };
        self.stage
            .waits(&format!("{}.hears({})", self.name, status.code()), |books| over(books.of(self.host)));
    }

    /// Waits until every call of this telephone is over.
    pub fn is_alone(self) {
        self.stage
            .waits(&format!("{}.is_alone()", self.name), |books| books.of(self.host).live().next().is_none());
    }

    /// Waits until the call just made is answered.
    pub fn is_answered(self) {
        self.stage.waits(&format!("{}.is_answered()", self.name), |books| {
            books.of(self.host).calls.last().is_some_and(|call| call.progress == Progress::Established)
        });
    }

    fn registration(
        self,
        verb: &str,
        action: CallAction,
        wanted: impl Fn(&Result<Vec<Box<str>>, Status>) -> bool,
    ) {
        let said = format!("{}.{verb}()", self.name);
        let before = self.stage.read(|books| books.of(self.host).registrations.len());
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| {
                book.asked += 1;
                action
            },
        );
        self.stage.waits(&said, |books| books.of(self.host).registrations.len() > before);
        self.stage.expects(&said, |books| books.of(self.host).registrations[before..].iter().any(&wanted));
    }

    /// The URI that others dial.
    pub(crate) fn address(self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }

    fn dial(self, verb: &str, callee: Phone<'_>, offer: bool) {
        self.dial_uri(&format!("{}.{verb}({})", self.name, callee.name), &callee.address(), offer);
    }

    fn dial_uri(self, said: &str, to: &str, offer: bool) {
        let to = self.stage.dialled(to);
        self.stage.acts(
            said,
            self.host,
            |_| Some(()),
            |book, ()| CallAction::Dial { call: book.dial(&to), to: to.as_str().into(), offer },
        );
    }

    /// Does something in the call with somebody that was up; if it is over by then, nothing.
    fn tries(self, verb: &str, other: Phone<'_>, action: impl FnOnce(&mut Book, CallName) -> CallAction) {
        let said = format!("{}.{verb}({})", self.name, other.name);
        let was_up = |call: &Call| {
            call.is_with(other.user)
                && (call.progress == Progress::Established || matches!(call.progress, Progress::Ended(..)))
        };
        self.stage.tries(&said, self.host, |book| book.find(was_up), action);
    }

    fn press(self, verb: &str, can: impl Fn(&Call) -> bool, action: impl Fn(CallName) -> CallAction) {
        let said = format!("{}.{verb}(..)", self.name);
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(&can).map(|call| call.name),
            |_, call| action(call),
        );
    }

    fn change(self, verb: &str, other: Phone<'_>, holding: bool, action: impl Fn(CallName) -> CallAction) {
        let can = |call: &Call| {
            call.progress == Progress::Established
                && !call.changing
                && call.holding == holding
                && call.is_with(other.user)
        };
        let said = format!("{}.{verb}({})", self.name, other.name);
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(can).map(|call| call.name),
            |book, name| {
                if let Some(call) = book.call_mut(name) {
                    call.changing = true;
                }
                action(name)
            },
        );
    }
}
