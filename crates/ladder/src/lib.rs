//! Ladder drawings, and the words for what they show.
//!
//! A ladder has one lifeline per actor and one line per message. Tests hold ladders as string literals, `flows` judges
//! what a network saw against them, `ctl` and `explain` show them to people. This crate prints a [`Ladder`], reads
//! one back ([`Ladder::parse`]), compares two of them pair by pair ([`compare()`]), draws one for a terminal
//! ([`Ladder::terminal`]) or a page ([`Ladder::svg`]), and puts a new drawing into a source file ([`redrawn_source`]).
//! It knows no protocol rules: whether a 100 is optional, or which fact about an INVITE matters, is for the caller to say.
//!
//! ```
//! use cordboard_ladder::{Ladder, compare};
//!
//! let expected = Ladder::parse("
//!     alice         bob
//!       |--INVITE--->|
//!       |<-(180)-----|
//!       |<-200-------|
//!       |--ACK------>|
//! ")?;
//! let observed = Ladder::parse("
//!     alice        bob
//!       |--INVITE-->|
//!       |<-486------|
//!       |--ACK----->|
//! ")?;
//! let differences = compare(&expected, &observed);
//! assert_eq!(differences[0].to_string(), "line 3: expected `alice <- bob 200`, saw `alice <- bob 486` (line 2)");
//! # Ok::<(), cordboard_ladder::ParseError>(())
//! ```
//!
//! # The notation
//!
//! | drawn | means |
//! |---|---|
//! | `\|--INVITE-->\|`, `\|<-200------\|` | a message, crossing the lifelines in between |
//! | `\|<==audio==>\|` | media between two actors |
//! | `(100)` | the message may be absent |
//! | `\|--INVITE--x\|`, `\|x-200------\|` | lost on the way |
//! | `\|--INVITE--o` | sent to itself |
//! | `# text` | a note; never compared |
//! | margin `+0.5s` | so much time passed since the line above |
//! | margin `~` | neighbours that carry this mark may swap |
//! | margin `X` | it crossed the line above, and may swap with it |
//! | margin `R` | a retransmission |
//!
//! A character that would confuse the drawing or the terminal (`|`, control and invisible characters) is written as
//! `\u{7c}`, as in Rust.
//!
//! Modules, in the order a drawing meets them: `model` (what a ladder is), `escape` (what may be drawn), `layout` and
//! `draw` (to text), `parse` (and back), `align`, `compare` and `difference`, `terminal`, `svg`, `update` (into a source file),
//! `vocabulary` (kinds, roles, phases and outcomes of calls and handovers).

mod align;
mod compare;
mod difference;
mod draw;
mod escape;
mod layout;
mod model;
mod parse;
mod svg;
mod terminal;
mod update;
mod vocabulary;

pub use compare::{Comparison, Times, check, compare, redraw};
pub use difference::{Difference, Mismatch};
pub use escape::display_width;
pub use model::{Ladder, Media, Message, Row};
pub use parse::ParseError;
pub use terminal::Terminal;
pub use update::{UpdateError, redrawn_source};
pub use vocabulary::{Kind, Outcome, Phase, Role, UnknownWord};
