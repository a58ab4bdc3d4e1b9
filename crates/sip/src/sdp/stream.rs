//! One stream of a session description, with what it inherits from the session (RFC 8866 §5.14).

use sdp_types::{Attribute, Direction, Media, Session};

/// One `m=` and all that goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Stream<'a> {
    session: &'a Session,
    media: &'a Media,
}

impl<'a> Stream<'a> {
    pub(super) const fn new(session: &'a Session, media: &'a Media) -> Self {
        Self { session, media }
    }

    /// `audio`, `video` and so on, in lower case if it is one of those; else as written.
    pub fn kind(&self) -> &'a str {
        let known = ["audio", "video", "text", "application", "message", "image"];
        known
            .into_iter()
            .find(|kind| kind.eq_ignore_ascii_case(&self.media.media))
            .unwrap_or(&self.media.media)
    }

    /// The port; 0 means refused, or over.
    pub const fn port(&self) -> u16 {
        self.media.port
    }

    /// Whether the port is 0 (RFC 3264 §6, §8.2). With `bundle-only` (RFC 8843 §6) it is alive.
    pub fn is_refused(&self) -> bool {
        self.media.port == 0 && !self.media.has_attribute("bundle-only")
    }

    /// `RTP/AVP`, `RTP/SAVP`, `UDP/TLS/RTP/SAVPF` and so on.
    pub fn protocol(&self) -> &'a str {
        &self.media.proto
    }

    /// The formats, the preferred first; payload types in RTP.
    pub fn formats(&self) -> impl Iterator<Item = &'a str> {
        self.media.fmt.split_ascii_whitespace()
    }

    /// What `rtpmap` says of a payload type: `PCMU/8000`.
    pub fn encoding(&self, format: &str) -> Option<&'a str> {
        self.values("rtpmap").find_map(|value| {
            let (payload_type, encoding) = value.split_once(' ')?;
            (payload_type == format).then(|| encoding.trim())
        })
    }

    /// The values of the stream's own attributes of that name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.media
            .attributes
            .iter()
            .filter(move |attribute| attribute.attribute.eq_ignore_ascii_case(name))
            .filter_map(|attribute| attribute.value.as_deref())
    }

    /// Where it is to be sent: the stream's own address or else the session's, as written and
    /// without what follows a slash.
    pub fn address(&self) -> Option<&'a str> {
        let connection = self.media.connections.first().or(self.session.connection.as_ref())?;
        connection.connection_address.split('/').next()
    }

    /// Who sends, from the writer's point of view: the stream's own word or else the session's
    /// (RFC 8866 §6.7).
    pub fn direction(&self) -> Direction {
        let find = |attributes: &[Attribute]| {
            attributes.iter().find_map(|attribute| read_direction(&attribute.attribute))
        };
        find(&self.media.attributes).or_else(|| find(&self.session.attributes)).unwrap_or_default()
    }

    /// Whether the address is none to send to: all zero, or a name that cannot exist (RFC 6157 §4.1).
    pub fn is_nowhere(&self) -> bool {
        let Some(address) = self.address() else {
            return false;
        };
        if let Ok(ip) = address.parse::<std::net::IpAddr>() {
            return ip.is_unspecified();
        }
        let top = address.trim_end_matches('.').rsplit('.').next();
        top.is_some_and(|top| top.eq_ignore_ascii_case("invalid"))
    }

    /// Whether its writer takes nothing from us: the call is on hold (RFC 3264 §8.4), also in the
    /// manner of RFC 2543, which set the address to zero. With ICE such an address only means that no
    /// candidate is known yet (RFC 8839 §4.3.1).
    pub fn is_held(&self) -> bool {
        !self.direction().has_recv() || (self.is_nowhere() && !self.uses_ice())
    }

    /// Whether addresses are agreed on by ICE (RFC 8839 §5.4).
    pub fn uses_ice(&self) -> bool {
        self.media.has_attribute("ice-ufrag") || self.session.has_attribute("ice-ufrag")
    }

    /// All there is.
    pub const fn media(&self) -> &'a Media {
        self.media
    }
}

/// The direction that an attribute names; case does not count with us.
pub(super) fn read_direction(attribute: &str) -> Option<Direction> {
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
        .into_iter()
        .find(|direction| direction.as_str().eq_ignore_ascii_case(attribute))
}
