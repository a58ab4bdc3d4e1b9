//! A REFER inside a bridge: not we are to call somebody, but whoever is behind the bridge. What is done when is the table's
//! in [`onward`](super::onward).

use super::Joint;
use super::onward::{Act, Input, State, refused, step};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use crate::settings::Feature;
use crate::telephone::Telephone;
use crate::telephone::asked::{Refusal, Wish};
use crate::telephone::bridging::{Bridge, Turn, Waiting};
use crate::telephone::call::{Call, Change, MAX_CHANGES};
use crate::telephone::caller::Placing;
use crate::telephone::referral::{Part, Retry};
use crate::telephone::transferor::{Asking, Failing, Within};
use crate::telephone::verdict;
use cordboard_core::refer::recipient::{self, Input as Reported};
use cordboard_core::time::Instant;
use cordboard_ladder::{Kind, Outcome};
use cordboard_sip::header::{Header, ReferredBy};
use cordboard_sip::uri::Uri;
use cordboard_sip::{Name, Status};

/// How the other side of a bridge is handed over, as a REFER wants it.
pub(in crate::telephone) struct Onward {
    state: State,
    /// The call with whoever is handed over.
    other: u64,
    /// What that call had to do with the asker's, while it is being bridged with another.
    before: Option<Box<Joint>>,
}

impl Onward {
    pub(in crate::telephone) const fn new(other: u64) -> Self {
        Self { state: State::New, other, before: None }
    }

    pub(in crate::telephone) const fn goes_on(&self) -> bool {
        self.state.goes_on()
    }
}

impl Call {
    /// The call with whoever is behind the bridge.
    pub(in crate::telephone) fn behind(&self) -> Option<u64> {
        match &self.bridge {
            Some(Bridge::Up(joint)) => Some(joint.other),
            Some(Bridge::Asking(..) | Bridge::Waiting(..) | Bridge::Passing(_)) | None => None,
        }
    }
}

impl Telephone {
    fn onward_mut(&mut self, key: u64) -> Option<&mut Onward> {
        self.recipient_mut(key)?.onward.as_deref_mut()
    }

    /// Whether a REFER is for whoever is behind a bridge.
    pub(in crate::telephone) fn is_onward(&mut self, key: u64) -> bool {
        self.onward_mut(key).is_some()
    }

    /// Why nobody behind the bridge of a call can be handed over now; else the call with them, if there is a bridge.
    pub(in crate::telephone) fn to_be_handed_on(&self, at: u64, wish: &Wish) -> Result<Option<u64>, Refusal> {
        let Some(call) = self.calls.get(at) else { return Ok(None) };
        let other = match (&call.bridge, call.behind()) {
            (None, _) => return Ok(None),
            (Some(_), None) => return Err(Refusal(Status::REQUEST_PENDING, "the call is being connected")),
            (Some(_), Some(other)) => other,
        };
        let goes_on = |key: u64| {
            let part = self.referrals.get(key).map(|referral| &referral.part);
            let Some(Part::Recipient(recipient)) = part else { return false };
            recipient.onward.as_ref().is_some_and(|onward| onward.goes_on())
        };
        let busy = [at, other]
            .into_iter()
            .filter_map(|at| self.calls.get(at))
            .any(|call| call.onward.is_some_and(goes_on) || call.referrals.iter().any(|key| goes_on(*key)));
        if busy {
            return Err(Refusal(Status::REQUEST_PENDING, "the other side is being transferred already"));
        }
        if wish.lines.iter().all(|(name, _)| *name != Name::REPLACES) && self.is_other_side(other, &wish.to) {
            return Err(Refusal(Status::LOOP_DETECTED, verdict::ITSELF));
        }
        Ok(Some(other))
    }

    /// Begins to do what a REFER wants.
    pub(in crate::telephone) fn begin_onward(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let Some(recipient) = self.recipient_mut(key) else { return };
        let Some(other) = recipient.onward.as_ref().map(|onward| onward.other) else { return };
        let has = |name| recipient.wish.lines.iter().any(|(other, _)| *other == name);
        let (replaces, join) = (has(Name::REPLACES), has(Name::JOIN));
        let room = self.takes_referral(Some(other));
        if let Some(call) = self.calls.get_mut(other) {
            call.onward = Some(key);
            let knows = |feature| call.peer.features.supports(feature);
            let able = room && knows(Feature::Refer) && !join && (!replaces || knows(Feature::Replaces));
            self.report(desk, now, key, Status::TRYING);
            self.advance_onward(desk, now, key, if able { Input::Able } else { Input::Unable });
        }
    }

    /// Feeds the table and does what it says.
    pub(in crate::telephone) fn advance_onward(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        input: Input,
    ) {
        if let Some(recipient) = self.recipient_mut(key).filter(|_| input == Input::OtherLeft) {
            recipient.status = Status::REQUEST_TERMINATED;
        }
        let Some(onward) = self.onward_mut(key) else { return };
        let (state, acts) = step(onward.state, input);
        onward.state = state;
        let other = onward.other;
        for act in acts {
            match act {
                Act::Ask => self.ask_other(desk, now, key, other),
                Act::Dial => self.dial_target(desk, now, key),
                Act::DialBack => self.dial_back(desk, now, key),
                Act::Bridge => self.bridge_other(desk, now, key),
                Act::Succeed => self.tell_asker(desk, now, key, Status::OK),
                Act::Fail => {
                    let status = self.recipient_mut(key).map(|recipient| recipient.status);
                    self.tell_asker(desk, now, key, status.unwrap_or(Status::SERVICE_UNAVAILABLE));
                }
                Act::ReleaseTarget => {
                    let target = self.recipient_mut(key).and_then(|recipient| recipient.new);
                    self.end_if_up(desk, now, target);
                }
                Act::ReleaseOther => self.end_if_up(desk, now, Some(other)),
                Act::ReleaseAsker => {
                    let asker = self.referrals.get(key).and_then(|referral| referral.call);
                    self.end_if_up(desk, now, asker);
                }
            }
        }
        self.drop_referral(key);
    }

    /// Ends a call, if that is not done yet.
    fn end_if_up(&mut self, desk: &mut Desk, now: Instant, at: Option<u64>) {
        let call = at.and_then(|at| self.calls.get(at)).filter(|call| !call.is_over());
        if let Some(name) = call.map(|call| call.name) {
            self.hang_up(desk, now, name);
        }
    }

    /// Reports how it ended, as a transferee does.
    fn tell_asker(&mut self, desk: &mut Desk, now: Instant, key: u64, status: Status) {
        let up = self.asker_is_up(key);
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.status = status;
        let input = match (status.is_success(), up) {
            (true, true) => Reported::Answered,
            (true, false) => Reported::AnsweredAlone,
            (false, true) => Reported::Failed,
            (false, false) => Reported::FailedAlone,
        };
        self.advance_recipient(desk, now, key, input);
    }

    fn asker_is_up(&self, key: u64) -> bool {
        let asker = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        asker.is_some_and(Call::is_up)
    }

    fn done(&self, key: u64) -> Input {
        if self.asker_is_up(key) { Input::Done } else { Input::DoneAlone }
    }

    /// Asks the other to call the target: what the asker wants goes on to it.
    fn ask_other(&mut self, desk: &mut Desk, now: Instant, key: u64, other: u64) {
        let name = self.calls.get(other).map(|call| call.name);
        let wish = self.recipient_mut(key).map(|recipient| recipient.wish.clone());
        let refer_to = wish.as_ref().and_then(refer_to);
        let (Some(name), Some(wish), Some(refer_to)) = (name, wish, refer_to) else {
            return self.advance_onward(desk, now, key, Input::Unable);
        };
        let asking = Asking {
            name,
            kind: Kind::UnattendedTransfer,
            about: Some(other),
            whom: Box::default(),
            refer_to,
            target: None,
            retry: Retry::Never,
            reports: true,
            within: Within::Call,
            failing: Failing::Leaves,
            for_whom: Some((key, referred_by(&wish))),
        };
        self.refer(desk, now, asking);
    }

    /// How the other gets on, as it reports.
    pub(in crate::telephone) fn other_reports(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
    ) {
        if status != Status::TRYING && status.is_provisional() {
            self.report(desk, now, key, status);
        }
    }

    /// What came of our REFER, and the lines that say more of it.
    pub(in crate::telephone) fn other_told(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        (outcome, status): (Outcome, Option<Status>),
        lines: Box<str>,
    ) {
        let done = self.done(key);
        let Some(recipient) = self.recipient_mut(key) else { return };
        let input = match outcome {
            Outcome::Completed => done,
            Outcome::Refused => refused(status),
            _ => Input::Failed,
        };
        recipient.reasons = lines;
        // Nobody says what came of it, or says nothing any more.
        let failed = status.filter(|status| status.code() >= 300);
        recipient.status = failed.unwrap_or(Status::TEMPORARILY_UNAVAILABLE);
        self.advance_onward(desk, now, key, input);
    }

    fn dial_target(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let asker = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        let asker = asker.filter(|call| call.is_up()).map(|call| call.name);
        let Some(recipient) = self.recipient_mut(key) else { return };
        let (wish, new) = (recipient.wish.clone(), recipient.name);
        Self::tell(desk, CallEvent::Referred { call: asker, new, to: wish.to.clone() });
        let placing = Placing { lines: wish.lines, token: wish.token, asked_by: Some(key), ..Placing::USUAL };
        self.dial_onward(desk, now, key, (new, &wish.to), placing);
    }

    /// RFC 5359 §2.4: whoever has handed the other over and left has them back.
    fn dial_back(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let asker = self.referrals.get(key).and_then(|referral| self.calls.get(referral.call?));
        let to = asker.and_then(Call::whom);
        let call = self.next_name();
        let to = to.unwrap_or_default();
        Self::tell(desk, CallEvent::CalledBack { call, to: to.clone() });
        let placing = Placing { asked_by: Some(key), ..Placing::USUAL };
        self.dial_onward(desk, now, key, (call, &to), placing);
    }

    fn dial_onward(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        (name, to): (CallName, &str),
        placing: Placing,
    ) {
        let placed = self.place(desk, now, name, to, placing);
        if let Some(recipient) = self.recipient_mut(key) {
            recipient.new = placed;
        }
        if let Some(call) = placed.and_then(|at| self.calls.get_mut(at)) {
            call.onward = Some(key);
            self.mute(desk, name);
        } else {
            Self::tell(desk, CallEvent::Impossible(name));
            self.advance_onward(desk, now, key, Input::Failed);
        }
    }

    /// Whom we called is to have the other, once nothing is under way between the two who had each other.
    fn bridge_other(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let until = now + desk.stack.timing().give_up() / 2;
        let Some(recipient) = self.recipient_mut(key) else { return };
        let target = recipient.new;
        let Some(other) = recipient.onward.as_ref().map(|onward| onward.other) else { return };
        let (Some(target), Some(call)) = (target, self.calls.get_mut(other)) else { return };
        let name = call.name;
        if let Some(joint) = call.joint() {
            joint.next = Some(target);
            if call.changes.len() < MAX_CHANGES {
                call.changes.push_back(Change::Bridge);
            }
            call.handing_until = Some(until);
            return self.proceed(desk, now, other);
        }
        self.ask_for_bridge(desk, now, (other, name), target, Turn::Transferee);
    }

    /// The other of a bridge is about to be asked for an offer for somebody else: from now on it is bridged with that.
    /// False if there is nobody any more.
    pub(in crate::telephone) fn turns_to_next(&mut self, desk: &Desk, now: Instant, other: u64) -> bool {
        let until = now + desk.stack.timing().give_up() / 2;
        let Some(call) = self.calls.get_mut(other) else { return false };
        let next = match &mut call.bridge {
            Some(Bridge::Up(joint)) => joint.next.take(),
            // That is what it has asked for before.
            Some(Bridge::Asking(..) | Bridge::Waiting(..) | Bridge::Passing(_)) | None => return true,
        };
        let free = |call: &&Call| call.is_up() && call.bridge.is_none();
        let Some(next) = next.filter(|next| self.calls.get(*next).is_some_and(|call| free(&call))) else {
            return false;
        };
        let mut before = None;
        let mut key = None;
        for (at, bridge) in [(other, Bridge::Asking(next, Turn::Transferee)), (next, Bridge::Passing(other))]
        {
            let Some(call) = self.calls.get_mut(at) else { continue };
            key = key.or(call.onward);
            if let Some(Bridge::Up(joint)) = call.bridge.replace(bridge) {
                before = Some(joint);
                call.handing_until = Some(until);
            }
        }
        if let Some(onward) = key.and_then(|key| self.onward_mut(key)) {
            onward.before = before;
        }
        true
    }

    /// The REFER for which two calls are being bridged.
    pub(in crate::telephone) fn bridged_for(&self, [one, other]: [u64; 2]) -> Option<u64> {
        let of = |at: u64| self.calls.get(at)?.onward;
        of(one).filter(|key| of(other) == Some(*key))
    }

    /// They have each other.
    pub(in crate::telephone) fn other_bridged(&mut self, desk: &mut Desk, now: Instant, key: u64) {
        let asker = self.referrals.get(key).and_then(|referral| referral.call);
        let Some(onward) = self.onward_mut(key) else { return };
        onward.before = None;
        let other = onward.other;
        if let Some((at, call)) = asker.and_then(|at| Some((at, self.calls.get_mut(at)?)))
            && call.behind() == Some(other)
        {
            call.bridge = None;
            self.tell_media(desk, at);
        }
        let done = self.done(key);
        self.advance_onward(desk, now, key, done);
    }

    /// What was under way between the two did not end in time.
    pub(in crate::telephone) fn never_bridged(&mut self, desk: &mut Desk, now: Instant, other: u64) {
        let Some(call) = self.calls.get_mut(other) else { return };
        let key = call.onward;
        if let Some(joint) = call.joint() {
            joint.next = None;
        }
        if let Some(recipient) = key.and_then(|key| self.recipient_mut(key)) {
            recipient.status = Status::TEMPORARILY_UNAVAILABLE;
        }
        if let Some(key) = key {
            self.advance_onward(desk, now, key, Input::Failed);
        }
    }

    /// They will not have each other: the other has the asker as before, if that is there. What the other has offered
    /// meanwhile is answered with what the asker said last.
    pub(in crate::telephone) fn other_not_bridged(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        (at, bridge): (u64, Bridge),
        status: Option<Status>,
    ) {
        let asker = self.referrals.get(key).and_then(|referral| referral.call);
        let Some(recipient) = self.recipient_mut(key) else { return };
        recipient.status = status.unwrap_or(Status::TEMPORARILY_UNAVAILABLE);
        let target = recipient.new;
        let Some(onward) = recipient.onward.as_deref_mut() else { return };
        let (other, before) = (onward.other, onward.before.take());
        let has = |at: u64| self.calls.get(at).is_some_and(|call| call.behind() == Some(other));
        let before = before.filter(|_| asker.is_some_and(has));
        for at in [target, Some(other)].into_iter().flatten() {
            if let Some(call) = self.calls.get_mut(at) {
                call.bridge = None;
                call.handing_until = None;
            }
        }
        let left = self.calls.get_mut(other).is_none_or(|call| {
            call.bridge = before.filter(|_| call.is_up()).map(Bridge::Up);
            call.is_over()
        });
        match bridge {
            Bridge::Waiting(_, _, waiting) if at == other => self.answer_as_before(desk, now, at, *waiting),
            Bridge::Waiting(_, _, waiting) => self.answer_ourselves(desk, now, at, *waiting),
            Bridge::Asking(..) | Bridge::Passing(_) | Bridge::Up(_) => {}
        }
        if left {
            self.part(desk, now, [asker, Some(other)]);
        }
        self.advance_onward(desk, now, key, if left { Input::OtherLeft } else { Input::Failed });
        self.proceed(desk, now, other);
    }

    /// Answers an offer that was meant for somebody else with what is behind the bridge, which is told if the offer says
    /// something new.
    pub(in crate::telephone) fn answer_as_before(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        at: u64,
        waiting: Waiting,
    ) {
        let Some(call) = self.calls.get_mut(at) else { return };
        let shown = call.shown().map(str::to_owned).and_then(|shown| call.origin.pass_on(&shown));
        let offer = std::str::from_utf8(&waiting.offer).ok();
        let (Some(joint), Some(shown), Some(offer)) = (call.joint(), shown, offer) else {
            return self.answer_ourselves(desk, now, at, waiting);
        };
        let shown: Box<str> = shown.into();
        let is_new = !is_same(&joint.theirs, offer);
        joint.theirs = offer.into();
        joint.shown = shown.clone();
        let asker = joint.other;
        let offer: Box<str> = offer.into();
        self.acknowledge_offer(desk, now, at, waiting.answered, shown);
        self.tell_media(desk, at);
        if is_new {
            self.say_on(desk, now, asker, offer);
        }
    }

    /// What somebody was answered who was to have somebody else by then: they are told again whom they have.
    pub(in crate::telephone) fn say_again(&mut self, desk: &mut Desk, now: Instant, at: u64) {
        let shown = self.calls.get_mut(at).and_then(|call| call.shown().map(Box::from));
        if let Some(shown) = shown {
            self.say_on(desk, now, at, shown);
        }
    }

    fn say_on(&mut self, desk: &mut Desk, now: Instant, at: u64, text: Box<str>) {
        let Some(call) = self.calls.get_mut(at).filter(|call| call.is_up()) else { return };
        if !call.changes.contains(&Change::PassOn) && call.changes.len() < MAX_CHANGES {
            call.passing = Some(text);
            call.changes.push_back(Change::PassOn);
            self.proceed(desk, now, at);
        }
    }

    /// A call is over that has to do with a REFER inside a bridge. True if no other call ends for that.
    pub(in crate::telephone) fn onward_ended(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        at: u64,
        by_peer: bool,
    ) -> bool {
        let Some(call) = self.calls.get(at) else { return false };
        let (referrals, onward, unbridged) =
            (call.referrals.clone(), call.onward, call.bridge.is_none() || call.is_bridged());
        for key in referrals {
            let asks = self.onward_mut(key).filter(|onward| onward.goes_on()).map(|onward| onward.other);
            if let Some(other) = asks {
                // The other goes on, to whom it is to have.
                self.part(desk, now, [Some(at), Some(other)]);
                return true;
            }
        }
        let Some(key) = onward else { return false };
        let asker = self.referrals.get(key).and_then(|referral| referral.call);
        let Some(onward) = self.onward_mut(key) else { return false };
        let (state, other) = (onward.state, onward.other);
        if !state.goes_on() || !unbridged {
            if state == State::Failed && at == other {
                self.advance_onward(desk, now, key, Input::OtherLeft);
            }
            return false;
        }
        if at == other {
            self.part(desk, now, [asker, Some(other)]);
            self.advance_onward(desk, now, key, Input::OtherLeft);
            if !by_peer {
                // What we have ended ourselves tells nothing any more.
                self.advance_onward(desk, now, key, Input::Failed);
            }
        } else if matches!(state, State::Bridging | State::Rebridging) {
            // It has gone before its turn came.
            self.advance_onward(desk, now, key, Input::Failed);
        } else {
            return false;
        }
        true
    }

    /// Two who had each other through us have nobody for now. What is open in either call is answered (RFC 3261 §15.1.2).
    fn part(&mut self, desk: &mut Desk, now: Instant, [one, other]: [Option<u64>; 2]) {
        let (Some(one), Some(other)) = (one, other) else { return };
        let mut waits = None;
        for (at, behind) in [(one, other), (other, one)] {
            if self.calls.get(at).and_then(Call::behind) != Some(behind) {
                continue;
            }
            let next = self.calls.get_mut(at).and_then(Call::joint).and_then(|joint| joint.next.take());
            self.unbridge(desk, now, at);
            let up = self.calls.get(at).filter(|call| call.is_up());
            waits = waits.or_else(|| up.filter(|_| next.is_some())?.onward);
            self.tell_media(desk, at);
        }
        if let Some(key) = waits {
            self.bridge_other(desk, now, key);
        }
    }

    /// Forgets which calls a REFER inside a bridge was about.
    pub(in crate::telephone) fn forget_onward(&mut self, key: u64, onward: &Onward, new: Option<u64>) {
        for at in [Some(onward.other), new].into_iter().flatten() {
            if let Some(call) = self.calls.get_mut(at)
                && call.onward == Some(key)
            {
                call.onward = None;
            }
        }
    }

    /// Whether whoever asked is to hear that the call rings: not when it is themselves.
    pub(in crate::telephone) fn hears_ringing(&mut self, key: u64) -> bool {
        self.recipient_mut(key).is_some_and(|recipient| recipient.state == recipient::State::Calling)
    }
}

/// What a REFER of ours says that hands on another: what that was obeyed in, and nothing else.
fn refer_to(wish: &Wish) -> Option<String> {
    let mut uri = Uri::parse(&wish.to).ok()?;
    for (name, value) in &wish.lines {
        if *name == Name::REPLACES || *name == Name::REQUIRE {
            uri.as_sip_mut()?.headers.push(name.as_str(), value);
        }
    }
    Some(format!("<{uri}>"))
}

/// Who has asked, as the wish says; without the proof, which is not handed on.
fn referred_by(wish: &Wish) -> Option<Box<str>> {
    let (_, value) = wish.lines.iter().find(|(name, _)| *name == Name::REFERRED_BY)?;
    let mut said = ReferredBy::parse(value).ok()?;
    said.cid = None;
    Some(said.to_string().into())
}

/// Whether two descriptions say the same, whatever their versions are.
fn is_same(one: &str, other: &str) -> bool {
    let said = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with("o=")).map(str::to_owned).collect()
    };
    said(one) == said(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telephone::asked::Wanted;

    fn wish(lines: &[(Name, &str)]) -> Wish {
        let lines = lines.iter().map(|(name, value)| (*name, Box::from(*value))).collect();
        Wish { wanted: Wanted::Called, to: "sip:carol@h;gr".into(), lines, token: None }
    }

    #[test]
    fn what_is_handed_on_is_what_was_asked() {
        let asked = wish(&[
            (Name::REPLACES, "1@h;to-tag=a;from-tag=b"),
            (Name::REQUIRE, "replaces"),
            (Name::REFERRED_BY, "<sip:alice@h>;cid=\"1@h\""),
        ]);
        let said = refer_to(&asked).unwrap();
        assert!(said.starts_with("<sip:carol@h;gr?Replaces=1%40h%3Bto-tag%3Da%3Bfrom-tag%3Db&"), "{said}");
        assert!(!said.contains("alice"), "{said}");
        assert_eq!(referred_by(&asked).as_deref(), Some("<sip:alice@h>"));
        assert_eq!(refer_to(&wish(&[])).as_deref(), Some("<sip:carol@h;gr>"));
    }

    #[test]
    fn a_description_of_another_version_says_the_same() {
        let say = |version: u8, port: u16| format!("v=0\r\no=p 1 {version} IN IP4 h\r\nm=audio {port}\r\n");
        assert!(is_same(&say(1, 7000), &say(2, 7000)));
        assert!(!is_same(&say(1, 7000), &say(1, 7002)));
    }
}
