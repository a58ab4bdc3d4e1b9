//! A telephone: the user agent of RFC 3261 §8, §12, §13, §14 and §15.

use crate::call::CallAction;
use crate::desk::Desk;
use crate::door::{Answer, CommandId};
use crate::settings::Settings;
use cordboard_core::stack::Event;
use cordboard_core::time::Instant;
use cordboard_core::transaction::{ClientId, ServerId};
use cordboard_core::transport::Flow;
use cordboard_sip::{Status, View};

/// The telephone of one agent.
pub(crate) struct Telephone {}

impl Telephone {
    pub(crate) fn new(_settings: &Settings) -> Self {
        Self {}
    }

    /// A new request other than ACK and CANCEL.
    pub(crate) fn handle_request(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        _flow: Flow,
        server: ServerId,
        request: &View<'_>,
    ) {
        desk.reply(now, server, request, Status::METHOD_NOT_ALLOWED);
    }

    /// The INVITE `invite`, ours by `key`, is cancelled; the CANCEL is answered already.
    pub(crate) fn handle_cancel(&mut self, _desk: &mut Desk, _now: Instant, _key: u64, _invite: ServerId) {}

    /// An ACK for a 2xx.
    pub(crate) fn handle_ack(&mut self, _desk: &mut Desk, _now: Instant, _flow: Flow, _ack: &View<'_>) {}

    /// A response to a request of ours.
    pub(crate) fn handle_response(
        &mut self,
        _desk: &mut Desk,
        _now: Instant,
        _key: u64,
        _client: ClientId,
        _response: &View<'_>,
    ) {
    }

    /// A response that no transaction knows: a late 2xx must still be acknowledged (RFC 3261 §13.2.2.4).
    pub(crate) fn handle_stray_response(
        &mut self,
        _desk: &mut Desk,
        _now: Instant,
        _flow: Flow,
        _response: &View<'_>,
    ) {
    }

    /// What the stack tells of our transactions.
    pub(crate) fn handle_event(&mut self, _desk: &mut Desk, _now: Instant, _event: Event) {}

    /// The answer to a question of ours.
    pub(crate) fn handle_answer(&mut self, _desk: &mut Desk, _now: Instant, _key: u64, _answer: Answer) {}

    /// A button was pressed.
    pub(crate) fn handle_action(
        &mut self,
        _desk: &mut Desk,
        _now: Instant,
        _id: CommandId,
        _action: CallAction,
    ) {
    }

    /// Fires what is due.
    pub(crate) fn handle_timeout(&mut self, _desk: &mut Desk, _now: Instant) {}

    /// When [`handle_timeout`](Self::handle_timeout) is wanted next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Whether no call is up or under way.
    pub(crate) fn is_idle(&self) -> bool {
        true
    }
}
