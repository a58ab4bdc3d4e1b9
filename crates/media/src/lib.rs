//! Sound: RTP and RTCP, codecs, digits, sources and sinks, without sockets, clocks or dice.
//!
//! A driver hands in datagrams and the time; what is to be sent, and when to come back, is handed out:
//! [`session::MediaSession`] is one stream of sound between two parties, and the door to the rest. It knows
//! nothing of SIP: [`stream::Stream`] is what an offer and its answer came to.
//!
//! The modules in the order in which a packet meets them: [`rtp`] reads it, [`participant`] knows who sent it
//! and [`reception`] whether it belongs there and what was lost, [`telephone_event`] is for digits and
//! [`codec`] for sound, which [`receiver`] tells apart; [`playout`] puts that in order, and a [`sink`] hears it, with the filters of [`meter`].
//! The other way, a [`source`] plays, and [`sender`] packs. [`rtcp`] reads and writes reports, and
//! [`report_timer`] says when they are due. A [`mixer`] brings the streams of a conference together. [`wav`] reads and writes files that others hold.

pub mod codec;
pub mod meter;
pub mod mixer;
pub mod participant;
pub mod playout;
pub mod receiver;
pub mod reception;
pub mod report_timer;
pub mod rtcp;
pub mod rtp;
pub mod sender;
pub mod session;
pub mod sink;
pub mod source;
pub mod stream;
pub mod telephone_event;
pub mod wav;

pub use codec::Codec;
pub use mixer::Mixer;
pub use session::{Event, MediaSession, Party, Settings, Transmit};
pub use sink::Sink;
pub use source::Source;
pub use stream::{Direction, Kind, Remote, Stream};
pub use telephone_event::Digit;
