//! Offers and answers of a call, in whichever message they travel (RFC 3264, RFC 6337 §2.2).
//!
//! Until a call of ours is answered each early dialog of it agrees for itself; afterwards only one is left, and the call
//! has what that one agreed.

use super::call::{Call, Part, Sound};
use super::reliable::Early;
use super::token::description;
use crate::call::MediaPath;
use cordboard_core::session::media::{self, MediaError};
use cordboard_core::session::offer_answer::{self, Input, State, Verdict};
use cordboard_sip::View;
use cordboard_sip::sdp::Sdp;

impl Call {
    /// Where offer and answer stand in a leg.
    pub(super) fn exchange_in(&self, leg: usize) -> State {
        match self.legs.get(leg).and_then(|leg| leg.early.as_ref()) {
            Some(early) => early.exchange,
            None => self.exchange,
        }
    }

    /// Feeds the table of offer and answer.
    pub(super) fn exchange(&mut self, leg: usize, input: Input) -> Verdict {
        let state = match self.legs.get_mut(leg).and_then(|leg| leg.early.as_mut()) {
            Some(early) => &mut early.exchange,
            None => &mut self.exchange,
        };
        let (next, verdict) = offer_answer::step(*state, input);
        *state = next;
        verdict
    }

    /// Whether the first offer of a leg is answered, so that others may follow (RFC 3261 §13.2.1).
    pub(super) fn has_agreed(&self, leg: usize) -> bool {
        match self.legs.get(leg).and_then(|leg| leg.early.as_ref()) {
            Some(early) => early.remote.is_some(),
            None => self.remote_media.is_some(),
        }
    }

    fn agreed(&mut self, leg: usize, remote: media::Remote) {
        if let Some(early) = self.legs.get_mut(leg).and_then(|leg| leg.early.as_mut()) {
            early.remote = Some(remote.clone());
        }
        self.remote_media = Some(remote);
    }

    /// Offers what we want.
    pub(super) fn offer(&mut self, leg: usize, local: &media::Local) -> Option<Box<str>> {
        (self.exchange(leg, Input::SendOffer) == Verdict::Open).then(|| self.origin.offer(local).into())
    }

    /// Answers an offer. One that cannot be answered changes nothing.
    pub(super) fn answer(&mut self, leg: usize, body: &[u8]) -> Result<Box<str>, MediaError> {
        self.exchange(leg, Input::GetOffer);
        self.answer_open(leg, body)
    }

    /// Answers the offer that is open.
    fn answer_open(&mut self, leg: usize, body: &[u8]) -> Result<Box<str>, MediaError> {
        let local = self.media.clone();
        let answer =
            Sdp::parse(body).map_err(MediaError::from).and_then(|offer| self.origin.answer(&local, &offer));
        match answer {
            Ok((body, remote)) => {
                self.exchange(leg, Input::SendAnswer);
                self.agreed(leg, remote);
                Ok(body.into())
            }
            Err(error) => {
                self.exchange(leg, Input::Fail);
                Err(error)
            }
        }
    }

    /// Takes the answer to an offer of ours. False if it is of no use; then all is as before the offer.
    pub(super) fn take_answer(&mut self, leg: usize, body: &[u8]) -> bool {
        let answer = self.origin.read_answer(body);
        let usable = answer.is_ok();
        self.exchange(leg, if usable { Input::GetAnswer } else { Input::Fail });
        if let Ok(remote) = answer {
            self.agreed(leg, remote);
        }
        usable
    }

    /// Takes the answer to an offer of somebody else's, which is theirs to read. False if it is of no use to anybody.
    pub(super) fn take_passed_answer(&mut self, leg: usize, response: &View<'_>) -> bool {
        let usable = Sdp::parse(description(response)).is_ok();
        self.exchange(leg, if usable { Input::GetAnswer } else { Input::Fail });
        usable
    }

    /// Remembers that the INVITE brought an offer, which is answered later, and looks whether it can be.
    pub(super) fn is_offered(&mut self, body: &[u8]) -> Result<(), MediaError> {
        self.exchange(0, Input::GetOffer);
        let offer = Sdp::parse(body)?;
        self.origin.clone().answer(&self.media, &offer).map(|_| ())
    }

    /// The answer that the INVITE's offer will get, ahead of it in an unreliable response: the same as there
    /// (RFC 3261 §13.2.1).
    pub(super) fn preview(&mut self, body: &[u8]) -> Option<Box<str>> {
        let offer = Sdp::parse(body).ok()?;
        let local = self.media.clone();
        let (answer, remote) = self.origin.answer(&local, &offer).ok()?;
        self.remote_media = Some(remote);
        Some(answer.into())
    }

    /// What a reliable response to the INVITE that began the call has to say, and says from now on: the answer that is
    /// still owed, or an offer where none was made (RFC 3261 §13.2.1).
    pub(super) fn describe(&mut self, invite: &[u8]) -> Result<Option<(Part, Box<str>)>, MediaError> {
        let leg = self.answered.unwrap_or(0);
        if self.exchange_in(leg) == State::Asked {
            return self.answer_open(leg, invite).map(|body| Some((Part::Answer, body)));
        }
        let local = self.media.clone();
        if invite.is_empty() && !self.has_agreed(leg) {
            return Ok(self.offer(leg, &local).map(|body| (Part::Offer, body)));
        }
        Ok(None)
    }

    /// What the 2xx to a re-INVITE says: the answer to its offer, or an offer if it has none.
    pub(super) fn describe_again(
        &mut self,
        leg: usize,
        invite: &[u8],
    ) -> Result<Option<(Part, Box<str>)>, MediaError> {
        if !invite.is_empty() {
            return self.answer(leg, invite).map(|body| Some((Part::Answer, body)));
        }
        let local = self.media.clone();
        Ok(self.offer(leg, &local).map(|body| (Part::Offer, body)))
    }

    /// A leg is answered: what it agreed while it was early holds for the call. False if its 2xx has to settle that.
    pub(super) fn leave_early(&mut self, leg: usize) -> bool {
        let early = self.legs.get_mut(leg).and_then(|leg| leg.early.take());
        for other in &mut self.legs {
            other.early = None;
        }
        let Some(Early { exchange, remote: Some(remote), .. }) = early.map(|early| *early) else {
            return false;
        };
        self.exchange = exchange;
        self.remote_media = Some(remote);
        true
    }

    /// Where the sound goes.
    pub(super) fn path(&self) -> Option<MediaPath> {
        let remote = self.remote_media.as_ref()?;
        let address = remote.address?;
        // The other sides of a bridge have each other.
        let ours = !self.is_bridged();
        Some(MediaPath {
            local: self.media.address,
            remote: address,
            sends: ours && self.sound == Sound::AsAgreed && self.media.wanted().has_send() && remote.receives,
            receives: ours && self.media.wanted().has_recv() && remote.sends,
            formats: remote.formats,
        })
    }
}
