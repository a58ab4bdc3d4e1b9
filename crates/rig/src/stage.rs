//! Three people with phones at one switchboard, watched from the first packet on.

use crate::capture::Capture;
use crate::judge::Verdict;
use crate::phone::{Account, Kind, Phone, Transport};
use crate::place::{Place, isolated};
use crate::switchboard::Switchboard;

/// A switchboard, a capture, and the phones of alice, bob and carol as far as the test wants them.
pub struct Stage {
    capture: Capture,
    phones: Vec<Box<dyn Phone>>,
    /// Last, so that phones are gone before it.
    _switchboard: Switchboard,
}

/// Runs `play` with one registered phone for each of `phones`: alice's, bob's, carol's.
pub fn with_phones(phones: &[(Kind, Transport)], play: impl FnOnce(Stage)) {
    let mut programs: Vec<_> = phones.iter().map(|(kind, _)| kind.program()).collect();
    programs.extend(["tcpdump", "tshark"]);
    isolated(&programs, |place| play(Stage::set(place, phones)));
}

impl Stage {
    fn set(place: &Place, kinds: &[(Kind, Transport)]) -> Self {
        let capture = Capture::start(place);
        let switchboard = Switchboard::start(place);
        let phone = |(number, &(kind, transport)): (u8, &(Kind, Transport))| {
            kind.phone(place, Account::of(&switchboard, number, transport))
        };
        let mut phones: Vec<_> = (0..).zip(kinds).map(phone).collect();
        for phone in &mut phones {
            phone.register();
        }
        Self { capture, phones, _switchboard: switchboard }
    }

    /// The phones of alice and bob.
    #[track_caller]
    pub fn two(&mut self) -> [&mut dyn Phone; 2] {
        let [alice, bob] = &mut self.phones[..] else {
            panic!("there are not two phones on stage");
        };
        [&mut **alice, &mut **bob]
    }

    /// The phones of alice, bob and carol.
    #[track_caller]
    pub fn three(&mut self) -> [&mut dyn Phone; 3] {
        let [alice, bob, carol] = &mut self.phones[..] else {
            panic!("there are not three phones on stage");
        };
        [&mut **alice, &mut **bob, &mut **carol]
    }

    /// Ends the capture: what happened on the wire, with the phones still on.
    pub fn verdict(self) -> Verdict {
        self.capture.finish()
    }
}

/// `caller` dials `called`, who answers; both hear each other.
#[track_caller]
pub fn call(caller: &mut dyn Phone, called: &mut dyn Phone) {
    caller.dial(&called.account().uri());
    called.wait_established();
    caller.wait_established();
    talking(caller, called);
}

/// Proves that `one` and `other` hear each other, and nobody else.
#[track_caller]
pub fn talking(one: &dyn Phone, other: &dyn Phone) {
    one.recording().expect_tone(other.account().tone);
    other.recording().expect_tone(one.account().tone);
}

/// Proves that `holder` does not hear `held`, who hears nothing, or the music that stands for it.
#[track_caller]
pub fn is_held_by(held: &dyn Phone, holder: &dyn Phone) {
    holder.recording().expect_silence();
    if holder.plays_music() {
        held.recording().expect_tone(holder.account().tone);
    } else {
        held.recording().expect_silence();
    }
}
