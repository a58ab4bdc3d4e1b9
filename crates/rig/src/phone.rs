//! What a person can do with any telephone, and what a phone must know to stand at a switchboard.

use crate::baresip::Baresip;
use crate::cordboard_phone::CordboardPhone;
use crate::linphone::Linphone;
use crate::place::Place;
use crate::recording::Recording;
use crate::switchboard::Switchboard;

/// What carries SIP between a phone and the switchboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection under TLS; the phone checks the switchboard's certificate against its authority.
    Tls,
}

impl Transport {
    /// Its value in the `transport` parameter of a URI.
    pub const fn parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// Who made the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// baresip 1.0.0.
    Baresip,
    /// linphonec 5.1.65.
    Linphone,
    /// `cordboard phone`, which was built with the tests.
    Cordboard,
}

impl Kind {
    /// The programs that must be installed.
    pub const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Baresip => &["baresip"],
            Self::Linphone => &["linphonec"],
            Self::Cordboard => &[],
        }
    }

    /// Where a phone of this kind is called that is at no switchboard.
    pub fn address(self, number: u8) -> String {
        match self {
            Self::Baresip => Baresip::address(number),
            Self::Linphone => Linphone::address(number),
            Self::Cordboard => CordboardPhone::address(number),
        }
    }

    /// A phone of this kind for `account`, not yet switched on.
    pub fn phone(self, place: &Place, account: Account) -> Box<dyn Phone> {
        match self {
            Self::Baresip => Box::new(Baresip::new(place, account)),
            Self::Linphone => Box::new(Linphone::new(place, account)),
            Self::Cordboard => Box::new(CordboardPhone::new(place, account)),
        }
    }
}

/// How a phone is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// At the switchboard, where it is registered.
    Registered,
    /// At its own address; there is no switchboard.
    Direct,
}

/// What a phone does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It answers.
    Answers,
    /// It rings until somebody answers it.
    Rings,
    /// The same, but while it has a call it is busy to others.
    OneLine,
}

/// Who uses a phone, and where it finds its switchboard.
#[derive(Clone, Debug)]
pub struct Account {
    /// How it is reached.
    pub way: Way,
    /// User name in the directory.
    pub user: String,
    /// Password in the directory.
    pub password: String,
    /// The domain, which is also the digest's realm; or where the phone itself is called.
    pub domain: String,
    /// How the phone talks to the switchboard.
    pub transport: Transport,
    /// `host:port` of the switchboard's listener for that transport.
    pub server: String,
    /// File with the certificate authority that vouches for the switchboard.
    pub authority: String,
    /// Number of the phone in its test, from which its ports and addresses follow.
    pub number: u8,
    /// What its microphone hears, in Hz.
    pub tone: u16,
    /// What it does when it is called.
    pub manner: Manner,
    /// `host:port` of a server that is tried before that one by a phone that only calls.
    pub tried_first: Option<String>,
}

impl Account {
    /// The account of the switchboard's user number `number` (0 to 4).
    pub fn of(switchboard: &Switchboard, number: u8, transport: Transport) -> Self {
        Self::named(switchboard, &switchboard.user(number).0, number, transport)
    }

    /// The account of that user of the switchboard, on the phone with this number.
    pub fn named(switchboard: &Switchboard, user: &str, number: u8, transport: Transport) -> Self {
        Self {
            way: Way::Registered,
            user: user.to_owned(),
            password: crate::switchboard::password(user),
            domain: switchboard.domain().to_owned(),
            transport,
            server: switchboard.address(transport).to_owned(),
            authority: switchboard.authority().display().to_string(),
            number,
            tone: crate::tone::TONES[usize::from(number)],
            manner: Manner::Answers,
            tried_first: None,
        }
    }

    /// The account of phone number `number` (0 to 2), of this kind, that is called directly, by datagrams.
    pub fn direct(kind: Kind, number: u8) -> Self {
        Self {
            way: Way::Direct,
            user: crate::switchboard::PEOPLE[usize::from(number)].to_owned(),
            password: String::new(),
            domain: kind.address(number),
            transport: Transport::Udp,
            server: String::new(),
            authority: String::new(),
            number,
            tone: crate::tone::TONES[usize::from(number)],
            manner: Manner::Answers,
            tried_first: None,
        }
    }

    /// `sip:user@domain`.
    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}

/// A telephone and the hand that presses its buttons.
///
/// A verb returns when the phone says that it was done, and panics when it does not say so in time.
pub trait Phone {
    /// Who uses it.
    fn account(&self) -> &Account;

    /// What it hears.
    fn recording(&self) -> &Recording;

    /// Switches the phone on; it begins to register.
    fn switch_on(&mut self);

    /// Waits until it is registered, or has what it needs to be called directly.
    fn wait_registered(&mut self);

    /// Switches the phone on and waits until it is registered.
    fn register(&mut self) {
        self.switch_on();
        self.wait_registered();
    }

    /// Starts a call to `uri`.
    fn dial(&mut self, uri: &str);

    /// Waits until somebody calls, and lets it ring.
    fn wait_incoming(&mut self);

    /// Waits until somebody calls, answers, and waits until the call is established.
    fn answer(&mut self);

    /// Waits until somebody calls, and turns the call down: busy (486).
    fn is_busy(&mut self);

    /// Waits until the call that it started is refused, with that status as far as the phone tells it.
    fn wait_refused(&mut self, status: u16);

    /// Waits until a call that was not yet waited for is established, whoever started it.
    fn wait_established(&mut self);

    /// Puts the present call on hold.
    fn hold(&mut self);

    /// Takes the present call from hold.
    fn resume(&mut self);

    /// Waits until the other side has put the present call on hold.
    fn wait_held(&mut self);

    /// Waits until the other side has taken the present call from hold.
    fn wait_resumed(&mut self);

    /// Whether whom it holds hears its tone as music.
    fn plays_music(&self) -> bool;

    /// Sends the other party of the present call to `uri`, and waits until this phone has left the call.
    fn transfer_unattended(&mut self, uri: &str);

    /// Joins the party on hold with the party of the present call, and waits until this phone has left both calls.
    fn transfer_attended(&mut self);

    /// Ends the present call.
    fn hang_up(&mut self);

    /// The phone, if it is ours.
    fn ours(&mut self) -> Option<&mut CordboardPhone> {
        None
    }

    /// Waits until the phone has no call, and none that rings.
    fn wait_idle(&mut self);
}
