//! What the network does to datagrams: nothing, or a storm drawn from the seed.

use cordboard_core::dice::Dice;
use cordboard_sip::{Name, View};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::time::Duration;

/// One way across a still network.
pub const STILL_LATENCY: Duration = Duration::from_millis(10);

/// How often a bounded storm loses one message, counted over all of its hops and repeats. Three losses on each
/// hop of a 200 and again of its ACK would outlast the 64·T1 for which a user agent repeats it (RFC 3261
/// §13.3.1.4), and then no outcome is certain; so the bound is that of the message from end to end.
pub const MAX_LOSSES: u8 = 3;

/// The longest a storm keeps a datagram, well below T4: nothing may outlive the transactions that absorb it
/// (RFC 3261 §17).
const LONGEST_DELAY_MS: u64 = 1_500;

/// How the network behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing is lost, and everything takes [`STILL_LATENCY`].
    Still,
    /// So many of a hundred datagrams are lost, though no message more than [`MAX_LOSSES`] times; nothing else.
    Lossy(u8),
    /// Loss drawn from 5, 10 and 20 %, doubling, overtaking and delay; no message is lost more than
    /// [`MAX_LOSSES`] times.
    Bounded,
    /// Loss drawn from 10, 30, 50 and 70 %, without bound.
    Unbounded,
}

impl Weather {
    /// Whether what arrives takes its time and comes once and in order.
    pub const fn is_calm(self) -> bool {
        matches!(self, Self::Still | Self::Lossy(_))
    }
}

/// A weather, and the numbers that its seed drew.
pub struct Climate {
    weather: Weather,
    dice: Dice,
    loss_percent: u64,
    losses: BTreeMap<u64, u8>,
}

/// What becomes of one datagram: the delay of each copy that arrives; none if it is lost.
pub(crate) type Fate = Vec<Duration>;

impl Climate {
    /// A weather whose chances are drawn from `dice`.
    pub fn new(weather: Weather, mut dice: Dice) -> Self {
        let lossy;
        let rates: &[u64] = match weather {
            Weather::Still => &[0],
            Weather::Lossy(percent) => {
                lossy = [u64::from(percent)];
                &lossy
            }
            Weather::Bounded => &[5, 10, 20],
            Weather::Unbounded => &[10, 30, 50, 70],
        };
        let loss_percent = rates[dice.below(rates.len() as u64) as usize];
        Self { weather, dice, loss_percent, losses: BTreeMap::new() }
    }

    pub(crate) const fn weather(&self) -> Weather {
        self.weather
    }

    pub(crate) const fn loss_percent(&self) -> u64 {
        self.loss_percent
    }

    /// What becomes of a datagram.
    pub(crate) fn datagram(&mut self, bytes: &[u8]) -> Fate {
        if self.loses(bytes) {
            return Vec::new();
        }
        if self.weather.is_calm() {
            return vec![STILL_LATENCY];
        }
        let mut copies = vec![self.delay()];
        if self.chance(self.loss_percent / 2) {
            copies.push(self.delay());
        }
        copies
    }

    /// How long a connection keeps what it carries; it loses nothing, but may have to send it again.
    pub(crate) fn segment(&mut self) -> Duration {
        if self.weather.is_calm() { STILL_LATENCY } else { self.delay() }
    }

    /// How long somebody or something takes that answers within `longest`; `still` on a still network.
    pub(crate) fn within(&mut self, still: Duration, longest: Duration) -> Duration {
        if self.weather.is_calm() {
            return still;
        }
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.dice.below(micros.saturating_add(1)))
    }

    /// Whether a datagram is lost.
    pub fn loses(&mut self, bytes: &[u8]) -> bool {
        self.weather != Weather::Still && self.chance(self.loss_percent) && self.may_be_lost(bytes)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.dice.below(100) < percent
    }

    /// Mostly like a real way across, now and then long enough to be overtaken by a repeat.
    fn delay(&mut self) -> Duration {
        let ms = if self.chance(self.loss_percent) {
            self.dice.below(LONGEST_DELAY_MS)
        } else {
            5 + self.dice.below(45)
        };
        Duration::from_micros(ms * 1000 + self.dice.below(1000))
    }

    fn may_be_lost(&mut self, bytes: &[u8]) -> bool {
        if self.weather == Weather::Unbounded {
            return true;
        }
        let losses = self.losses.entry(end_to_end(bytes)).or_default();
        *losses = losses.saturating_add(1);
        *losses <= MAX_LOSSES
    }
}

/// What makes two datagrams the same message from end to end, whichever hop they are on.
fn end_to_end(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    match View::parse(bytes) {
        Ok(message) => {
            let start = message
                .status()
                .map_or_else(|| message.method_text().to_owned(), |status| status.code().to_string());
            let (from, to) = (message.from_tag().unwrap_or_default(), message.to_tag().unwrap_or_default());
            let cseq = message.value(Name::CSEQ).unwrap_or_default();
            for part in [start.as_str(), message.call_id(), cseq, from, to] {
                hasher.write(part.as_bytes());
                hasher.write_u8(0xff);
            }
        }
        Err(_) => hasher.write(bytes),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] =
        b"OPTIONS sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n\
        To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

    fn lost(weather: Weather, seed: u8) -> usize {
        let mut climate = Climate::new(weather, Dice::new([seed; 32], 0));
        (0..500).filter(|_| climate.datagram(MESSAGE).is_empty()).count()
    }

    #[test]
    fn each_weather_keeps_its_promise() {
        assert_eq!(lost(Weather::Still, 1), 0);
        let bounded: Vec<_> = (0..20).map(|seed| lost(Weather::Bounded, seed)).collect();
        assert!(bounded.iter().all(|lost| *lost == usize::from(MAX_LOSSES)), "{bounded:?}");
        assert_eq!([0, 50].map(|percent| lost(Weather::Lossy(percent), 1)), [0, usize::from(MAX_LOSSES)]);
        assert!((0..20).all(|seed| lost(Weather::Unbounded, seed) > 20));
    }

    #[test]
    fn a_storm_doubles_and_reorders() {
        let mut climate = Climate::new(Weather::Unbounded, Dice::new([3; 32], 0));
        let fates: Vec<Fate> = (0..500).map(|_| climate.datagram(MESSAGE)).collect();
        assert!(fates.iter().any(|fate| fate.len() == 2));
        let delays: Vec<Duration> = fates.into_iter().flatten().collect();
        assert!(delays.windows(2).any(|pair| pair[1] + Duration::from_millis(100) < pair[0]));
    }
}
