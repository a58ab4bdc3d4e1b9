//! A performance: one flow of the catalogue, played once on a stage, with what passed and what the judge says of it.
//!
//! ```
//! use cordboard_core::transport::Transport;
//! use cordboard_flows::catalogue;
//! use cordboard_flows::performance::{House, Performance, Terms};
//!
//! let flow = catalogue::find("5359-2.5").expect("it is in the catalogue");
//! let terms = Terms { house: House::Simulated, transport: Transport::Udp, loss: 0, seed: 7 };
//! let performance = Performance::of(flow, terms);
//! assert!(performance.verdict.is_match(), "{}", performance.verdict);
//! assert_eq!(performance.talking, [["alice", "carol"]]);
//! ```

mod capture;
mod report;

pub use capture::Capture;
pub use report::Report;

use crate::backstage::Inner;
use crate::catalogue::Entry;
use crate::golden::{self, Golden};
use crate::judge::{Difference, Observed, Place, Verdict, judge};
use crate::stage::Stage;
use crate::via::Via;
use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_ladder::Ladder;
use cordboard_sim::Weather;
use std::net::SocketAddr;
use std::time::Duration;

/// Where it is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum House {
    /// On the simulated network, in virtual time.
    Simulated,
    /// Over sockets, on the loopback network.
    Sockets,
    /// The same, through a switchboard that is up already.
    Through(&'static Via),
}

/// On what terms it is played.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Where.
    pub house: House,
    /// Over what people talk.
    pub transport: Transport,
    /// How many of a hundred datagrams are lost.
    pub loss: u8,
    /// Where everything random comes from.
    pub seed: u64,
}

/// One flow, played.
#[derive(Clone, Debug)]
pub struct Performance {
    /// Which.
    pub flow: &'static Entry,
    /// On what terms.
    pub terms: Terms,
    /// Who stood where.
    pub actors: Vec<(String, SocketAddr)>,
    /// Every message that passed.
    pub observed: Observed,
    /// Who talked with whom when the flow was over, in the order of the stage.
    pub talking: Vec<[String; 2]>,
    /// What is thought of it.
    pub verdict: Verdict,
    /// The drawing of the flow.
    pub ladder: Ladder,
    /// How long it took until the flow was over, in the time of the house.
    pub took: Duration,
    /// When it began, since 1970; virtual time begins then.
    pub began: Duration,
}

impl Performance {
    /// Plays a flow and judges it.
    pub fn of(flow: &'static Entry, terms: Terms) -> Self {
        Self::judged_by(golden::all(), flow, terms)
    }

    /// The same with other lists. What is played knows nothing of them.
    pub fn judged_by(lists: &[Golden], flow: &'static Entry, terms: Terms) -> Self {
        let stage = terms.stage();
        (flow.play)(&stage);
        let stopped = stage.falls_silent().err();
        let talking = stage.looks(talking);
        let ended = stage.ends().err();
        let mut differences = Vec::new();
        let mut tells = |line: &str, why: String| {
            let place = Place { number: None, id: None, line: line.to_owned() };
            differences.push(Difference { place, why });
        };
        if let Some(why) = &stopped {
            tells("the play", format!("stopped: {why}"));
        } else if let Some(why) = ended {
            tells("the end", format!("is not as it should be: {why}"));
        }
        let wanted: Vec<[String; 2]> = flow.talking.iter().map(|pair| pair.map(str::to_owned)).collect();
        if stopped.is_none() && !same_pairs(&wanted, &talking) {
            tells("the end", format!("has {} talking, not {}", in_words(&talking), in_words(&wanted)));
        }
        stage.looks(|inner| {
            let begins = inner.begins(flow.setup_pages);
            let observed = inner.observed(begins);
            if let Some(list) = lists.iter().find(|list| list.id == flow.id) {
                let judged = judge(list, &inner.as_staged(inner.ground.as_drawn(observed.clone())));
                differences.extend(judged.differences().iter().cloned());
            } else {
                let place = Place { number: None, id: None, line: flow.id.to_owned() };
                differences.push(Difference { place, why: "has no list to be judged by".to_owned() });
            }
            Self {
                flow,
                terms,
                actors: inner.ground.actors(&inner.order),
                talking,
                verdict: if differences.is_empty() { Verdict::Match } else { Verdict::Differs(differences) },
                ladder: inner.ladder_of_flow(begins),
                began: inner.ground.began(),
                took: inner.over.map_or(Duration::ZERO, |(_, at)| at.since(Instant::START)),
                observed,
            }
        })
    }

    /// What is told of it as JSON.
    pub fn report(&self) -> Report<'_> {
        Report::of(self)
    }
}

impl Terms {
    fn stage(self) -> Stage {
        let Self { house, transport, loss, seed } = self;
        match house {
            House::Simulated if loss == 0 => Stage::simulated_over(seed, Weather::Still, transport),
            House::Simulated => Stage::simulated_over(seed, Weather::Lossy(loss), transport),
            House::Sockets => Stage::sockets(seed, transport, loss),
            House::Through(via) => Stage::through(seed, transport, via),
        }
    }
}

/// Who hears whom, by name.
fn talking(inner: &Inner) -> Vec<[String; 2]> {
    let pairs = inner.talking().into_iter();
    pairs.map(|pair| pair.map(|host| inner.ground.name(host).to_owned())).collect()
}

/// Whether the same people talk, whoever of a pair is named first.
fn same_pairs(one: &[[String; 2]], other: &[[String; 2]]) -> bool {
    let sorted = |pairs: &[[String; 2]]| {
        let mut pairs = pairs.to_vec();
        for pair in &mut pairs {
            pair.sort();
        }
        pairs.sort();
        pairs
    };
    sorted(one) == sorted(other)
}

fn in_words(pairs: &[[String; 2]]) -> String {
    let words: Vec<String> = pairs.iter().map(|[one, other]| format!("{one} with {other}")).collect();
    if words.is_empty() { "nobody".to_owned() } else { words.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    fn simulated(id: &str, loss: u8, seed: u64) -> Performance {
        let flow = catalogue::find(id).expect("it is in the catalogue");
        Performance::of(flow, Terms { house: House::Simulated, transport: Transport::Udp, loss, seed })
    }

    #[test]
    fn every_flow_matches_on_the_simulated_network() {
        for flow in catalogue::all() {
            for transport in [Transport::Udp, Transport::Tcp] {
                // A simulated host that is off takes no connection, so that nobody sees what it does not answer.
                if transport == Transport::Tcp && ["3665-3.4", "3665-3.10"].contains(&flow.id) {
                    continue;
                }
                let terms = Terms { house: House::Simulated, transport, loss: 0, seed: 1 };
                let done = Performance::of(flow, terms);
                assert!(
                    done.verdict.is_match(),
                    "{flow} over {transport}: {}\n{}",
                    done.verdict,
                    done.ladder
                );
            }
        }
    }

    #[test]
    fn a_loss_is_made_good() {
        for seed in 1..=5 {
            let done = simulated("5359-2.5", 20, seed);
            assert!(done.verdict.is_match(), "seed {seed}: {}\n{}", done.verdict, done.ladder);
        }
        let again = |done: &Performance| done.observed.messages.iter().any(|message| message.retransmission);
        assert!((1..=5).any(|seed| again(&simulated("5359-2.5", 20, seed))), "something was lost");
    }

    #[test]
    fn who_talks_in_the_end_is_judged_too() {
        let flow = catalogue::find("5359-2.5").expect("it is in the catalogue");
        let wrong: &'static Entry = Box::leak(Box::new(Entry { talking: &[["alice", "bob"]], ..*flow }));
        let terms = Terms { house: House::Simulated, transport: Transport::Udp, loss: 0, seed: 1 };
        let told = Performance::of(wrong, terms).verdict.to_string();
        assert_eq!(told, "differs\nthe end has alice with carol talking, not alice with bob");
    }

    #[test]
    fn a_play_that_stops_is_told_with_the_reason() {
        let waits_in_vain = |stage: &Stage| {
            let alice = stage.person(&crate::rfc3665::scene::ALICE_BY_HERSELF);
            alice.hears_ringing();
        };
        let flow = catalogue::find("3665-3.1").expect("it is in the catalogue");
        let wrong: &'static Entry = Box::leak(Box::new(Entry { play: waits_in_vain, ..*flow }));
        let terms = Terms { house: House::Simulated, transport: Transport::Udp, loss: 0, seed: 1 };
        let told = Performance::of(wrong, terms).verdict.to_string();
        assert!(told.contains("the play stopped: alice.hears_ringing() could not be done"), "{told}");
        assert!(told.contains("F1 (INVITE alice -> bob) is missing"), "{told}");
    }
}
