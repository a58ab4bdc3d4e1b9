//! Drives telephones, servers and judges that other people made, each test in a network namespace of its own.
//!
//! A test asks for a [`Place`] with [`isolated`]: a private loopback, a private process table and a directory, all
//! gone when the test ends. In it stand one [`Switchboard`], the real server, and [`Phone`]s that nobody here wrote.
//! Each phone plays a tone of its own, so that after every step the recordings prove who hears whom; a [`Capture`]
//! of the loopback is judged by tshark at the end.
//!
//! Everything here panics when something is not as it should be: its only callers are tests.

pub mod bare;
pub mod baresip;
pub mod capture;
pub mod cordboard_phone;
pub mod deadline;
pub mod earpiece;
pub mod house;
pub mod judge;
pub mod kamailio;
pub mod linphone;
pub mod neighbour;
pub mod phone;
pub mod place;
pub mod process;
pub mod recording;
pub mod scene;
pub mod script;
pub mod sipp;
pub mod stage;
pub mod switchboard;
pub mod tone;
pub mod wav;
pub mod wire;

pub use bare::Bare;
pub use baresip::Baresip;
pub use capture::Capture;
pub use cordboard_phone::CordboardPhone;
pub use earpiece::Earpiece;
pub use linphone::Linphone;
pub use neighbour::Neighbour;
pub use phone::{Account, Kind, Manner, Phone, Transport, Way};
pub use place::{Place, isolated};
pub use scene::Scene;
pub use script::Actor;
pub use sipp::Sipp;
pub use switchboard::Switchboard;
pub use wire::{Heard, Message, Wire};
