//! The worked flows of the RFCs, written once as scripts and played on every stage.
//!
//! A flow is one file: its script, `play`, and beside it the drawing of what the network must see. Scripts speak of
//! people who press buttons ([`Phone`]); the [`Stage`] lets time pass until they can, and holds what a tap on the wire
//! saw against the drawing. On a still network the drawing is exact; in a bounded storm the outcome is; in an
//! unbounded one only that everything ends by name and nothing is left behind. The [`judge`] holds the same tap
//! against the [golden flow](golden) that the RFC prints or draws.
//!
//! ```
//! use cordboard_flows::Stage;
//! use cordboard_flows::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
//!
//! let stage = Stage::still();
//! let [alice, bob] = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
//! stage.name(BOB.domain, BOB.address);
//! alice.dials(bob);
//! bob.answers(alice);
//! stage.drawn("
//!     alice        bob
//!       |--INVITE-->|
//!       |<-180------|
//!       |<-200------|
//!       |--ACK----->|
//!       |<==audio==>|
//! ");
//! stage.talking([(alice, bob)]);
//! ```
//!
//! The modules in the order in which a play meets them: [`cast`] puts people and switchboards on the network,
//! [`phone`] is what they do, `book` what their telephones told, [`stage`] the play itself, `drawing` and
//! [`judge`] what is thought of it; then the flows, one folder an RFC.

pub mod blog;
mod book;
pub mod cast;
mod drawing;
pub mod explorer;
pub mod golden;
pub mod judge;
pub mod phone;
pub mod rfc3261;
pub mod rfc3262;
pub mod rfc3311;
pub mod rfc3665;
pub mod rfc4028;
pub mod rfc4916;
pub mod rfc5359;
pub mod rfc5407;
pub mod rfc5589;
pub mod stage;

pub use cast::{Domain, Manners, Person};
pub use phone::Phone;
pub use stage::{Stage, storm_seeds};
