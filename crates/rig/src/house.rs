//! A switchboard whose services are tried: people with phones of several makes at it, and `SIPp`.

use crate::bare::Bare;
use crate::capture::Capture;
use crate::cordboard_phone::CordboardPhone;
use crate::earpiece::Earpiece;
use crate::judge::Verdict;
use crate::phone::{Account, Kind, Manner, Phone, Transport};
use crate::place::{Place, isolated};
use crate::script::Actor;
use crate::sipp::Sipp;
use crate::stage::switched_on;
use crate::switchboard::Switchboard;
use crate::wire::Wire;

/// The first port that `SIPp` uses; each further one is 10 higher, beyond those of every phone.
const SIPP: u16 = 5200;

/// How long somebody is registered who is not asked again.
const WHOLE_TEST_S: u32 = 600;

/// Who lives here beside alice, bob and carol; callers without a phone of their own are the last two.
const MORE_PEOPLE: [&str; 4] = ["dave", "erin", "sipp", "other"];

/// People's phones at a switchboard, watched from the first packet on.
pub struct House<'a> {
    place: &'a Place,
    capture: Capture,
    phones: Vec<Box<dyn Phone>>,
    started: u16,
    /// Last, so that the phones are gone before it.
    switchboard: Switchboard,
}

/// Runs `play` with a registered phone for each of `phones`: alice's, bob's, carol's, dave's and erin's, over UDP. `tables` is
/// what the configuration says beside its people.
pub fn with_house(tables: &str, phones: &[(Kind, Manner)], play: impl FnOnce(House<'_>)) {
    let programs = phones.iter().flat_map(|(kind, _)| kind.programs());
    let programs: Vec<_> = programs.copied().chain(["sipp", "tcpdump", "tshark"]).collect();
    isolated(&programs, |place| play(House::new(place, tables, phones)));
}

impl<'a> House<'a> {
    fn new(place: &'a Place, tables: &str, phones: &[(Kind, Manner)]) -> Self {
        let capture = Capture::start(place);
        let people = MORE_PEOPLE.map(str::to_owned);
        let switchboard = Switchboard::start_together(place, &people, tables);
        let phone = |(number, &(kind, manner)): (u8, &(Kind, Manner))| {
            let account = Account::of(&switchboard, number, Transport::Udp);
            kind.phone(place, Account { manner, ..account })
        };
        let phones = switched_on((0..).zip(phones).map(phone).collect());
        Self { place, capture, phones, started: 0, switchboard }
    }

    /// A phone: alice's is 0.
    pub fn phone(&mut self, number: usize) -> &mut dyn Phone {
        &mut *self.phones[number]
    }

    /// A `cordboard phone`, with all of its verbs.
    #[track_caller]
    pub fn ours(&mut self, number: usize) -> &mut CordboardPhone {
        self.phones[number].ours().expect("this is a phone of ours")
    }

    /// Some of them, each once.
    #[track_caller]
    pub fn phones<const N: usize>(&mut self, numbers: [usize; N]) -> [&mut dyn Phone; N] {
        let phones = self.phones.get_disjoint_mut(numbers).expect("these are different phones of this house");
        phones.map(|phone| &mut **phone as &mut dyn Phone)
    }

    /// `sip:USER@DOMAIN`.
    pub fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.switchboard.domain())
    }

    /// `cordboard ctl` with these words, parted by blanks; it must succeed.
    #[track_caller]
    pub fn ctl(&self, words: &str) -> serde_json::Value {
        self.switchboard.ctl(&words.split(' ').collect::<Vec<_>>())
    }

    /// `SIPp` as `user` begins to play a script for requests to `target`, another user.
    pub fn sipp(&mut self, user: &str, target: &str, script: &str) -> Sipp {
        let actor = Actor {
            user: user.to_owned(),
            domain: self.switchboard.domain().to_owned(),
            target: self.uri(target),
            is_served: true,
        };
        let port = SIPP + 10 * self.started;
        self.started += 1;
        Sipp::play(self.place, self.switchboard.address(Transport::Udp), &actor, script, port)
    }

    /// Registers `user` at the place where the next `SIPp` will be called.
    #[track_caller]
    pub fn registers_for_sipp(&self, user: &str) {
        let port = SIPP + 10 * self.started;
        let wire = Wire::udp_from(port, self.switchboard.address(Transport::Udp));
        let answer = Bare::new(wire, user, &self.switchboard).registers(WHOLE_TEST_S);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
    }

    /// An ear for a `SIPp`.
    pub fn earpiece(&self, phone: &str) -> Earpiece {
        Earpiece::new(self.place, phone)
    }

    /// Ends the capture: what happened on the wire, with the phones still on.
    pub fn verdict(self) -> Verdict {
        self.capture.finish()
    }
}
