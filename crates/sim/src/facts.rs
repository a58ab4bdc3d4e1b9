//! What a drawing says of a message: its method or status, the one fact that matters, and the facts beside it.

use cordboard_sip::{Method, Name, UriRef, View};
use std::fmt::{self, Display};

/// The first word of a message's line in a drawing: its method or its status.
pub fn word(message: &View<'_>) -> String {
    message.status().map_or_else(|| message.method_text().to_owned(), |status| status.code().to_string())
}

/// The label of a message, and all that is known beyond it.
pub fn label_and_facts(message: &View<'_>) -> (String, Vec<String>) {
    let (mut label, mut facts) = (word(message), Vec::new());
    if let Some(fact) = main_fact(message) {
        label = format!("{label} {fact}");
    }
    if let Some(media) = Media::read(message.body()) {
        facts.push(media.direction.to_string());
        facts.push("sdp".into());
    }
    for (name, fact) in [(Name::AUTHORIZATION, "credentials"), (Name::PROXY_AUTHORIZATION, "credentials")] {
        if message.has(name) {
            facts.push(fact.into());
        }
    }
    (label, facts)
}

/// The one fact that matters.
fn main_fact(message: &View<'_>) -> Option<String> {
    if !message.is_request() {
        return None;
    }
    match message.method() {
        Method::Invite | Method::Update => {
            let media = Media::read(message.body())?;
            let held = matches!(media.direction, Direction::SendOnly | Direction::Inactive);
            held.then(|| "hold".to_owned())
        }
        Method::Register => register_fact(message),
        Method::Refer => {
            let to = message.value(Name::REFER_TO)?;
            let uri = UriRef::parse(inside_brackets(to)).ok()?;
            Some(uri.user().unwrap_or(uri.host()).to_owned())
        }
        Method::Notify => sipfrag_status(message.body()),
        _ => None,
    }
}

/// What a REGISTER does to the contacts, where it is not the plain thing.
fn register_fact(message: &View<'_>) -> Option<String> {
    let Some(contact) = message.value(Name::CONTACT) else { return Some("list".into()) };
    if contact.trim() == "*" {
        return Some("*".into());
    }
    let expires = message.value(Name::EXPIRES).map(str::trim);
    (expires == Some("0") || contact.ends_with(";expires=0")).then(|| "remove".into())
}

/// The status that a NOTIFY about a REFER reports (RFC 3515 §2.4.5).
fn sipfrag_status(body: &[u8]) -> Option<String> {
    let first = std::str::from_utf8(body).ok()?.lines().next()?;
    first.strip_prefix("SIP/2.0 ")?.split(' ').next().map(str::to_owned)
}

fn inside_brackets(value: &str) -> &str {
    match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value,
    }
}

/// The direction of a media stream, as the side that wrote it sees it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// From the writer only.
    SendOnly,
    /// To the writer only.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    /// Whether whoever wrote it sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether whoever wrote it listens.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    fn of(attribute: &str) -> Option<Self> {
        Some(match attribute {
            "a=sendrecv" => Self::SendRecv,
            "a=sendonly" => Self::SendOnly,
            "a=recvonly" => Self::RecvOnly,
            "a=inactive" => Self::Inactive,
            _ => return None,
        })
    }
}

impl Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}

/// What one side says of its audio: the first audio stream of its SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Where it listens: address and port. Port 0 is a stream that is refused (RFC 3264 §6).
    pub address: String,
    /// Which way it goes.
    pub direction: Direction,
}

impl Media {
    /// Reads an SDP body; `None` when it describes no audio.
    pub fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let (mut connection, mut direction, mut port) = (None, Direction::SendRecv, None);
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                if port.is_some() {
                    break;
                }
                port = Some(media.strip_prefix("audio ")?.split(' ').next()?);
            } else if let Some(address) = line.strip_prefix("c=") {
                connection = address.rsplit(' ').next();
            } else if let Some(said) = Direction::of(line) {
                direction = said;
            }
        }
        let port = port?;
        // RFC 3264 §8.4: the old way to hold.
        if matches!(connection, Some("0.0.0.0" | "::")) {
            direction = if direction.receives() { Direction::RecvOnly } else { Direction::Inactive };
        }
        Some(Self { address: format!("{}:{port}", connection.unwrap_or_default()), direction })
    }

    /// Whether the stream is refused.
    pub fn is_refused(&self) -> bool {
        self.address.ends_with(":0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, lines: &str, body: &str) -> String {
        format!(
            "{method} sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n\
             To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n{lines}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    fn label(method: &str, lines: &str, body: &str) -> String {
        let text = request(method, lines, body);
        label_and_facts(&View::parse(text.as_bytes()).unwrap()).0
    }

    #[test]
    fn the_fact_that_matters_stands_in_the_label() {
        let sdp = |direction: &str| {
            format!(
                "v=0\r\no=a 1 1 IN IP4 a\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n{direction}"
            )
        };
        assert_eq!(label("INVITE", "", &sdp("a=sendonly\r\n")), "INVITE hold");
        assert_eq!(label("INVITE", "", &sdp("")), "INVITE");
        assert_eq!(label("INVITE", "", ""), "INVITE");
        assert_eq!(label("REGISTER", "Contact: *\r\nExpires: 0\r\n", ""), "REGISTER *");
        assert_eq!(label("REGISTER", "Contact: <sip:b@c>\r\nExpires: 0\r\n", ""), "REGISTER remove");
        assert_eq!(label("REGISTER", "Contact: <sip:b@c>\r\n", ""), "REGISTER");
        assert_eq!(label("REGISTER", "", ""), "REGISTER list");
        assert_eq!(label("REFER", "Refer-To: <sip:carol@c>\r\n", ""), "REFER carol");
        assert_eq!(label("NOTIFY", "", "SIP/2.0 200 OK\r\n"), "NOTIFY 200");
    }

    #[test]
    fn media_is_read_from_its_own_stream_and_from_the_session() {
        let body = b"v=0\r\nc=IN IP4 192.0.2.1\r\na=inactive\r\nm=audio 4000 RTP/AVP 0\r\na=recvonly\r\nm=video 1 X\r\na=sendonly\r\n";
        let media = Media::read(body).unwrap();
        assert_eq!((media.address.as_str(), media.direction), ("192.0.2.1:4000", Direction::RecvOnly));
        let held = Media::read(b"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n").unwrap();
        assert_eq!(held.direction, Direction::RecvOnly);
        assert!(Media::read(b"m=audio 0 RTP/AVP 0\r\n").unwrap().is_refused());
        assert!(Media::read(b"SIP/2.0 200 OK\r\n").is_none());
    }
}
