//! What we hear: of all that arrives, one source, its digits, and its sound in order.

use cordboard_core::time::Instant;
use std::net::SocketAddr;

use crate::codec::{Codec, Decoder};
use crate::participant::{ABSENCE, Participant};
use crate::playout::{Counts, Playout};
use crate::rtp::Packet;
use crate::stream::Encoding;
use crate::telephone_event::{DigitReceiver, Received, Report};

/// The ear.
#[derive(Clone, Debug)]
pub struct Receiver {
    playout: Playout,
    digits: DigitReceiver,
    /// Whom we hear.
    source: Option<u32>,
    decoder: Option<Decoder>,
}

impl Receiver {
    /// An ear that keeps packets for `depth` samples, so that others can overtake them.
    pub fn new(depth: u32) -> Self {
        Self { playout: Playout::new(depth), digits: DigitReceiver::default(), source: None, decoder: None }
    }

    /// Whom we hear.
    pub const fn source(&self) -> Option<u32> {
        self.source
    }

    /// Whether to hear `candidate`, whose packet has just come, rather than `heard`, whom we hear now. We stay
    /// with whom we hear, unless that one is gone; or the candidate begins where that one was, as a phone does
    /// that starts its stream anew; or the candidate is nearer to where the session description says,
    /// `signalled`: most phones send from where they receive (RFC 4961), and of the others many from the same
    /// host.
    pub fn prefers(
        now: Instant,
        candidate: &Participant,
        heard: Option<&Participant>,
        signalled: Option<SocketAddr>,
    ) -> bool {
        let Some(heard) = heard else { return true };
        let is_gone = heard.has_left() || heard.last_sound.is_none_or(|last| now - last > ABSENCE);
        let is_new = candidate.reception.as_ref().is_some_and(|reception| reception.received() == 1);
        let begins_there = is_new && candidate.from == heard.from;
        is_gone || begins_there || nearness(candidate, signalled) > nearness(heard, signalled)
    }

    /// Hears `ssrc` from now on.
    pub fn listen_to(&mut self, ssrc: u32) {
        self.clear();
        self.source = Some(ssrc);
    }

    /// Takes a packet of the source that we hear.
    pub fn handle(&mut self, now: Instant, packet: &Packet<'_>, encoding: Encoding) {
        match encoding {
            Encoding::TelephoneEvent => {
                for (began, report) in Report::parse_all(packet.payload, packet.timestamp) {
                    self.digits.handle(now, began, report);
                }
            }
            Encoding::Audio(codec) => {
                let samples = self.decoder(codec).decode(packet.payload);
                if !samples.is_empty() {
                    self.playout.insert(packet.timestamp, samples);
                }
            }
        }
    }

    /// Ends digits whose end was lost.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.digits.handle_timeout(now);
    }

    /// When [`Receiver::handle_timeout`] is wanted.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.digits.poll_timeout()
    }

    /// The next digit that is over.
    pub fn poll_digit(&mut self) -> Option<Received> {
        self.digits.poll()
    }

    /// Plays the next samples into `out`.
    pub fn play(&mut self, out: &mut [i16]) {
        self.playout.play(out);
    }

    /// What became of what was heard.
    pub const fn counts(&self) -> Counts {
        self.playout.counts()
    }

    /// Hears nobody, until somebody comes. A digit under way is over.
    pub fn clear(&mut self) {
        self.playout.clear();
        self.digits.change_source();
        self.source = None;
        self.decoder = None;
    }

    fn decoder(&mut self, codec: Codec) -> &mut Decoder {
        let same = self.decoder.take().filter(|decoder| decoder.codec() == codec);
        self.decoder.insert(same.unwrap_or_else(|| codec.decoder()))
    }
}

/// Two for where the session description says, one for the same host, zero for elsewhere.
fn nearness(participant: &Participant, signalled: Option<SocketAddr>) -> u8 {
    let Some((from, signalled)) = participant.from.zip(signalled) else { return 0 };
    u8::from(from.ip() == signalled.ip()) + u8::from(from == signalled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::participant::Participants;
    use crate::reception::Reception;
    use std::net::{IpAddr, Ipv4Addr};

    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4000);
    const THERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), 4000);

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(milliseconds * 1000)
    }

    /// A source at `from` that sent `packets`, the last one at 0.
    fn participant(from: SocketAddr, packets: u16) -> Participant {
        let mut participants = Participants::default();
        let known = participants.entry(at(0), 7, true).unwrap();
        let mut reception = Reception::new(1);
        (1..=packets + 1).for_each(|number| {
            reception.accept(number);
        });
        known.reception = Some(reception);
        known.sounds(at(0), from);
        known.clone()
    }

    fn prefers(now: Instant, candidate: &Participant, heard: &Participant) -> bool {
        Receiver::prefers(now, candidate, Some(heard), Some(HERE))
    }

    #[test]
    fn whom_we_hear_we_stay_with() {
        let (old, new) = (participant(HERE, 50), participant(HERE, 2));
        assert!(Receiver::prefers(at(0), &new, None, None));
        assert!(!prefers(at(400), &new, &old));
        assert!(prefers(at(501), &new, &old), "nothing came for half a second");
        let mut gone = old.clone();
        assert!(gone.leaves(at(1), HERE));
        assert!(prefers(at(20), &new, &gone));
    }

    #[test]
    fn a_stream_that_begins_anew_is_heard_at_once() {
        assert!(prefers(at(20), &participant(HERE, 1), &participant(HERE, 50)));
        assert!(!prefers(at(20), &participant(THERE, 1), &participant(HERE, 50)), "not a stranger's");
    }

    #[test]
    fn who_is_where_was_said_is_heard_rather_than_others() {
        assert!(prefers(at(20), &participant(HERE, 9), &participant(THERE, 50)));
        assert!(!prefers(at(20), &participant(THERE, 9), &participant(HERE, 50)));
        let beside = SocketAddr::new(HERE.ip(), 5000);
        assert!(prefers(at(20), &participant(beside, 9), &participant(THERE, 50)));
        assert!(prefers(at(20), &participant(HERE, 9), &participant(beside, 50)));
        assert!(
            !prefers(at(20), &participant(beside, 1), &participant(HERE, 50)),
            "another phone of that host"
        );
    }
}
