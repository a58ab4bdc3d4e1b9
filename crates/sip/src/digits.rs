//! Numbers and addresses as text on the stack: what is written into every message does without the formatting
//! machinery.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::Deref;

use arrayvec::ArrayString;

/// A number in decimal digits.
///
/// ```
/// assert_eq!(&*cordboard_sip::Decimal::new(5060_u16), "5060");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    /// The last ones count.
    digits: [u8; Self::LONGEST],
    start: u8,
}

impl Decimal {
    /// As many as 64 bits can need.
    const LONGEST: usize = 20;

    /// The digits of `number`, without leading zeros.
    #[must_use]
    pub fn new(number: impl Into<u64>) -> Self {
        let mut digits = [b'0'; Self::LONGEST];
        let mut rest = number.into();
        let mut start = Self::LONGEST - 1;
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit += (rest % 10) as u8;
            start = at;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        Self { digits, start: start as u8 }
    }
}

impl Deref for Decimal {
    type Target = str;

    fn deref(&self) -> &str {
        // Digits are always UTF-8.
        std::str::from_utf8(&self.digits[usize::from(self.start)..]).unwrap_or_default()
    }
}

/// The longest text of an address: IPv6 with an IPv4 address at its end.
const LONGEST_ADDRESS: usize = 45;

/// An address as it stands in `received`, without brackets.
pub(crate) fn address(ip: IpAddr) -> ArrayString<LONGEST_ADDRESS> {
    let mut text = ArrayString::new();
    match ip {
        IpAddr::V4(ip) => {
            for (at, octet) in ip.octets().into_iter().enumerate() {
                text.push_str(if at > 0 { "." } else { "" });
                text.push_str(&Decimal::new(octet));
            }
        }
        // Every address fits.
        IpAddr::V6(ip) => write!(text, "{ip}").unwrap_or_default(),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length() {
        for number in [0, 1, 9, 10, 99, 100, 5060, 65_535, 1 << 32, u64::MAX] {
            assert_eq!(*Decimal::new(number), *number.to_string());
        }
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for text in ["0.0.0.0", "192.0.2.10", "255.255.255.255", "::", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert_eq!(&*address(text.parse().unwrap()), text);
        }
        let longest: IpAddr = "1111:2222:3333:4444:5555:6666:7777:8888".parse().unwrap();
        assert_eq!(*address(longest), *longest.to_string());
    }
}
