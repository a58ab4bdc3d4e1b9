//! Telephones of ours and scripts that `SIPp` plays against them, watched from the first packet on.

use crate::capture::Capture;
use crate::cordboard_phone::CordboardPhone;
use crate::judge::Verdict;
pub use crate::phone::Manner;
use crate::phone::{Account, Kind, Phone, Transport};
use crate::place::Place;
use crate::script::{Actor, place_of};
use crate::sipp::Sipp;
use crate::switchboard::{Switchboard, password};

/// What must be installed for a scene.
pub const PROGRAMS: [&str; 3] = ["sipp", "tcpdump", "tshark"];

/// A domain that no switchboard here serves.
pub const ELSEWHERE: &str = "elsewhere.test";

/// The first port that `SIPp` uses; each further one is 10 higher.
const SIPP: u16 = 5070;

/// The telephones of alice, bob and carol as far as the test wants them, and room for `SIPp`.
pub struct Scene<'a> {
    place: &'a Place,
    capture: Capture,
    phones: Vec<CordboardPhone>,
    started: u16,
    /// Last, so that the telephones are gone before it.
    switchboard: Option<Switchboard>,
}

impl<'a> Scene<'a> {
    /// Telephones that are called at their own addresses. Each knows its owner's password, for whoever says that they
    /// are the owner.
    pub fn direct(place: &'a Place, manners: &[Manner]) -> Self {
        let capture = Capture::start(place);
        let accounts = (0..).zip(manners).map(|(number, &manner)| {
            let account = Account::direct(Kind::Cordboard, number);
            Account { password: password(&account.user), manner, ..account }
        });
        let phones = switched_on(place, accounts);
        Self { place, capture, phones, started: 0, switchboard: None }
    }

    /// Telephones that are registered at a switchboard, which leaves to them what they tell of themselves.
    pub fn served(place: &'a Place, manners: &[Manner]) -> Self {
        let capture = Capture::start(place);
        let switchboard = Switchboard::start_told(place, &[], "\n[proxy]\nphones_are_watched = true\n");
        let accounts = (0..).zip(manners).map(|(number, &manner)| {
            let account = Account::of(&switchboard, number, Transport::Udp);
            Account { manner, ..account }
        });
        let phones = switched_on(place, accounts);
        Self { place, capture, phones, started: 0, switchboard: Some(switchboard) }
    }

    /// A telephone: alice's is 0.
    pub fn phone(&mut self, number: usize) -> &mut CordboardPhone {
        &mut self.phones[number]
    }

    /// All of them.
    pub fn phones<const N: usize>(&mut self) -> [&mut CordboardPhone; N] {
        let phones: Vec<_> = self.phones.iter_mut().collect();
        phones.try_into().expect("the scene has as many telephones")
    }

    /// Where whatever `SIPp` sends goes first, with the address of the telephone called `number`.
    fn way_to(&self, number: usize) -> (String, String) {
        let account = self.phones[number].account();
        let server = self.switchboard.as_ref().map(|switchboard| switchboard.address(Transport::Udp));
        (server.unwrap_or(&account.domain).to_owned(), account.uri())
    }

    /// `SIPp` as `user` begins to play a script against telephone `number`.
    pub fn sipp(&mut self, user: &str, number: usize, script: &str) -> Sipp {
        let (there, target) = self.way_to(number);
        self.begin(user, &there, target, script)
    }

    /// The same against the switchboard itself, for requests to `target`.
    pub fn sipp_at(&mut self, user: &str, target: &str, script: &str) -> Sipp {
        let switchboard = self.switchboard.as_ref().expect("the scene has a switchboard");
        let there = switchboard.address(Transport::Udp).to_owned();
        self.begin(user, &there, target.to_owned(), script)
    }

    /// `SIPp` as somebody of [`ELSEWHERE`] against the telephone itself, past the switchboard.
    pub fn sipp_beside(&mut self, user: &str, number: usize, script: &str) -> Sipp {
        let target = self.phones[number].contact();
        self.play(user, ELSEWHERE, (None, target), script)
    }

    /// `SIPp` that says of itself that it is called at that address; without a switchboard.
    pub fn sipp_known_as(&mut self, address: &str, number: usize, script: &str) -> Sipp {
        let (user, domain) =
            address.trim_start_matches("sip:").split_once('@').expect("an address has a user and a place");
        let target = self.phones[number].account().uri();
        self.play(user, domain, (None, target), script)
    }

    fn begin(&mut self, user: &str, there: &str, target: String, script: &str) -> Sipp {
        let domain = self.switchboard.as_ref().map_or("127.0.0.1", Switchboard::domain);
        let server = self.switchboard.is_some().then(|| there.to_owned());
        self.play(user, domain, (server, target), script)
    }

    /// Towards a target, by a server if there is one.
    fn play(
        &mut self,
        user: &str,
        domain: &str,
        (server, target): (Option<String>, String),
        script: &str,
    ) -> Sipp {
        let port = SIPP + 10 * self.started;
        self.started += 1;
        let there = server.clone().unwrap_or_else(|| place_of(&target).to_owned());
        let is_served = server.is_some();
        let actor = Actor { user: user.to_owned(), domain: domain.to_owned(), target, is_served };
        Sipp::play(self.place, &there, &actor, script, port)
    }

    /// Where the next `SIPp` will be called.
    pub fn next_sipp(&self, user: &str) -> String {
        format!("sip:{user}@127.0.0.1:{}", SIPP + 10 * self.started)
    }

    /// Ends the capture: what happened on the wire, with the telephones still on.
    pub fn verdict(self) -> Verdict {
        let verdict = self.capture.finish();
        if self.switchboard.is_some() { verdict } else { verdict.without_credentials() }
    }
}

fn switched_on(place: &Place, accounts: impl Iterator<Item = Account>) -> Vec<CordboardPhone> {
    let switched_on = |account| {
        let mut phone = CordboardPhone::new(place, account);
        phone.switch_on();
        phone
    };
    let mut phones: Vec<_> = accounts.map(switched_on).collect();
    for phone in &mut phones {
        phone.wait_registered();
    }
    phones
}
