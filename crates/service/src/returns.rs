//! Responses whose connection has died, and their other ways back: RFC 3261 §18.2.2, RFC 3263 §5.
//!
//! The stack notices that a response can no longer go where its request came from; the Via says where else its client
//! may be, and [`Selection`] in which order that is tried. A response that finds nobody is dropped: the client has
//! given up by then or asks again, and our own transaction ends by its timers.

use crate::desk::{Asker, Desk, Sought};
use crate::door::Answer;
use bytes::Bytes;
use cordboard_core::server_location::{Selection, SentBy};
use cordboard_core::stack::Stranded;
use cordboard_core::transaction::ServerId;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_sip::View;
use slab::Slab;
use std::collections::BTreeMap;

/// Requests of one shard whose responses are looking for their way back. Anybody may have us look, by closing a
/// connection.
const MAX_RETURNS: usize = 1_000;

/// Responses to one request that wait for the same connection; a 2xx is repeated meanwhile.
const MAX_WAITING: usize = 8;

/// The responses of one shard that are looking for their way back.
#[derive(Default)]
pub(crate) struct Returns {
    table: Slab<Return>,
    by_server: BTreeMap<ServerId, u64>,
    generation: u32,
}

struct Return {
    generation: u32,
    server: ServerId,
    /// That of its connection.
    listener: ListenerId,
    selection: Selection,
    /// In the order in which they were to go.
    waiting: Vec<Bytes>,
}

impl Returns {
    /// Whether none is looking.
    pub(crate) fn is_idle(&self) -> bool {
        self.table.is_empty()
    }

    /// A response cannot go where its request came from.
    pub(crate) fn handle(&mut self, desk: &mut Desk, stranded: Stranded) {
        let Stranded { server, flow, bytes } = stranded;
        if let Some(known) = self.by_server.get(&server).copied() {
            let waiting = self.get(known).map(|known| &mut known.waiting);
            match waiting.filter(|waiting| waiting.len() < MAX_WAITING) {
                Some(waiting) if waiting.last() != Some(&bytes) => waiting.push(bytes),
                Some(_) => {}
                None => desk.counters.dropped += 1,
            }
            return;
        }
        let Some(sent_by) = sent_by(&bytes, flow.transport).filter(|_| self.table.len() < MAX_RETURNS) else {
            desk.counters.dropped += 1;
            return;
        };
        self.generation = self.generation.wrapping_add(1);
        let selection = Selection::of_response(sent_by, desk.supported(true));
        let slot = self.table.insert(Return {
            generation: self.generation,
            server,
            listener: flow.listener,
            selection,
            waiting: vec![bytes],
        });
        let key = u64::from(self.generation) << 32 | slot as u64;
        self.by_server.insert(server, key);
        self.step(desk, key);
    }

    /// The answer to what was asked for one of them.
    pub(crate) fn handle_answer(&mut self, desk: &mut Desk, key: u64, answer: Answer) {
        let Some(known) = self.get(key) else { return };
        match answer {
            Answer::Opened(Ok(flow)) => return self.deliver(desk, key, flow),
            Answer::Dns(records) => {
                if let Some(query) = known.selection.asked() {
                    known.selection.handle_records(&query, records, desk.stack.dice());
                }
            }
            Answer::Opened(Err(_)) | Answer::Located(_) | Answer::Registered(_) | Answer::Kept(_) => {}
        }
        self.step(desk, key);
    }

    /// Tries the next address.
    fn step(&mut self, desk: &mut Desk, key: u64) {
        let Some(known) = self.get(key) else { return };
        match desk.seek(&mut known.selection, known.listener, Asker::Return(key)) {
            Sought::Asked => {}
            Sought::Flow(flow) => self.deliver(desk, key, flow),
            Sought::Nobody | Sought::NoRoom => {
                if let Some(lost) = self.take(key) {
                    desk.counters.dropped += lost.waiting.len() as u64;
                }
            }
        }
    }

    /// The client was found: what waits goes there, and so does what else is to be answered.
    fn deliver(&mut self, desk: &mut Desk, key: u64, flow: Flow) {
        let Some(found) = self.take(key) else { return };
        desk.stack.answer_over(found.server, flow);
        for bytes in found.waiting {
            desk.send(flow, bytes);
        }
    }

    fn get(&mut self, key: u64) -> Option<&mut Return> {
        self.table.get_mut(key as u32 as usize).filter(|known| known.generation == (key >> 32) as u32)
    }

    fn take(&mut self, key: u64) -> Option<Return> {
        let slot = key as u32 as usize;
        self.table.get(slot).filter(|known| known.generation == (key >> 32) as u32)?;
        let known = self.table.remove(slot);
        self.by_server.remove(&known.server);
        Some(known)
    }
}

/// Where else its client may be, by the top Via. What the Via says of its transport must be how the request came.
fn sent_by(response: &[u8], transport: Transport) -> Option<SentBy> {
    let response = View::parse(response).ok()?;
    let via = response.top_via();
    via.transport.eq_ignore_ascii_case(transport.via_token()).then(|| SentBy {
        transport,
        received: via.received.and_then(|text| text.parse().ok()),
        host: via.host.into(),
        port: via.port,
    })
}
