//! Asking anybody what they can do, outside a call (RFC 3261 §11.1), and what a failure says for people (§20.18).

use super::letter::{ContactLine, Letter, Purpose};
use super::{Telephone, bracketed, without_way};
use crate::call::CallEvent;
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_sip::header::NameAddrRef;
use cordboard_sip::{Method, Name, Status, View};

/// Questions that may be out at a time.
const MAX_QUESTIONS: usize = 1_000;

/// URIs of one Error-Info that are told.
const MAX_ERROR_INFOS: usize = 8;

/// An OPTIONS that waits for its answer.
pub(super) struct Question {
    to: Box<str>,
    cseq: u32,
}

impl Question {
    pub(super) const fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }
}

impl Telephone {
    /// Asks somebody what they can do.
    pub(super) fn ask_options(&mut self, desk: &mut Desk, now: Instant, to: &str) {
        let name_addr = bracketed(to);
        let uri = NameAddrRef::parse(&name_addr).ok().filter(|address| address.uri().is_ok());
        let uri = uri.map(|address| address.uri_text()).filter(|_| self.questions.len() < MAX_QUESTIONS);
        let Some(uri) = uri else { return Self::tell_options(desk, to, Status::SERVICE_UNAVAILABLE, None) };
        let key = self.questions.insert(Question { to: to.into(), cseq: 1 });
        let letter = Letter {
            purpose: Purpose::Ask(key),
            method: Method::Options,
            from: format!("{};tag={}", self.address(), desk.stack.dice().tag()).into(),
            to: without_way(&name_addr, uri).into(),
            call_id: desk.stack.dice().call_id().into(),
            cseq: 1,
            contact: ContactLine::Own(Box::default()),
            lines: vec![(Name::ACCEPT, super::written::SDP.into())],
            body: None,
            listener: ListenerId(0),
        };
        let ways = self.first_ways(uri);
        if self.run(desk, now, letter, ways, &[]).is_none() {
            self.options_answered(desk, key, Status::SERVICE_UNAVAILABLE, None);
        }
    }

    /// The final response to it, or none.
    pub(super) fn options_answered(
        &mut self,
        desk: &mut Desk,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        let Some(question) = self.questions.remove(key) else { return };
        Self::tell_options(desk, &question.to, status, response);
    }

    fn tell_options(desk: &mut Desk, to: &str, status: Status, response: Option<&View<'_>>) {
        let list = |name: Name| {
            let Some(response) = response else { return Box::default() };
            response.values(name).map(|value| value.text.trim()).collect::<Vec<_>>().join(", ").into()
        };
        let (allow, supported) = (list(Name::ALLOW), list(Name::SUPPORTED));
        let (allow_events, accept) = (list(Name::ALLOW_EVENTS), list(Name::ACCEPT));
        Self::tell(
            desk,
            CallEvent::Options { to: to.into(), status, allow, supported, allow_events, accept },
        );
    }

    /// What a refusal of our INVITE has for people: where to read or hear more.
    pub(super) fn tell_error_info(&self, desk: &mut Desk, key: u64, response: &View<'_>) {
        let uris: Vec<Box<str>> = response
            .values(Name::ERROR_INFO)
            .filter_map(|value| Some(NameAddrRef::parse(value.text).ok()?.uri_text().into()))
            .take(MAX_ERROR_INFOS)
            .collect();
        if let Some(call) = self.calls.get(key).filter(|call| !call.is_over() && !uris.is_empty()) {
            Self::tell(desk, CallEvent::ErrorInfo(call.name, uris));
        }
    }
}
