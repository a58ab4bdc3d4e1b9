//! An agent on a socket, with the wire between it and the driver.

use super::wire::Wire;
use cordboard_core::time::Instant;
use cordboard_net::Shard;
use cordboard_service::door::{Answer, Input, Output, Question, ShardId};
use cordboard_service::location::Location;
use cordboard_service::{Agent, Counters};
use cordboard_sim::HostId;
use std::sync::Arc;

/// One agent of a stage. It looks names up in the stage's table and keeps its registrations in memory.
pub(crate) struct Actor {
    pub(crate) agent: Agent,
    pub(crate) location: Location,
    pub(crate) host: HostId,
    pub(crate) wire: Arc<Wire>,
    /// The time of the last input.
    pub(crate) now: Instant,
}

impl Actor {
    /// Answers what need not leave the process.
    fn answer(&mut self, question: Question) -> Result<Answer, Question> {
        Ok(match question {
            Question::Dns(query) => Answer::Dns(self.wire.look_up(&query)),
            Question::Locate(wanted) => Answer::Located(self.location.locate(self.now, &wanted)),
            Question::Register(registration) => {
                let kept = self.location.handle(self.now, &registration);
                Answer::Registered(kept.map(|(registered, _)| registered))
            }
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
        match &input {
            Input::Packet { bytes, .. } if !self.wire.reaches(self.host, bytes) => return,
            Input::FlowClosed(flow, _) => self.location.flow_closed(flow),
            Input::Packet { .. }
            | Input::FlowOpened(..)
            | Input::Answer(..)
            | Input::Command(..)
            | Input::Handed(_) => {}
        }
        self.agent.handle(now, input);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
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
        self.agent.poll_timeout()
    }

    fn counters(&self) -> Counters {
        self.agent.counters()
    }
}
