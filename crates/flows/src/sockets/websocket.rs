//! Telephones that are clients of WebSocket (RFC 7118): they can only be called over the connection that they made, so
//! whoever is drawn without a server has one all the same, which is not drawn.

use super::cast::Member;
use super::{Raised, Sockets};
use crate::judge::Observed;
use cordboard_core::dice::Dice;
use cordboard_core::transport::Transport;
use cordboard_net::{Accepts, ListenOn};
use cordboard_service::directory::{Directory, User};
use cordboard_service::settings::{Relay, Role, Settings, Switchboard, Takeovers, Watching};
use cordboard_sim::HostId;
use std::net::{IpAddr, SocketAddr};

/// How the switchboard is called that is not drawn; a second one has a number.
pub(super) const UNDRAWN: &str = "switchboard";

/// Its address in the cast; the people and servers of the RFCs have higher ones.
const LAST: u8 = 1;

/// The host name that the nth of them writes of itself.
fn host(nth: usize) -> String {
    format!("switchboard{nth}.example.net")
}

/// A switchboard that is not drawn. To one of ours all its domains are the same, so that whoever has the same name in
/// another domain is at another one.
#[derive(Default)]
struct Board {
    domains: Vec<Box<str>>,
    /// By name and domain.
    users: Vec<(Box<str>, Box<str>)>,
}

impl Board {
    fn takes(&self, user: &str, domain: &str) -> bool {
        self.users.iter().all(|(other, theirs)| **other != *user || **theirs == *domain)
    }

    fn serves(&mut self, names: impl IntoIterator<Item = Box<str>>) {
        for name in names {
            if !self.domains.contains(&name) {
                self.domains.push(name);
            }
        }
    }

    fn member(self, nth: usize) -> Member {
        let name = if nth == 0 { UNDRAWN.to_owned() } else { format!("{UNDRAWN}{nth}") };
        let mut directory = Directory::default();
        directory.users.extend(self.users.into_iter().map(|(user, _)| (user, somebody())));
        let lasts = vec![LAST + u8::try_from(nth).unwrap_or_default()];
        let member = Member::new(&name, Some(&host(nth)), lasts, settings(&self.domains), directory);
        Member { domains: self.domains, ..member }
    }
}

/// A listener that nobody can connect to, with a name that leads nowhere (RFC 7118 §5).
pub(super) fn client(transport: Transport, at: IpAddr, dice: &mut Dice) -> ListenOn {
    let sent_by = Some(format!("{}.invalid", dice.tag()).into());
    ListenOn { transport, address: SocketAddr::new(at, 0), sent_by, accepts: Accepts::Nobody }
}

impl Sockets {
    /// Puts the switchboard on the stage that is not drawn, where a name stands for a telephone.
    pub(super) fn prepare_websockets(&mut self) -> Raised {
        let stands_for_telephone = |cast: &[Member], at: IpAddr| {
            let mut telephones = cast.iter().filter(|member| member.is_telephone());
            telephones.any(|member| member.addresses.iter().any(|(_, own)| *own == at))
        };
        let (named, elsewhere): (Vec<_>, Vec<_>) =
            self.named.drain(..).partition(|(_, at)| stands_for_telephone(&self.cast, *at));
        self.named = elsewhere;
        if !self.transport.is_websocket() || named.is_empty() {
            self.named.extend(named);
            return Raised::default();
        }
        // Their names stand for it from now on. To whom no name leads, nobody calls: two telephones of one person are
        // not both called where one of them is meant.
        let served: Vec<Box<str>> = self.cast.iter().flat_map(|member| member.domains.clone()).collect();
        let (mut boards, mut registering) = (vec![Board::default()], Vec::new());
        for (place, member) in self.cast.iter_mut().enumerate() {
            let has = |(_, at): &&(Box<str>, IpAddr)| member.addresses.iter().any(|(_, own)| own == at);
            let names: Vec<Box<str>> = named.iter().filter(has).map(|(name, _)| name.clone()).collect();
            let Some(account) = member.settings.role.telephone_mut() else { continue };
            if !account.outbound_proxies.is_empty() || served.contains(&account.domain) {
                boards[0].serves(names);
                continue;
            }
            let (user, domain) = (&account.user, &account.domain);
            let nth = boards.iter().position(|board| board.takes(user, domain)).unwrap_or(boards.len());
            if nth == boards.len() {
                boards.push(Board::default());
            }
            let board = &mut boards[nth];
            board.users.push((user.clone(), domain.clone()));
            if !names.is_empty() {
                registering.push(HostId::nth(place));
            }
            board.serves(names.into_iter().chain([domain.clone()]));
            account.outbound_proxies = vec![format!("sip:{};lr", host(nth)).into()];
        }
        let undrawn = boards.into_iter().enumerate().map(|(nth, board)| self.stand(board.member(nth)));
        Raised { registering, undrawn: undrawn.collect() }
    }

    /// What passed, as if the servers were only where they are drawn.
    pub(crate) fn as_drawn(&self, observed: Observed) -> Observed {
        if let Some(via) = self.via {
            return self.as_drawn_through(via, observed);
        }
        if !self.transport.is_websocket() {
            return observed;
        }
        let leaves = self.cast.iter().filter(|member| member.leaves_dialogs);
        let stayed = leaves.fold(observed, |seen, member| seen.without_proxy_in_dialogs(&member.name));
        let undrawn = self.cast.iter().filter(|member| member.name.starts_with(UNDRAWN));
        undrawn.fold(stayed, |seen, member| seen.without_proxy(&member.name))
    }
}

/// A switchboard that asks nobody for a password, for none is drawn, and that carries everything, for nobody else is on
/// its network.
fn settings(domains: &[Box<str>]) -> Settings {
    let mut settings = Settings::of_domain(domains.first().map_or("", |domain| domain));
    settings.role = Role::Switchboard(Switchboard::Proxies);
    // It carries what the RFC draws without a server.
    settings.external_transfer = true;
    settings.takeovers = Takeovers::ByPhones;
    settings.watching = Watching::ByPhones;
    settings.domains = domains.to_vec();
    settings.auth.registers = false;
    settings.auth.calls = false;
    settings.relay = Relay::Anybody;
    settings.ring_bytes = crate::cast::RING_BYTES;
    settings
}

/// Somebody without a password.
const fn somebody() -> User {
    User { display_name: None, groups: Vec::new(), ha1_md5: None, ha1_sha256: None, ha1_sha512_256: None }
}
