//! What a stage stands on: the simulated network with its virtual clock, or sockets and the clock on the wall. What is
//! played, seen and judged is the same on both.

use crate::cast::{self, Domain, Person};
use crate::judge::Observed;
use crate::sockets::Sockets;
use crate::via::Via;
use cordboard_core::time::Instant;
use cordboard_core::transport::{ListenerId, Transport};
use cordboard_ladder::Ladder;
use cordboard_service::door::Command;
use cordboard_sim::session::Sessions;
use cordboard_sim::tap::Tap;
use cordboard_sim::{Fault, Host, HostId, Notice, Sim, Weather};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// One or the other.
pub(crate) enum Ground {
    /// The simulated network, and what its people prefer to speak.
    Simulated(Box<Sim>, [Transport; 2]),
    /// Sockets.
    Sockets(Box<Sockets>),
}

/// How long things take, in the time of the ground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// How long a person waits for what a verb needs before giving up on the play.
    pub(crate) patience: Duration,
    /// How long a person takes to act where nothing hurries them, and at most otherwise.
    pub(crate) reaction: [Duration; 2],
    /// For how long somebody lets it ring who then gives up.
    pub(crate) rings: Duration,
    /// The wire is at rest when nothing passed for so long.
    pub(crate) rest: Duration,
}

impl Pace {
    /// Longer than any transaction and Timer C together; as long as T2, the longest interval at which a response is
    /// repeated (RFC 3261 §17.2.1).
    const SIMULATED: Self = Self {
        patience: Duration::from_mins(5),
        reaction: [Duration::from_secs(1), Duration::from_secs(2)],
        rings: Duration::ZERO,
        rest: Duration::from_secs(5),
    };

    /// Longer than Timer B and what follows it. Nothing is lost on the loopback network, so that what has been silent
    /// for a moment is at rest.
    const SOCKETS: Self = Self {
        patience: Duration::from_secs(45),
        reaction: [Duration::from_millis(50), Duration::from_millis(100)],
        rings: Duration::from_secs(2),
        rest: Duration::from_millis(400),
    };

    /// The same where an ACK may have to wait for the handshakes of a connection of its own.
    const SECURE_SOCKETS: Self =
        Self { reaction: [Duration::from_millis(250), Duration::from_millis(300)], ..Self::SOCKETS };

    /// The same where datagrams are lost on purpose.
    const LOSSY_SOCKETS: Self = Self { rest: Duration::from_millis(4_500), ..Self::SOCKETS };

    /// What somebody says reaches whom it is for by way of the switchboard, and so does the answer: that is a round trip each. Who
    /// does what is drawn after that waits for both.
    const ROUND_TRIPS: u32 = 2;

    /// The same where it takes so long to the switchboard and back.
    fn seen_from_afar(self, round_trip: Duration) -> Self {
        let more = round_trip * Self::ROUND_TRIPS;
        Self { reaction: self.reaction.map(|time| time + more), rest: self.rest + more, ..self }
    }
}

impl Ground {
    pub(crate) fn pace(&self) -> Pace {
        match self {
            Self::Simulated(..) => Pace::SIMULATED,
            Self::Sockets(sockets) if sockets.loses() => Pace::LOSSY_SOCKETS,
            Self::Sockets(sockets) => {
                let near = if sockets.transport().is_secure() { Pace::SECURE_SOCKETS } else { Pace::SOCKETS };
                near.seen_from_afar(sockets.round_trip())
            }
        }
    }

    pub(crate) fn person(&mut self, person: &Person) -> HostId {
        match self {
            Self::Simulated(sim, _) => {
                let host = sim.stand(Host::listening(
                    person.name,
                    None,
                    &person.addresses(),
                    &cast::TRANSPORTS,
                    person.settings(),
                ));
                if let Some(domain) = person.knows_users_of() {
                    sim.command(host, &Command::UseDirectory(Arc::new(domain.directory())));
                }
                host
            }
            Self::Sockets(sockets) => sockets.person(person),
        }
    }

    /// Puts a switchboard on the stage, with its names in the hosts table.
    pub(crate) fn switchboard(&mut self, domain: &Domain) -> HostId {
        let (sim, transports) = match self {
            Self::Simulated(sim, transports) => (sim, *transports),
            Self::Sockets(sockets) => return sockets.switchboard(domain),
        };
        let at = cast::address(domain.address);
        let settings = domain.settings();
        let host =
            sim.stand(Host::listening(domain.name, Some(domain.host), &[at], &cast::TRANSPORTS, settings));
        let names = sim.names_mut();
        names.host(domain.host, at);
        for name in domain.domains {
            for transport in transports {
                names.server(name, transport, domain.host, transport.default_port());
            }
        }
        let [preferred, _] = transports;
        names.server(domain.host, preferred, domain.host, preferred.default_port());
        sim.command(host, &Command::UseDirectory(Arc::new(domain.directory())));
        host
    }

    /// The switchboard that is up already, if flows are played through one.
    pub(crate) fn via(&self) -> Option<&'static Via> {
        match self {
            Self::Simulated(..) => None,
            Self::Sockets(sockets) => sockets.via(),
        }
    }

    /// An address as it is dialled here.
    pub(crate) fn dialled(&self, uri: &str) -> String {
        match self {
            Self::Simulated(..) => uri.to_owned(),
            Self::Sockets(sockets) => sockets.dialled(uri),
        }
    }

    pub(crate) fn name_of_address(&mut self, name: &str, last: u8) {
        match self {
            Self::Simulated(sim, _) => sim.names_mut().host(name, cast::address(last)),
            Self::Sockets(sockets) => sockets.name_of_address(name, last),
        }
    }

    pub(crate) fn provision(&mut self, host: HostId, aor: &str, contact: &str) {
        match self {
            Self::Simulated(sim, _) => sim.provision(host, aor, contact),
            Self::Sockets(sockets) => sockets.provision(host, aor, contact),
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        match self {
            Self::Simulated(sim, _) => sim.fault(fault),
            Self::Sockets(sockets) => sockets.wire().state().faults.add(fault),
        }
    }

    pub(crate) fn lift_silence(&mut self) {
        match self {
            Self::Simulated(sim, _) => sim.lift_silence(),
            Self::Sockets(sockets) => sockets.wire().state().faults.lift_silence(),
        }
    }

    /// A loss that was asked for and never happened.
    pub(crate) fn unused_fault(&self) -> Option<String> {
        match self {
            Self::Simulated(sim, _) => sim.unused_faults().next().map(Fault::to_string),
            Self::Sockets(sockets) => sockets.wire().state().faults.unused().next().map(Fault::to_string),
        }
    }

    /// People are about to act at one moment: nobody hears what the others do before they have done their part. In virtual time
    /// that is so without more.
    pub(crate) fn hold_up(&self) {
        if let Self::Sockets(sockets) = self {
            sockets.wire().hold_up();
        }
    }

    /// They have acted, or have to wait for something first.
    pub(crate) fn let_go(&self) {
        if let Self::Sockets(sockets) = self {
            sockets.wire().let_go();
        }
    }

    pub(crate) fn command(&mut self, host: HostId, command: Command) {
        match self {
            Self::Simulated(sim, _) => {
                sim.command(host, &command);
            }
            Self::Sockets(sockets) => sockets.command(host, command),
        }
    }

    pub(crate) fn name(&self, host: HostId) -> &str {
        match self {
            Self::Simulated(sim, _) => sim.name(host),
            Self::Sockets(sockets) => sockets.name(host),
        }
    }

    /// The listener of a person's other address.
    pub(crate) fn other_address(&self) -> ListenerId {
        match self {
            Self::Simulated(..) => cast::OTHER_ADDRESS,
            Self::Sockets(sockets) => sockets.other_address(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::Simulated(sim, _) => sim.now(),
            Self::Sockets(sockets) => sockets.now(),
        }
    }

    /// When its clock started, since 1970; virtual time starts then.
    pub(crate) fn began(&self) -> Duration {
        match self {
            Self::Simulated(..) => Duration::ZERO,
            Self::Sockets(sockets) => sockets.began(),
        }
    }

    /// Lets the next thing happen; false if nothing does by `until`.
    pub(crate) fn step(&mut self, until: Instant) -> bool {
        match self {
            Self::Simulated(sim, _) => sim.step(until),
            Self::Sockets(sockets) => sockets.wire().wait(until),
        }
    }

    pub(crate) fn poll_notice(&mut self) -> Option<Notice> {
        match self {
            Self::Simulated(sim, _) => sim.poll_notice(),
            Self::Sockets(sockets) => sockets.poll_notice(),
        }
    }

    pub(crate) fn reaction(&mut self) -> Duration {
        let [still, longest] = self.pace().reaction;
        match self {
            Self::Simulated(sim, _) => sim.reaction(still, longest),
            Self::Sockets(sockets) => {
                let spread = u64::try_from(longest.saturating_sub(still).as_micros()).unwrap_or(u64::MAX);
                still + Duration::from_micros(sockets.people.below(spread.saturating_add(1)))
            }
        }
    }

    /// The simulation, for whoever explores what may happen on it.
    ///
    /// # Panics
    ///
    /// On sockets, where nobody does.
    pub(crate) fn simulation(&self) -> &Sim {
        match self {
            Self::Simulated(sim, _) => sim,
            Self::Sockets(_) => panic!("only the simulated network is explored"),
        }
    }

    /// The same, to change it.
    ///
    /// # Panics
    ///
    /// On sockets.
    pub(crate) fn simulation_mut(&mut self) -> &mut Sim {
        match self {
            Self::Simulated(sim, _) => sim,
            Self::Sockets(_) => panic!("only the simulated network is explored"),
        }
    }

    /// Reads what passed.
    pub(crate) fn tap<R>(&self, reads: impl FnOnce(&Tap) -> R) -> R {
        match self {
            Self::Simulated(sim, _) => reads(sim.tap()),
            Self::Sockets(sockets) => reads(&sockets.wire().state().tap),
        }
    }

    /// How many rows passed.
    pub(crate) fn rows(&self) -> usize {
        self.tap(Tap::len)
    }

    /// Reads who has which session up.
    pub(crate) fn sessions<R>(&self, reads: impl FnOnce(&Sessions) -> R) -> R {
        match self {
            Self::Simulated(sim, _) => reads(sim.sessions()),
            Self::Sockets(sockets) => reads(&sockets.wire().state().sessions),
        }
    }

    pub(crate) fn ladder(&self, first: usize) -> Ladder {
        self.tap(|tap| tap.ladder(first, |host| self.name(host)))
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Simulated(sim, _) => sim.is_quiet(),
            // What is on its way on the loopback network arrives within the moment that counts as rest.
            Self::Sockets(_) => true,
        }
    }

    /// Whether everything may happen, so that a play may stop anywhere.
    pub(crate) fn is_unbounded(&self) -> bool {
        match self {
            Self::Simulated(sim, _) => sim.weather() == Weather::Unbounded,
            Self::Sockets(_) => false,
        }
    }

    /// What the weather was and what it took, in a few lines.
    pub(crate) fn losses(&self) -> String {
        match self {
            Self::Simulated(sim, _) => sim.losses(),
            Self::Sockets(sockets) => {
                let lost = self.tap(|tap| tap.messages(0).filter(|seen| seen.lost).count());
                format!("over {}: {lost} messages lost\n", sockets.transport())
            }
        }
    }

    /// Who stands where: the name, and where the first listener is.
    pub(crate) fn actors(&self, order: &[HostId]) -> Vec<(String, SocketAddr)> {
        match self {
            Self::Simulated(sim, _) => {
                let local =
                    |host: &HostId| Some((sim.name(*host).to_owned(), sim.listeners(*host).first()?.local));
                order.iter().filter_map(local).collect()
            }
            Self::Sockets(sockets) => sockets.actors(),
        }
    }

    /// What is to be judged of what passed: as if the servers had not been there that are not drawn, or not where they
    /// had to be for a client that cannot be called directly.
    pub(crate) fn as_drawn(&self, observed: Observed) -> Observed {
        match self {
            Self::Simulated(..) => observed,
            Self::Sockets(sockets) => sockets.as_drawn(observed),
        }
    }
}
