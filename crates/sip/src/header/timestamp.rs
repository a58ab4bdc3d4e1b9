//! `Timestamp` (RFC 3261 §20.38, §8.2.6.1): for measuring the way to and fro.

use std::fmt;
use std::str::FromStr;

use super::Header;
use crate::grammar::trim;
use crate::{Malformed, Name};

/// Seconds with a fraction, printed back exactly as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecimalSeconds(Box<str>);

impl DecimalSeconds {
    /// So many microseconds.
    pub fn from_micros(micros: u64) -> Self {
        Self(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000).into())
    }

    /// In microseconds, cut; the most there is if it does not fit.
    pub fn micros(&self) -> u64 {
        let (whole, fraction) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let whole = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
        let places = [100_000, 10_000, 1_000, 100, 10, 1];
        let fraction: u64 =
            fraction.bytes().zip(places).map(|(digit, worth)| u64::from(digit - b'0') * worth).sum();
        whole.saturating_mul(1_000_000).saturating_add(fraction)
    }
}

impl FromStr for DecimalSeconds {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        if digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed::new("a Timestamp is no number of seconds"))
        }
    }
}

impl fmt::Display for DecimalSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a request was sent by its sender's clock, and how long its answer took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// By the sender's clock.
    pub sent: DecimalSeconds,
    /// How long the one who answers took.
    pub delay: Option<DecimalSeconds>,
}

impl Header for Timestamp {
    const NAME: Name = Name::TIMESTAMP;

    fn parse(value: &str) -> Result<Self, Malformed> {
        let mut words = trim(value).split_ascii_whitespace();
        let sent = words.next().unwrap_or("").parse()?;
        let delay = words.next().map(str::parse).transpose()?;
        match words.next() {
            None => Ok(Self { sent, delay }),
            Some(_) => Err(Malformed::new("a Timestamp is no more than two numbers")),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sent)?;
        match &self.delay {
            Some(delay) => write!(f, " {delay}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_come_back_as_they_were() {
        let stamp = Timestamp::parse("54").unwrap();
        assert_eq!((stamp.sent.micros(), stamp.delay), (54_000_000, None));
        let stamp = Timestamp::parse("054.21 .0000019").unwrap();
        assert_eq!(stamp.sent.micros(), 54_210_000);
        assert_eq!(stamp.delay.as_ref().unwrap().micros(), 1);
        assert_eq!(stamp.to_string(), "054.21 .0000019");
        assert_eq!(DecimalSeconds::from_micros(1_000_002).to_string(), "1.000002");
        assert_eq!("99999999999999999999".parse::<DecimalSeconds>().unwrap().micros(), u64::MAX);
        for bad in ["", ".", "1.2.3", "-1", "1 2 3", "x"] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }
}
