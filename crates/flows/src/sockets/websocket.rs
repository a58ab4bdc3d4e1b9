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

/// How the switchboard is called that is not drawn, and the host name that it writes of itself.
const UNDRAWN: &str = "switchboard";
const HOST: &str = "switchboard.example.net";

/// Its address in the cast; the people and servers of the RFCs have higher ones.
const LAST: u8 = 1;

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
        let reached: Vec<IpAddr> = named.iter().map(|(_, at)| *at).collect();
        let mut domains: Vec<Box<str>> = named.into_iter().map(|(name, _)| name).collect();
        let served: Vec<Box<str>> = self.cast.iter().flat_map(|member| member.domains.clone()).collect();
        let (mut users, mut registering) = (Directory::default(), Vec::new());
        for (place, member) in self.cast.iter_mut().enumerate() {
            let Some(account) = member.settings.role.telephone_mut() else { continue };
            if !account.outbound_proxies.is_empty() || served.contains(&account.domain) {
                continue;
            }
            account.outbound_proxies = vec![format!("sip:{HOST};lr").into()];
            users.users.insert(account.user.clone(), somebody());
            if !domains.contains(&account.domain) {
                domains.push(account.domain.clone());
            }
            if member.addresses.iter().any(|(_, own)| reached.contains(own)) {
                registering.push(HostId::nth(place));
            }
        }
        let member = Member::new(UNDRAWN, Some(HOST), vec![LAST], settings(&domains), users);
        let undrawn = Some(self.stand(Member { domains, ..member }));
        Raised { registering, undrawn }
    }

    /// What passed, as if the servers were only where they are drawn.
    pub(crate) fn as_drawn(&self, observed: Observed) -> Observed {
        if !self.transport.is_websocket() {
            return observed;
        }
        let leaves = self.cast.iter().filter(|member| member.leaves_dialogs);
        let stayed = leaves.fold(observed, |seen, member| seen.without_proxy_in_dialogs(&member.name));
        if self.cast.iter().any(|member| *member.name == *UNDRAWN) {
            stayed.without_proxy(UNDRAWN)
        } else {
            stayed
        }
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
