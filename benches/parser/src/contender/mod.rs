//! Who takes part.

mod cordboard;
mod rsip;
mod rsipstack;
mod rvoip;

use std::fmt;
use std::hint::black_box;

use crate::fields::Fields;

/// A parser that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Ours.
    Cordboard,
    /// Ours, which also takes the Request-URI apart, as the others cannot help doing.
    CordboardWithUri,
    /// The `rsip` crate.
    Rsip,
    /// The parser inside the `rsipstack` crate.
    Rsipstack,
    /// The `rvoip-sip-core` crate.
    Rvoip,
}

impl Contender {
    /// All of them, ours first.
    pub const ALL: [Self; 5] =
        [Self::Cordboard, Self::CordboardWithUri, Self::Rsip, Self::Rsipstack, Self::Rvoip];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cordboard => "cordboard",
            Self::CordboardWithUri => "cordboard, Request-URI parsed",
            Self::Rsip => "rsip 0.4.0",
            Self::Rsipstack => "rsipstack 0.7.14",
            Self::Rvoip => "rvoip-sip-core 0.4.0",
        }
    }

    /// Parses a message and shows its eight fields; `None` when it refuses the message.
    pub fn read<R>(self, bytes: &[u8], show: impl FnOnce(Fields<'_>) -> R) -> Option<R> {
        match self {
            Self::Cordboard => cordboard::read(bytes, show),
            Self::CordboardWithUri => cordboard::read_with_uri(bytes, show),
            Self::Rsip => rsip::read(bytes, show),
            Self::Rsipstack => rsipstack::read(bytes, show),
            Self::Rvoip => rvoip::read(bytes, show),
        }
    }

    /// Reads a message for the sake of the work only; says whether it was read.
    pub fn work(self, bytes: &[u8]) -> bool {
        self.read(black_box(bytes), |fields| {
            black_box(fields);
        })
        .is_some()
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
