//! A stage on sockets whose servers are a switchboard that is up already.

use super::cast::Member;
use super::websocket::UNDRAWN;
use super::{Raised, Sockets};
use crate::cast::Person;
use crate::judge::Observed;
use crate::via::Via;
use cordboard_core::transport::Transport;
use cordboard_service::directory::Directory;
use cordboard_service::settings::{Secret, Settings};
use cordboard_sim::HostId;

/// Somebody with a telephone, as the user who plays them; or a server of the switchboard, which nobody sees.
pub(super) fn person(via: &'static Via, person: &Person, transport: Transport) -> Member {
    let account = via.account(person);
    let mut member = Member::of_person(person);
    if person.service.is_some() {
        return Member { is_elsewhere: true, addresses: Vec::new(), local: via.at, ..member };
    }
    if let Some(telephone) = member.settings.role.telephone_mut() {
        telephone.user = account.user.into();
        telephone.domain = account.domain.into();
        telephone.contact_host = None;
        telephone.passwords.insert(0, (account.domain.into(), Secret(account.password.into())));
        telephone.outbound_proxies = vec![via.route(transport).into()];
    }
    member
}

/// The switchboard, as it is drawn.
pub(super) fn switchboard(via: &Via, name: &str) -> Member {
    let member = Member::new(name, None, Vec::new(), Settings::of_domain(&via.domain), Directory::default());
    Member { is_elsewhere: true, local: via.at, ..member }
}

impl Sockets {
    /// Puts the switchboard on the stage.
    pub(super) fn stand_elsewhere(&mut self, member: Member) -> HostId {
        let (host, at) = (HostId::nth(self.cast.len()), member.local.ip());
        self.wire.stands_elsewhere(host, at);
        self.cast.push(member);
        host
    }

    /// Puts the switchboard on the stage if it is not drawn. Whom a name leads to registers with it.
    pub(super) fn prepare_through(&mut self, via: &Via) -> Raised {
        let named: Vec<_> = self.named.drain(..).map(|(_, at)| at).collect();
        let is_called = |member: &Member| {
            !member.is_elsewhere && member.addresses.iter().any(|(_, at)| named.contains(at))
        };
        let called = self.cast.iter().enumerate().filter(|(_, member)| is_called(member));
        let registering = called.map(|(place, _)| HostId::nth(place)).collect();
        let is_drawn = self.switchboard_on_stage().is_some();
        let undrawn = (!is_drawn).then(|| self.stand_elsewhere(switchboard(via, UNDRAWN)));
        Raised { registering, undrawn: undrawn.into_iter().collect() }
    }

    /// The switchboard, once it is on the stage.
    fn switchboard_on_stage(&self) -> Option<&Member> {
        self.cast.iter().find(|member| member.is_elsewhere && !member.is_telephone())
    }

    /// What passed, as if the switchboard were only where it is drawn.
    pub(super) fn as_drawn_through(&self, via: &Via, observed: Observed) -> Observed {
        let name = self.switchboard_on_stage().map_or(UNDRAWN, |member| &*member.name);
        let stage: Vec<&str> = self.cast.iter().map(|member| &*member.name).collect();
        let drawn = name != UNDRAWN;
        let observed = via.attributed(observed, name, drawn, &stage);
        if drawn { observed } else { observed.without_proxy(name) }
    }
}
