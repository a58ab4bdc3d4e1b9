//! An agent on a socket, with the wire between it and the driver.

use super::wire::Wire;
use bytes::Bytes;
use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_net::Shard;
use cordboard_service::door::{Answer, Input, Output, Question, ShardId};
use cordboard_service::location::Location;
use cordboard_service::{Agent, Counters};
use cordboard_sim::HostId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// One agent of a stage. It looks names up in the stage's table and keeps its registrations in memory.
pub(crate) struct Actor {
    pub(crate) agent: Agent,
    pub(crate) location: Location,
    pub(crate) host: HostId,
    pub(crate) wire: Arc<Wire>,
    /// The time of the last input.
    pub(crate) now: Instant,
    /// What has arrived and is held up.
    pub(crate) held_up: VecDeque<(Flow, Bytes)>,
}

/// How soon an agent looks again whether what it holds up may go on.
const LOOKS_AGAIN: Duration = Duration::from_millis(2);

impl Actor {
    /// Reads what has arrived, unless it is held up.
    fn hears(&mut self) {
        while !self.wire.is_held_up()
            && let Some((flow, bytes)) = self.held_up.pop_front()
        {
            if self.wire.reaches(self.host, flow, &bytes) {
                self.agent.handle(self.now, Input::Packet { flow, bytes: &bytes });
            }
        }
    }

    /// Answers what need not leave the process.
    fn answer(&mut self, question: Question) -> Result<Answer, Question> {
        Ok(match question {
            Question::Dns(query) => Answer::Dns(self.wire.look_up(&query)),
            Question::Locate(wanted) => Answer::Located(self.location.locate(self.now, &wanted)),
            Question::Register(registration) => {
                let kept = self.location.handle(self.now, &registration);
                Answer::Registered(kept.map(|(registered, _)| registered))
            }
            // Nobody is started again on this stage.
            Question::Keep { .. } => Answer::Kept(true),
            open @ Question::Open { .. } => return Err(open),
        })
    }
}

impl Shard for Actor {
    type Counters = Counters;

    fn shard_of(bytes: &[u8], shards: u8) -> ShardId {
        Agent::shard_of(bytes, shards)
    }

    fn handle(&mut self, now: Instant, input: Input<'_>) {
        self.now = now;
        match input {
            Input::Packet { flow, bytes } => {
                self.held_up.push_back((flow, Bytes::copy_from_slice(bytes)));
                self.hears();
            }
            Input::FlowClosed(flow, error) => {
                self.location.flow_closed(&flow);
                self.agent.handle(now, Input::FlowClosed(flow, error));
            }
            Input::Command(id, command) => {
                self.agent.handle(now, Input::Command(id, command));
                self.wire.obeyed();
            }
            other @ (Input::FlowOpened(..) | Input::Answer(..) | Input::Handed(_)) => {
                self.agent.handle(now, other);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.hears();
        self.agent.handle_timeout(now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        loop {
            match self.agent.poll_output()? {
                Output::Send { flow, bytes } => {
                    if self.wire.sends(self.host, flow, &bytes) {
                        return Some(Output::Send { flow, bytes });
                    }
                }
                Output::Ask(ask, question) => match self.answer(question) {
                    Ok(answer) => self.agent.handle(self.now, Input::Answer(ask, answer)),
                    Err(question) => return Some(Output::Ask(ask, question)),
                },
                Output::Event(event) => self.wire.tells(self.host, event),
                other @ (Output::CloseFlow(_) | Output::HandOver(..)) => return Some(other),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let looks_again = (!self.held_up.is_empty()).then(|| self.now + LOOKS_AGAIN);
        self.agent.poll_timeout().into_iter().chain(looks_again).min()
    }

    fn counters(&self) -> Counters {
        self.agent.counters()
    }
}
