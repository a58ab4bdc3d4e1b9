//! Who stands on a stage: people with telephones, and the switchboards of their domains.

use cordboard_core::transport::{ListenerId, Transport};
use cordboard_service::directory::{Directory, User};
use cordboard_service::services::Rules;
use cordboard_service::settings::{
    Announcement, Announcements, Announcer, Feature, Focus, Group, Habits, MediaPorts, Memory, Park, Redial,
    RedialCodes, Refers, Relay, Release, Role, Room, Screened, Secret, SemiAttended, Server, Service,
    Settings, Switchboard, Takeovers, Telephone, Transfers, Watching,
};
use cordboard_sip::digest::{Algorithm, Ha1};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of recent messages that a host on a stage keeps; the tap sees everything anyway.
pub(crate) const RING_BYTES: usize = 4096;

/// The same of a switchboard, whose operator may want to do something with a call.
const SWITCHBOARD_RING_BYTES: usize = 65_536;

/// Somebody with a telephone.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The name, as drawn.
    pub name: &'static str,
    /// The user part of the address-of-record; two telephones may share one.
    pub user: &'static str,
    /// The telephone's address: the last byte behind 192.0.2 (RFC 5737).
    pub address: u8,
    /// Another address of the telephone, to which it can move a call.
    pub other_address: Option<u8>,
    /// The domain of the address-of-record.
    pub domain: &'static str,
    /// The passwords that the telephone knows, by realm.
    pub passwords: &'static [(&'static str, &'static str)],
    /// The host that its Contact names: that of a server through which it is reached.
    pub contact_host: Option<&'static str>,
    /// Where its requests go first.
    pub outbound_proxies: &'static [&'static str],
    /// What the telephone does where it has the choice.
    pub habits: Habits,
    /// How the telephone hands calls over and is handed over.
    pub manners: Manners,
    /// The work group whose members may know of the telephone's calls: its realm and its secret.
    pub group: Option<(&'static str, &'static str)>,
    /// What sits at the telephone, if it is nobody.
    pub service: Option<Program>,
    /// The proxy through which alone calls are taken (RFC 5359 §2.13): its URI, and the last byte of its address.
    pub screened_by: Option<(&'static str, u8)>,
}

/// What a server is there for.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    /// Music on hold (RFC 5359 §2.3).
    Music,
    /// Call park (RFC 5359 §2.15).
    Park {
        /// The user parts of its slots.
        slots: &'static [&'static str],
        /// How long a call waits before whoever parked it is called.
        rings_back_after: Duration,
    },
    /// An announcement (RFC 5359 §2.13).
    Announcer {
        /// How long it lasts.
        lasts: Duration,
    },
    /// Automatic redial (RFC 5359 §2.17).
    Redial {
        /// For how long a redial waits.
        within: Duration,
        /// How often it is tried.
        tries: u8,
    },
    /// The operator's telephone (RFC 5359 §2.18), and the domain whose users it knows.
    Operator(Option<&'static Domain>),
    /// Conference rooms (RFC 4579 §5).
    Focus {
        /// The user parts of their URIs, and how many parties each may have.
        rooms: &'static [(&'static str, usize)],
    },
}

impl Program {
    fn service(self, user: &str) -> Service {
        match self {
            Self::Announcer { lasts } => Service::Announcer(Announcer {
                announcements: vec![Announcement { user: user.into(), lasts }],
            }),
            Self::Music => Service::Music,
            Self::Redial { within, tries } => {
                let codes = RedialCodes { ask: "*66".into(), give_up: "*86".into() };
                Service::Redial(Redial { codes: Some(codes), within, tries })
            }
            Self::Operator(_) => Service::Operator,
            Self::Focus { rooms } => Service::Focus(Focus {
                rooms: rooms
                    .iter()
                    .map(|(user, limit)| Room { user: (*user).into(), limit: *limit })
                    .collect(),
            }),
            Self::Park { slots, rings_back_after } => Service::Park(Park {
                slots: slots.iter().map(|slot| (*slot).into()).collect(),
                rings_back_after,
            }),
        }
    }
}

/// What of [`Transfers`] a person's telephone does otherwise than others.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// Where its REFERs travel. If on their own, then its Contact reaches it from everywhere, too.
    pub refers: Refers,
    /// Who ends the old call.
    pub release: Release,
    /// What becomes of a target that still rings.
    pub semi_attended: SemiAttended,
    /// It reports ringing.
    pub reports_ringing: bool,
    /// It holds whoever asks it to call somebody, meanwhile.
    pub holds_meanwhile: bool,
    /// What it does not know.
    pub lacks: &'static [Feature],
}

impl Manners {
    /// As RFC 5359 draws it.
    pub const USUAL: Self = Self {
        refers: Refers::InCall,
        release: Release::Transferor,
        semi_attended: SemiAttended::Waits,
        reports_ringing: false,
        holds_meanwhile: false,
        lacks: &[],
    };

    /// As RFC 5589 recommends it: a REFER has a dialog of its own.
    pub const ON_ITS_OWN: Self = Self { refers: Refers::OnItsOwn, ..Self::USUAL };

    fn transfers(self) -> Transfers {
        Transfers {
            refers: self.refers,
            gruu: self.refers == Refers::OnItsOwn,
            release: self.release,
            semi_attended: self.semi_attended,
            reports_ringing: self.reports_ringing,
            holds_meanwhile: self.holds_meanwhile,
            lacks: self.lacks.to_vec(),
            ..Transfers::default()
        }
    }
}

/// A switchboard that is responsible for domains.
#[derive(Clone, Copy, Debug)]
pub struct Domain {
    /// As it is drawn.
    pub name: &'static str,
    /// The host name that it writes of itself.
    pub host: &'static str,
    /// Its address: the last byte behind 192.0.2 (RFC 5737).
    pub address: u8,
    /// The domains, its realm first.
    pub domains: &'static [&'static str],
    /// Its users and their passwords.
    pub users: &'static [(&'static str, &'static str)],
    /// Those of them who share a group.
    pub grouped: &'static [&'static str],
    /// Forwards or redirects.
    pub role: Switchboard,
    /// Whether it challenges what its own users start.
    pub challenges_calls: bool,
    /// Whether it stays in the route of the dialogs that it carries.
    pub record_routes: bool,
    /// Addresses (behind 192.0.2) that it trusts without a challenge.
    pub neighbours: &'static [u8],
    /// What its users have set up for their calls.
    pub rules: fn() -> Vec<(&'static str, Rules)>,
    /// Domains that are its own, too, though their names lead elsewhere.
    pub unlisted: &'static [&'static str],
    /// Where a caller hears that whoever is called does not take the call.
    pub announces: Option<&'static str>,
}

/// An address of the network that is set aside for documentation (RFC 5737 §3).
pub const fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

/// What every stage speaks.
pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Udp, Transport::Tcp];

/// The listener of a person's other address: it follows those of the first.
pub(crate) const OTHER_ADDRESS: ListenerId = ListenerId(TRANSPORTS.len() as u16);

impl Person {
    /// Where the telephone listens.
    pub(crate) fn addresses(&self) -> Vec<IpAddr> {
        [Some(self.address), self.other_address].into_iter().flatten().map(address).collect()
    }

    /// The servers that the telephone trusts, by the last byte of their address.
    pub(crate) fn trusts(&self) -> impl Iterator<Item = u8> {
        self.screened_by.map(|(_, proxy)| proxy).into_iter()
    }

    /// The domain whose users it knows, as a server that has to look at who they are.
    pub(crate) const fn knows_users_of(&self) -> Option<&'static Domain> {
        match self.service {
            Some(Program::Operator(domain)) => domain,
            _ => None,
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        let telephone = Telephone {
            user: self.user.into(),
            domain: self.domain.into(),
            display_name: None,
            passwords: self
                .passwords
                .iter()
                .map(|(realm, password)| ((*realm).into(), Secret((*password).into())))
                .collect(),
            contact_host: self.contact_host.map(Into::into),
            outbound_proxies: self.outbound_proxies.iter().map(|uri| (*uri).into()).collect(),
            media: MediaPorts::default(),
            habits: self.habits,
            transfers: self.manners.transfers(),
            group: self
                .group
                .map(|(realm, secret)| Group { realm: realm.into(), secret: Secret(secret.into()) }),
            screened_by: self.screened_by.map(|(proxy, _)| proxy.into()),
            ..Telephone::default()
        };
        let role = match self.service {
            Some(program) => {
                let service = program.service(self.user);
                Role::Server(Server { memory: Memory::Store, ..Server::new(telephone, service) })
            }
            None => Role::Telephone(telephone),
        };
        let settings = Settings::of_domain(self.domain);
        let neighbours = self.trusts().map(address).collect();
        // Every domain of a stage is as good as the next.
        let external_transfer = matches!(self.service, Some(Program::Operator(_)));
        let known = self.knows_users_of().map_or(&[][..], |domain| domain.domains);
        Settings {
            role,
            domains: known.iter().map(|domain| (*domain).into()).collect(),
            neighbours,
            ring_bytes: RING_BYTES,
            external_transfer,
            ..settings
        }
    }
}

impl Domain {
    pub(crate) fn settings(&self) -> Settings {
        let realm = self.domains.first().copied().unwrap_or_default();
        let mut settings = Settings::of_domain(realm);
        settings.role = Role::Switchboard(self.role);
        settings.domains = self.domains.iter().chain(self.unlisted).map(|domain| (*domain).into()).collect();
        settings.announcements =
            Announcements { screened_in: self.announces.map(Into::into), ..Announcements::default() };
        settings.auth.calls = self.challenges_calls;
        settings.relay = Relay::Users;
        // The proxies of the RFCs leave these to the phones.
        settings.external_transfer = true;
        settings.takeovers = Takeovers::ByPhones;
        settings.watching = Watching::ByPhones;
        settings.screened = Screened::Addresses;
        settings.record_route = self.record_routes;
        settings.neighbours = self.neighbours.iter().map(|last| address(*last)).collect();
        settings.ring_bytes = SWITCHBOARD_RING_BYTES;
        settings
    }

    pub(crate) fn directory(&self) -> Directory {
        let realm = self.domains.first().copied().unwrap_or_default();
        let users = self.users.iter().map(|(name, password)| {
            let user = User {
                display_name: None,
                groups: self.grouped.iter().filter(|of| *of == name).map(|_| "group".into()).collect(),
                ha1_md5: ha1(Algorithm::Md5, name, realm, password),
                ha1_sha256: ha1(Algorithm::Sha256, name, realm, password),
                ha1_sha512_256: None,
            };
            ((*name).into(), user)
        });
        let rules = (self.rules)().into_iter().map(|(user, rules)| (user.into(), Arc::new(rules)));
        Directory { users: users.collect(), rules: rules.collect(), ..Directory::default() }
    }
}

/// The bytes of H(user:realm:password).
fn ha1<const LENGTH: usize>(
    algorithm: Algorithm,
    name: &str,
    realm: &str,
    password: &str,
) -> Option<[u8; LENGTH]> {
    let hex = Ha1::new(algorithm, name, realm, password).reveal();
    let mut bytes = [0; LENGTH];
    for (byte, digits) in bytes.iter_mut().zip(hex.as_str().as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_the_length_of_their_algorithm() {
        let md5: [u8; 16] = ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life").unwrap();
        // RFC 2617 §3.5: the A1 of its example.
        assert_eq!(md5[..4], [0x93, 0x9e, 0x75, 0x78]);
        assert!(ha1::<32>(Algorithm::Sha256, "a", "b", "c").unwrap()[31] != 0);
    }
}
