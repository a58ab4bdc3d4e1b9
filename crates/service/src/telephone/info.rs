//! INFO (RFC 6086): digits as telephones signalled them before there were packages, both ways (§9.2.1 of RFC 6086 calls
//! it legacy). No package is taken, and `Recv-Info` says so.

use super::Telephone;
use super::letter::{Letter, Purpose};
use crate::call::{CallEvent, CallName};
use crate::desk::Desk;
use cordboard_core::time::Instant;
use cordboard_core::transaction::ServerId;
use cordboard_sip::header::InfoPackage;
use cordboard_sip::{Method, Name, Status, View};
use std::time::Duration;

/// A digit with its duration.
const RELAY: &str = "application/dtmf-relay";

/// A digit alone.
const DIGIT: &str = "application/dtmf";

/// What we take.
const KINDS: &str = "application/dtmf-relay, application/dtmf";

/// How long a digit sounds of which nothing is said.
const USUAL: Duration = Duration::from_millis(250);

/// The longest that is believed, and asked for.
const LONGEST: Duration = Duration::from_secs(10);

impl Telephone {
    /// An INFO in a call (RFC 6086 §4.2.2).
    pub(super) fn info_received(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        server: ServerId,
        request: &View<'_>,
        (at, leg): (u64, usize),
    ) {
        if let Some((status, bytes)) = super::answers::lacking(desk, request) {
            return desk.stack.respond(now, server, status, bytes);
        }
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.is_over() || (call.is_up() && call.answered != Some(leg)) {
            return desk.reply(now, server, request, Status::CALL_DOES_NOT_EXIST);
        }
        if let Err(late) = call.legs[leg].dialog.accept(request) {
            return desk.reply(now, server, request, late.status());
        }
        let name = call.name;
        let (status, line) = match read(request) {
            Ok(None) => (Status::OK, None),
            Ok(Some((digit, duration))) => {
                Self::tell(desk, CallEvent::DigitSignalled { call: name, digit, duration });
                (Status::OK, None)
            }
            Err(Status::BAD_INFO_PACKAGE) => (Status::BAD_INFO_PACKAGE, Some((Name::RECV_INFO, ""))),
            Err(Status::UNSUPPORTED_MEDIA_TYPE) => {
                (Status::UNSUPPORTED_MEDIA_TYPE, Some((Name::ACCEPT, KINDS)))
            }
            Err(status) => (status, None),
        };
        let mut response = desk.response(request, status);
        if let Some((name, value)) = line {
            response = response.line(name, value);
        }
        desk.stack.respond(now, server, status, response.finish());
    }

    /// Signals a digit to the other side.
    pub(super) fn signal_digit(&mut self, desk: &mut Desk, now: Instant, name: CallName, digit: char) {
        let at = self.names.get(&name).copied().filter(|_| is_digit(digit));
        let sent = at.and_then(|at| {
            let call = self.calls.get_mut(at).filter(|call| call.is_up())?;
            let (listener, realms) = (call.listener, call.realms.clone());
            let dialog = call.dialog_mut()?;
            let cseq = dialog.next_cseq();
            let letter = Letter::in_dialog(dialog, Purpose::Info(at), Method::Info, cseq, listener);
            let text = format!("Signal={digit}\r\nDuration={}\r\n", USUAL.as_millis());
            let letter = Letter {
                contact: super::letter::ContactLine::None,
                body: Some((RELAY, text.into())),
                ..letter
            };
            let way = dialog.way();
            self.run(desk, now, letter, vec![way], &realms)
        });
        if sent.is_none() {
            Self::tell(desk, CallEvent::Impossible(name));
        }
    }

    /// The final response to an INFO of ours, or none.
    pub(super) fn info_answered(&self, desk: &mut Desk, at: u64, status: Status) {
        if let Some(call) = self.calls.get(at) {
            Self::tell(desk, CallEvent::DigitAnswered(call.name, status));
        }
    }
}

/// What an INFO says: a digit, or nothing at all; else the status that refuses it.
fn read(request: &View<'_>) -> Result<Option<(char, Duration)>, Status> {
    match request.header::<InfoPackage>() {
        // §4.2.2: a package that we have not said we take.
        Some(Ok(_)) => return Err(Status::BAD_INFO_PACKAGE),
        Some(Err(_)) => return Err(Status::BAD_REQUEST),
        None if request.body().is_empty() => return Ok(None),
        None => {}
    }
    let kind = request.value(Name::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let text = std::str::from_utf8(request.body()).map_err(|_| Status::BAD_REQUEST)?;
    let digit = |text: &str| {
        let mut letters = text.trim().chars();
        letters.next().filter(|digit| letters.next().is_none() && is_digit(*digit))
    };
    let read = if kind.eq_ignore_ascii_case(RELAY) {
        let field = |name: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(field, _)| field.trim().eq_ignore_ascii_case(name))
        };
        let duration = field("Duration").and_then(|(_, value)| value.trim().parse().ok());
        let duration = duration.map_or(USUAL, Duration::from_millis);
        field("Signal").and_then(|(_, value)| digit(value)).map(|digit| (digit, duration.min(LONGEST)))
    } else if kind.eq_ignore_ascii_case(DIGIT) {
        digit(text).map(|digit| (digit, USUAL))
    } else {
        return Err(Status::UNSUPPORTED_MEDIA_TYPE);
    };
    read.map(Some).ok_or(Status::BAD_REQUEST)
}

const fn is_digit(digit: char) -> bool {
    matches!(digit, '0'..='9' | '*' | '#' | 'A'..='D' | 'a'..='d')
}
