//! Three people with phones at one switchboard, watched from the first packet on.

use crate::capture::Capture;
use crate::judge::Verdict;
use crate::phone::{Account, Kind, Phone, Transport};
use crate::place::{Place, isolated};
use crate::recording::{Recording, expect};
use crate::switchboard::Switchboard;
use crate::tone::Sound;

/// A switchboard, a capture, and the phones of alice, bob and carol as far as the test wants them.
pub struct Stage {
    capture: Capture,
    phones: Vec<Box<dyn Phone>>,
    /// Last, so that phones are gone before it.
    switchboard: Option<Switchboard>,
}

/// Runs `play` with one registered phone for each of `phones`: alice's, bob's, carol's.
pub fn with_phones(phones: &[(Kind, Transport)], play: impl FnOnce(Stage)) {
    isolated(&programs(phones.iter().map(|(kind, _)| *kind)), |place| play(Stage::set(place, phones)));
}

/// The same without a switchboard: the phones call each other at their own addresses, by datagrams.
pub fn with_phones_alone(phones: &[Kind], play: impl FnOnce(Stage)) {
    isolated(&programs(phones.iter().copied()), |place| play(Stage::set_alone(place, phones)));
}

fn programs(kinds: impl Iterator<Item = Kind>) -> Vec<&'static str> {
    kinds.flat_map(Kind::programs).copied().chain(["tcpdump", "tshark"]).collect()
}

impl Stage {
    fn set(place: &Place, kinds: &[(Kind, Transport)]) -> Self {
        let capture = Capture::start(place);
        let switchboard = Switchboard::start(place);
        let phone = |(number, &(kind, transport)): (u8, &(Kind, Transport))| {
            kind.phone(place, Account::of(&switchboard, number, transport))
        };
        let phones = switched_on((0..).zip(kinds).map(phone).collect());
        Self { capture, phones, switchboard: Some(switchboard) }
    }

    fn set_alone(place: &Place, kinds: &[Kind]) -> Self {
        let capture = Capture::start(place);
        let phone = |(number, kind): (u8, &Kind)| kind.phone(place, Account::direct(*kind, number));
        let phones = switched_on((0..).zip(kinds).map(phone).collect());
        Self { capture, phones, switchboard: None }
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
        let verdict = self.capture.finish();
        if self.switchboard.is_some() { verdict } else { verdict.without_credentials() }
    }
}

/// Starts them side by side.
pub(crate) fn switched_on(mut phones: Vec<Box<dyn Phone>>) -> Vec<Box<dyn Phone>> {
    for phone in &mut phones {
        phone.switch_on();
    }
    for phone in &mut phones {
        phone.wait_registered();
    }
    phones
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
    expect(&hearing(one, other));
}

/// The same, and that whoever was in between hears nothing.
#[track_caller]
pub fn talking_without(one: &dyn Phone, other: &dyn Phone, without: &dyn Phone) {
    let [one, other] = hearing(one, other);
    expect(&[one, other, (without.recording(), Sound::Silence)]);
}

fn hearing<'a>(one: &'a dyn Phone, other: &'a dyn Phone) -> [(&'a Recording, Sound); 2] {
    let tone = |phone: &dyn Phone| Sound::Tones(vec![phone.account().tone]);
    [(one.recording(), tone(other)), (other.recording(), tone(one))]
}

/// Proves that `holder` does not hear `held`, who hears nothing, or the music that stands for it.
#[track_caller]
pub fn is_held_by(held: &dyn Phone, holder: &dyn Phone) {
    let music = if holder.plays_music() { Sound::Tones(vec![holder.account().tone]) } else { Sound::Silence };
    expect(&[(holder.recording(), Sound::Silence), (held.recording(), music)]);
}
