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
//! The modules in the order in which a play meets them: the [`catalogue`] names it, [`cast`] puts people and
//! switchboards on the [`stage`], which stands on a `ground`, the simulated network or `sockets`; [`phone`] is what
//! they do, `book` what their telephones told, `backstage` what they do not see; `drawing` and [`judge`] are what is
//! thought of it. A [`performance`] is all of this for one flow. Then the flows, one folder an RFC.

pub mod anchored;
mod backstage;
pub mod blog;
mod book;
pub mod cast;
pub mod catalogue;
mod drawing;
pub mod explorer;
pub mod golden;
mod ground;
pub mod judge;
pub mod performance;
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
mod sockets;
pub mod stage;
pub mod via;

pub use cast::{Domain, Manners, Person, Program};
pub use performance::Performance;
pub use phone::Phone;
pub use stage::{Stage, storm_seeds};
pub use via::Via;
