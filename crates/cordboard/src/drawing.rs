//! A remembered call as a ladder.

use cordboard_ladder::{Ladder, Message, Terminal};
use cordboard_service::door::Recorded;
use cordboard_sip::{Name, View};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

/// The lifeline of the switchboard itself.
const OURSELVES: &str = "cordboard";

/// Draws `messages`, oldest first, for a window of `width` columns.
pub fn draw(messages: &[Recorded], width: usize, color: bool) -> String {
    let names = Names::of(messages);
    let mut ladder = Ladder::new(names.lifelines());
    let mut seen = BTreeSet::new();
    let start = messages.first().map_or_else(Default::default, |message| message.at);
    for message in messages {
        let peer = names.name(message.flow.remote);
        let (from, to) = if message.received { (peer, OURSELVES) } else { (OURSELVES, peer) };
        let mut row = Message::new(from, to, label(&message.bytes));
        row.at = Some(message.at.since(start));
        row.retransmission = !seen.insert((message.received, message.flow.remote, &message.bytes));
        ladder.push(row);
    }
    ladder.mark_pauses(Duration::from_millis(500));
    let addresses: Vec<(String, String)> =
        names.0.iter().map(|(address, name)| (name.clone(), address.to_string())).collect();
    let addresses: Vec<(&str, &str)> =
        addresses.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect();
    ladder.terminal(&Terminal { width, color, addresses: &addresses })
}

/// The first line of a message, as it is written.
pub fn start_line(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == b'\r' || *byte == b'\n').unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Who stands behind which address, in the order in which they appear.
struct Names(Vec<(SocketAddr, String)>);

impl Names {
    /// A peer is called by the user it speaks for: the caller if it sent a request, the callee if it
    /// was sent one.
    fn of(messages: &[Recorded]) -> Self {
        let mut names = Self(Vec::new());
        for message in messages {
            let remote = message.flow.remote;
            if names.0.iter().any(|(address, _)| *address == remote) {
                continue;
            }
            let said = View::parse(&message.bytes).ok().and_then(|view| {
                let from_them = message.received == view.is_request();
                user(if from_them { view.from_uri() } else { view.to_uri() })
            });
            let name = said.unwrap_or_else(|| remote.to_string());
            let taken = name == OURSELVES || names.0.iter().any(|(_, other)| *other == name);
            names.0.push((remote, if taken { format!("{name}:{}", remote.port()) } else { name }));
        }
        names
    }

    fn name(&self, address: SocketAddr) -> &str {
        self.0.iter().find(|(known, _)| *known == address).map_or("?", |(_, name)| name)
    }

    /// The caller on the left, the switchboard next, the others on the right.
    fn lifelines(&self) -> Vec<&str> {
        let mut lifelines: Vec<&str> = self.0.iter().map(|(_, name)| name.as_str()).collect();
        lifelines.insert(lifelines.len().min(1), OURSELVES);
        lifelines
    }
}

fn user(uri: &str) -> Option<String> {
    let uri = cordboard_sip::uri::UriRef::parse(uri).ok()?;
    uri.user().filter(|user| !user.is_empty()).map(str::to_owned)
}

/// The method or the status, and the one fact that matters.
fn label(bytes: &[u8]) -> String {
    let Ok(view) = View::parse(bytes) else { return "?".to_owned() };
    if let Some(status) = view.status() {
        return status.code().to_string();
    }
    let method = view.method_text();
    match fact(&view, method) {
        Some(fact) => format!("{method} {fact}"),
        None => method.to_owned(),
    }
}

fn fact(view: &View<'_>, method: &str) -> Option<String> {
    let body = std::str::from_utf8(view.body()).unwrap_or("");
    match method {
        "REFER" => {
            let line = view.named("Refer-To").next()?;
            let text = line.unfolded();
            let uri = text.rsplit_once('<').map_or(&*text, |(_, rest)| rest);
            let target = user(uri.split(['>', '?']).next()?)?;
            Some(if text.contains("Replaces=") { format!("{target} Replaces") } else { target })
        }
        "NOTIFY" => body.strip_prefix("SIP/2.0 ")?.get(..3).map(str::to_owned),
        "INVITE" if view.has(Name::REPLACES) => Some("Replaces".to_owned()),
        "INVITE" if view.to_tag().is_some() && is_hold(body) => Some("hold".to_owned()),
        _ => None,
    }
}

fn is_hold(sdp: &str) -> bool {
    sdp.lines().any(|line| matches!(line.trim_end(), "a=sendonly" | "a=inactive"))
}
