//! The ACK of a 2xx (RFC 3261 §13.2.2.4): a request without a transaction, which is kept and goes out again each time its
//! 2xx does. What a call of ours leads to waits until it has found its way.

use super::Telephone;
use super::call::{Acked, Side};
use super::caller::Answered;
use super::letter::{ContactLine, Letter, Purpose};
use super::written::SDP;
use crate::desk::Desk;
use cordboard_core::session::caller;
use cordboard_core::time::Instant;
use cordboard_core::transport::Flow;
use cordboard_sip::{Method, Status, View};

impl Telephone {
    /// Sends the ACK for a 2xx (§13.2.2.4), with the credentials of its INVITE (§22.1).
    pub(super) fn acknowledge(&mut self, desk: &mut Desk, now: Instant, key: u64, answered: Answered) {
        let Some(call) = self.calls.get(key) else { return };
        let Some(leg) = call.legs.get(answered.leg) else { return };
        let letter = Letter {
            purpose: Purpose::Ack(key, answered.leg),
            method: Method::Ack,
            from: leg.dialog.local().into(),
            to: leg.dialog.remote().into(),
            call_id: call.call_id.clone(),
            cseq: answered.cseq,
            contact: ContactLine::None,
            lines: answered.credentials,
            body: answered.body.map(|body| (SDP, body)),
            listener: call.listener,
        };
        let way = leg.dialog.way();
        if self.run(desk, now, letter, vec![way], &[]).is_none() {
            self.ack_lost(desk, now, key, answered.leg);
        }
    }

    /// Whether a response is a 2xx that is being acknowledged already, so that what it says may be out of date.
    pub(super) fn came_before(&self, key: u64, response: &View<'_>) -> bool {
        let Some(call) = self.calls.get(key) else { return false };
        let leg = call.leg_of(response).map(|leg| &call.legs[leg]);
        response.method() == Method::Invite
            && response.status().is_some_and(Status::is_success)
            && leg.is_some_and(|leg| !matches!(leg.ack(response.cseq().0), Acked::New))
    }

    /// The same 2xx again: its ACK was lost (§13.2.2.4).
    pub(super) fn acknowledge_again(&mut self, desk: &mut Desk, now: Instant, key: u64, answered: Answered) {
        let Some(leg) = self.calls.get_mut(key).and_then(|call| call.legs.get_mut(answered.leg)) else {
            return;
        };
        match leg.ack(answered.cseq) {
            Acked::Sent(flow, bytes) => desk.send(flow, bytes),
            Acked::Pending => {}
            Acked::New => {
                leg.begin_ack(answered.cseq);
                self.acknowledge(desk, now, key, answered);
            }
        }
    }

    /// The ACK of a 2xx is sent.
    pub(super) fn acknowledged(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        (key, leg): (u64, usize),
        (cseq, flow, bytes): (u32, Flow, bytes::Bytes),
    ) {
        if let Some(leg) = self.calls.get_mut(key).and_then(|call| call.legs.get_mut(leg)) {
            leg.keep_ack(cseq, flow, bytes);
        }
        self.ack_is_out(desk, now, key, leg);
    }

    /// The ACK of a 2xx went nowhere.
    pub(super) fn ack_lost(&mut self, desk: &mut Desk, now: Instant, key: u64, leg: usize) {
        if let Some(leg) = self.calls.get_mut(key).and_then(|call| call.legs.get_mut(leg)) {
            leg.forget_unsent();
        }
        self.ack_is_out(desk, now, key, leg);
        self.sweep(key);
    }

    /// What waited for an ACK goes on.
    fn ack_is_out(&mut self, desk: &mut Desk, now: Instant, key: u64, leg: usize) {
        let waits = Side::Caller(caller::State::Answered);
        if self.calls.get(key).is_some_and(|call| call.side == waits && call.answered == Some(leg)) {
            self.advance_caller(desk, now, key, caller::Input::Acknowledged, None);
            self.proceed(desk, now, key);
        }
    }
}
