//! A stage on sockets whose servers are a switchboard that is up already.

use super::cast::Member;
use super::websocket::UNDRAWN;
use super::{Raised, Sockets};
use crate::cast::{Domain, Person};
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
    for (_, at) in &mut member.addresses {
        *at = via.people_at.unwrap_or(*at);
    }
    if let Some(telephone) = member.settings.role.telephone_mut() {
        telephone.user = account.user.into();
        telephone.domain = account.domain.into();
        telephone.contact_host = None;
        telephone.passwords.insert(0, (account.domain.into(), Secret(account.password.into())));
        let route: Box<str> = via.route(transport).into();
        telephone.screened_by = telephone.screened_by.as_ref().map(|_| route.clone());
        telephone.outbound_proxies = vec![route];
    }
    member
}

/// The switchboard, as it is drawn.
pub(super) fn switchboard(via: &Via, domain: &Domain) -> Member {
    Member { addresses: vec![(domain.address, via.at.ip())], ..undrawn(via, domain.name) }
}

fn undrawn(via: &Via, name: &str) -> Member {
    let member = Member::new(name, None, Vec::new(), Settings::of_domain(&via.domain), Directory::default());
    Member { is_elsewhere: true, local: via.at, ..member }
}

/// Whether a telephone takes what has passed the proxy, and nothing else (RFC 5359 §2.13).
fn is_screened(member: &Member) -> bool {
    member.settings.role.telephone().is_some_and(|telephone| telephone.screened_by.is_some())
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
        self.named.clear();
        let is_called = |member: &Member| {
            !member.is_elsewhere && member.addresses.iter().any(|(last, _)| self.called.contains(last))
        };
        let called = self.cast.iter().enumerate().filter(|(_, member)| is_called(member));
        let registering = called.map(|(place, _)| HostId::nth(place)).collect();
        if self.goes_past() {
            let others = self.cast.iter_mut().filter(|member| !is_screened(member));
            for telephone in others.filter_map(|member| member.settings.role.telephone_mut()) {
                telephone.outbound_proxies.clear();
            }
        }
        let is_drawn = self.switchboard_on_stage().is_some();
        let undrawn = (!is_drawn).then(|| self.stand_elsewhere(undrawn(via, UNDRAWN)));
        Raised { registering, undrawn: undrawn.into_iter().collect() }
    }

    /// Whether a telephone is called where it is, past the switchboard, as who takes screened calls only may be.
    pub(super) fn goes_past(&self) -> bool {
        self.via.is_some() && self.cast.iter().any(is_screened)
    }

    /// An address as it is dialled here: in the domain of the switchboard, and where somebody goes past that with the place
    /// at which it is to be had (RFC 3261 §19.1.1).
    pub(crate) fn dialled(&self, uri: &str) -> String {
        let Some(via) = self.via else { return uri.to_owned() };
        let uri = via.translated(uri);
        if !self.goes_past() {
            return uri;
        }
        let is_theirs = |member: &&Member| {
            let telephone = member.settings.role.telephone();
            is_screened(member)
                && telephone.is_some_and(|own| uri == format!("sip:{}@{}", own.user, own.domain))
        };
        let member = self.cast.iter().find(is_theirs);
        let place = member.and_then(|member| member.ports.iter().find(|(_, at)| at.port() != 0));
        let (transport, at) = place.copied().unwrap_or((self.transport, via.at));
        let name = transport.to_string().to_ascii_lowercase();
        format!("{uri}:{};transport={name};maddr={}", at.port(), at.ip())
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
