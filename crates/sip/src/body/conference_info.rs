//! `application/conference-info+xml` (RFC 4575): a conference, and who is in it.
//!
//! What a focus tells and a participant shows: the description, the state, users with their endpoints
//! and media. Keywords, available media, the host, languages and sidebars are passed over, and so are
//! the elements of other namespaces. A focus writes a [`ConferenceInfo`]; a participant keeps a
//! [`Roster`] and merges each into it.
//!
//! ```
//! use cordboard_sip::body::ConferenceInfo;
//! let info = ConferenceInfo::parse(
//!     b"<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" version=\"1\" \
//!       entity=\"sip:conf@example.com\"><users><user entity=\"sip:bob@example.com\"/></users></conference-info>",
//! )?;
//! assert_eq!(info.users.unwrap().users[0].entity, "sip:bob@example.com");
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt;

use super::xml::{Element, Writer, boolean, number, words};
use crate::Malformed;
use crate::sdp::Direction;

mod merge;

pub use merge::{MAX_ENDPOINTS, MAX_USERS, Roster};

/// The media type.
pub const MEDIA_TYPE: &str = "application/conference-info+xml";

const NAMESPACE: &str = "urn:ietf:params:xml:ns:conference-info";

words! {
    /// What an element tells of what it stands for (§4.4).
    Change: "the state of an element is neither full nor partial nor deleted",
    /// Everything.
    Full = "full",
    /// What has changed.
    Partial = "partial",
    /// That it is gone.
    Deleted = "deleted",
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceInfo {
    /// The URI of the conference.
    pub entity: String,
    /// Counts the documents of a subscription, one by one.
    pub version: u32,
    /// Whether it has everything, or what changed, or whether the conference is over.
    pub state: Change,
    /// What the conference is about; a full document has it (§5.2).
    pub description: Option<Description>,
    /// How it stands.
    pub conference_state: Option<ConferenceState>,
    /// Who is in it; a full document has it (§5.2).
    pub users: Option<Users>,
}

/// What a conference is about (§5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// What it is called.
    pub display_text: Option<String>,
    /// What is talked about.
    pub subject: Option<String>,
    /// More about that.
    pub free_text: Option<String>,
    /// How one gets in.
    pub conf_uris: Vec<ConferenceUri>,
    /// What belongs to it: recordings, pages.
    pub service_uris: Vec<ConferenceUri>,
    /// How many users there may be.
    pub maximum_user_count: Option<u32>,
}

/// A URI of a conference (§5.3.1, §5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConferenceUri {
    /// The URI.
    pub uri: String,
    /// What is shown instead.
    pub display_text: Option<String>,
    /// What it is for: `participation`, `streaming`, `recording`, `web-page` and so on.
    pub purpose: Option<String>,
}

/// How a conference stands (§5.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConferenceState {
    /// How many users there are, be they told of or not.
    pub user_count: Option<u32>,
    /// Whether one can get in.
    pub active: Option<bool>,
    /// Whether nobody more may.
    pub locked: Option<bool>,
}

/// Who is in a conference (§5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    /// Whether these are all, or those who changed, or whether nobody is told any more.
    pub state: Change,
    /// The users.
    pub users: Vec<User>,
}

/// Somebody in a conference (§5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The URI, which tells the users from each other.
    pub entity: String,
    /// Whether all of that user is told, or what changed, or that the user is gone.
    pub state: Change,
    /// The name that is shown.
    pub display_text: Option<String>,
    /// What that user is in the conference, for people to read.
    pub roles: Vec<String>,
    /// If that user is a conference itself: its URI.
    pub cascaded_focus: Option<String>,
    /// The devices with which the user takes part.
    pub endpoints: Vec<Endpoint>,
}

/// A device in a conference (§5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URI, which tells the endpoints of a user from each other.
    pub entity: String,
    /// Whether all of it is told, or what changed, or that it is gone.
    pub state: Change,
    /// The name that is shown.
    pub display_text: Option<String>,
    /// Who had it brought in, by a REFER say.
    pub referred: Option<Execution>,
    /// How it stands.
    pub status: Option<EndpointStatus>,
    /// How it came in.
    pub joining_method: Option<JoiningMethod>,
    /// When and why it came in.
    pub joining_info: Option<Execution>,
    /// How it went.
    pub disconnection_method: Option<DisconnectionMethod>,
    /// When and why it went.
    pub disconnection_info: Option<Execution>,
    /// Its streams.
    pub media: Vec<Media>,
    /// Its dialog with the focus, for those who may know.
    pub call_info: Option<CallInfo>,
}

words! {
    /// How an endpoint stands (§5.7.3).
    EndpointStatus: "the status of an endpoint is none",
    /// It takes part.
    Connected = "connected",
    /// It does not, and has no dialog with the focus.
    Disconnected = "disconnected",
    /// It has a dialog, and neither hears nor is heard.
    OnHold = "on-hold",
    /// It hears, and is not heard.
    MutedViaFocus = "muted-via-focus",
    /// It will come.
    Pending = "pending",
    /// It rings there.
    Alerting = "alerting",
    /// It calls the focus.
    DialingIn = "dialing-in",
    /// The focus calls it.
    DialingOut = "dialing-out",
    /// The focus is letting it go.
    Disconnecting = "disconnecting",
}

words! {
    /// How an endpoint came in (§5.7.4).
    JoiningMethod: "the joining method of an endpoint is none",
    /// It called the focus.
    DialedIn = "dialed-in",
    /// The focus called it.
    DialedOut = "dialed-out",
    /// It is the focus.
    FocusOwner = "focus-owner",
}

words! {
    /// How an endpoint went (§5.7.6).
    DisconnectionMethod: "the disconnection method of an endpoint is none",
    /// It hung up.
    Departed = "departed",
    /// The focus hung up, or did not let it in.
    Booted = "booted",
    /// It could not be reached, or did not get in.
    Failed = "failed",
    /// It was busy, or the focus was.
    Busy = "busy",
}

/// When, why and by whom something was done (§5.7.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Execution {
    /// When: `2005-03-04T20:00:00Z`.
    pub when: Option<String>,
    /// Why, best as RFC 3326 writes it.
    pub reason: Option<String>,
    /// The URI of whoever did it.
    pub by: Option<String>,
}

/// A stream of an endpoint (§5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What tells the streams of an endpoint from each other.
    pub id: String,
    /// The name that is shown.
    pub display_text: Option<String>,
    /// `audio`, `video` and so on.
    pub media_type: Option<String>,
    /// What tells the streams of the conference from each other.
    pub label: Option<String>,
    /// The SSRC that the endpoint sends with, for RTP.
    pub src_id: Option<String>,
    /// Who sends, seen from the participant.
    pub status: Option<Direction>,
}

/// The dialog of an endpoint with the focus (§5.7.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The name that is shown.
    pub display_text: Option<String>,
    /// Its Call-ID.
    pub call_id: String,
    /// The tag in From.
    pub from_tag: String,
    /// The tag in To.
    pub to_tag: String,
}

impl User {
    /// A user of whom no more is told.
    pub fn new(entity: impl Into<String>) -> Self {
        Self {
            entity: entity.into(),
            state: Change::Full,
            display_text: None,
            roles: Vec::new(),
            cascaded_focus: None,
            endpoints: Vec::new(),
        }
    }
}

impl Endpoint {
    /// An endpoint of which no more is told.
    pub fn new(entity: impl Into<String>) -> Self {
        Self {
            entity: entity.into(),
            state: Change::Full,
            display_text: None,
            referred: None,
            status: None,
            joining_method: None,
            joining_info: None,
            disconnection_method: None,
            disconnection_info: None,
            media: Vec::new(),
            call_info: None,
        }
    }
}

impl ConferenceInfo {
    /// Reads a document.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let root = Element::read(body, NAMESPACE, "conference-info")?;
        Ok(Self {
            entity: root.required("entity")?.to_owned(),
            version: root.attribute("version").map_or(Ok(0), number)?,
            state: change(&root)?,
            description: root.child("conference-description").map(read_description).transpose()?,
            conference_state: root.child("conference-state").map(read_state).transpose()?,
            users: root.child("users").map(read_users).transpose()?,
        })
    }
}

impl fmt::Display for ConferenceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Writer::new("conference-info", NAMESPACE);
        out.attribute("entity", &self.entity).attribute("state", self.state.as_str());
        out.attribute("version", &self.version.to_string());
        if let Some(description) = &self.description {
            write_description(&mut out, description);
        }
        if let Some(state) = &self.conference_state {
            let word = |value: Option<bool>| value.map(|value| if value { "true" } else { "false" });
            out.start("conference-state");
            out.leaf_if("user-count", state.user_count.map(|count| count.to_string()).as_deref());
            out.leaf_if("active", word(state.active)).leaf_if("locked", word(state.locked)).end();
        }
        if let Some(users) = &self.users {
            out.start("users").attribute("state", users.state.as_str());
            for user in &users.users {
                write_user(&mut out, user);
            }
            out.end();
        }
        f.write_str(&out.finish())
    }
}

/// The default is `full` (§4.4).
fn change(element: &Element) -> Result<Change, Malformed> {
    element.attribute("state").map_or(Ok(Change::Full), Change::read)
}

fn read_description(element: &Element) -> Result<Description, Malformed> {
    let uris = |name| -> Result<Vec<_>, Malformed> {
        element.child(name).into_iter().flat_map(|uris| uris.children("entry")).map(read_uri).collect()
    };
    Ok(Description {
        display_text: element.owned_text_of("display-text"),
        subject: element.owned_text_of("subject"),
        free_text: element.owned_text_of("free-text"),
        conf_uris: uris("conf-uris")?,
        service_uris: uris("service-uris")?,
        maximum_user_count: element.text_of("maximum-user-count").map(number).transpose()?,
    })
}

fn read_uri(element: &Element) -> Result<ConferenceUri, Malformed> {
    Ok(ConferenceUri {
        uri: element.owned_text_of("uri").ok_or(Malformed::new("an entry of a conference has no URI"))?,
        display_text: element.owned_text_of("display-text"),
        purpose: element.owned_text_of("purpose"),
    })
}

fn read_state(element: &Element) -> Result<ConferenceState, Malformed> {
    Ok(ConferenceState {
        user_count: element.text_of("user-count").map(number).transpose()?,
        active: element.text_of("active").map(boolean).transpose()?,
        locked: element.text_of("locked").map(boolean).transpose()?,
    })
}

fn read_users(element: &Element) -> Result<Users, Malformed> {
    Ok(Users {
        state: change(element)?,
        users: element.children("user").map(read_user).collect::<Result<_, _>>()?,
    })
}

fn read_user(element: &Element) -> Result<User, Malformed> {
    let roles = element.child("roles");
    let roles = roles.into_iter().flat_map(|roles| roles.children("entry"));
    Ok(User {
        entity: element.required("entity")?.to_owned(),
        state: change(element)?,
        display_text: element.owned_text_of("display-text"),
        roles: roles.map(|role| role.text().to_owned()).collect(),
        cascaded_focus: element.owned_text_of("cascaded-focus"),
        endpoints: element.children("endpoint").map(read_endpoint).collect::<Result<_, _>>()?,
    })
}

fn read_endpoint(element: &Element) -> Result<Endpoint, Malformed> {
    Ok(Endpoint {
        entity: element.required("entity")?.to_owned(),
        state: change(element)?,
        display_text: element.owned_text_of("display-text"),
        referred: element.child("referred").map(read_execution),
        status: element.text_of("status").map(EndpointStatus::read).transpose()?,
        joining_method: element.text_of("joining-method").map(JoiningMethod::read).transpose()?,
        joining_info: element.child("joining-info").map(read_execution),
        disconnection_method: element
            .text_of("disconnection-method")
            .map(DisconnectionMethod::read)
            .transpose()?,
        disconnection_info: element.child("disconnection-info").map(read_execution),
        media: element.children("media").map(read_media).collect::<Result<_, _>>()?,
        call_info: element
            .child("call-info")
            .and_then(|info| info.child("sip"))
            .map(read_call_info)
            .transpose()?,
    })
}

fn read_execution(element: &Element) -> Execution {
    Execution {
        when: element.owned_text_of("when"),
        reason: element.owned_text_of("reason"),
        by: element.owned_text_of("by"),
    }
}

fn read_media(element: &Element) -> Result<Media, Malformed> {
    Ok(Media {
        id: element.required("id")?.to_owned(),
        display_text: element.owned_text_of("display-text"),
        media_type: element.owned_text_of("type"),
        label: element.owned_text_of("label"),
        src_id: element.owned_text_of("src-id"),
        status: element.text_of("status").map(read_direction).transpose()?,
    })
}

fn read_direction(text: &str) -> Result<Direction, Malformed> {
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
        .into_iter()
        .find(|direction| direction.as_str() == text)
        .ok_or(Malformed::new("the status of a stream is no direction"))
}

fn read_call_info(element: &Element) -> Result<CallInfo, Malformed> {
    let required = |name| {
        element.owned_text_of(name).ok_or(Malformed::new("the dialog of an endpoint is not told in full"))
    };
    Ok(CallInfo {
        display_text: element.owned_text_of("display-text"),
        call_id: required("call-id")?,
        from_tag: required("from-tag")?,
        to_tag: required("to-tag")?,
    })
}

fn write_description(out: &mut Writer, description: &Description) {
    out.start("conference-description");
    out.leaf_if("display-text", description.display_text.as_deref());
    out.leaf_if("subject", description.subject.as_deref());
    out.leaf_if("free-text", description.free_text.as_deref());
    for (name, uris) in [("conf-uris", &description.conf_uris), ("service-uris", &description.service_uris)] {
        if !uris.is_empty() {
            out.start(name);
            for uri in uris {
                out.start("entry").leaf("uri", &uri.uri);
                out.leaf_if("display-text", uri.display_text.as_deref());
                out.leaf_if("purpose", uri.purpose.as_deref()).end();
            }
            out.end();
        }
    }
    let count = description.maximum_user_count.map(|count| count.to_string());
    out.leaf_if("maximum-user-count", count.as_deref()).end();
}

fn write_user(out: &mut Writer, user: &User) {
    out.start("user").attribute("entity", &user.entity).attribute("state", user.state.as_str());
    out.leaf_if("display-text", user.display_text.as_deref());
    if !user.roles.is_empty() {
        out.start("roles");
        for role in &user.roles {
            out.leaf("entry", role);
        }
        out.end();
    }
    out.leaf_if("cascaded-focus", user.cascaded_focus.as_deref());
    for endpoint in &user.endpoints {
        write_endpoint(out, endpoint);
    }
    out.end();
}

fn write_endpoint(out: &mut Writer, endpoint: &Endpoint) {
    out.start("endpoint").attribute("entity", &endpoint.entity);
    out.attribute("state", endpoint.state.as_str());
    out.leaf_if("display-text", endpoint.display_text.as_deref());
    write_execution(out, "referred", endpoint.referred.as_ref());
    out.leaf_if("status", endpoint.status.map(EndpointStatus::as_str));
    out.leaf_if("joining-method", endpoint.joining_method.map(JoiningMethod::as_str));
    write_execution(out, "joining-info", endpoint.joining_info.as_ref());
    out.leaf_if("disconnection-method", endpoint.disconnection_method.map(DisconnectionMethod::as_str));
    write_execution(out, "disconnection-info", endpoint.disconnection_info.as_ref());
    for media in &endpoint.media {
        out.start("media").attribute("id", &media.id);
        out.leaf_if("display-text", media.display_text.as_deref());
        out.leaf_if("type", media.media_type.as_deref()).leaf_if("label", media.label.as_deref());
        out.leaf_if("src-id", media.src_id.as_deref());
        out.leaf_if("status", media.status.map(|direction| direction.as_str())).end();
    }
    if let Some(info) = &endpoint.call_info {
        out.start("call-info").start("sip").leaf_if("display-text", info.display_text.as_deref());
        out.leaf("call-id", &info.call_id).leaf("from-tag", &info.from_tag);
        out.leaf("to-tag", &info.to_tag).end().end();
    }
    out.end();
}

fn write_execution(out: &mut Writer, name: &'static str, execution: Option<&Execution>) {
    if let Some(execution) = execution {
        out.start(name).leaf_if("when", execution.when.as_deref());
        out.leaf_if("reason", execution.reason.as_deref());
        out.leaf_if("by", execution.by.as_deref()).end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! example {
        ($name:literal) => {
            ConferenceInfo::parse(include_bytes!(concat!("../../tests/data/events/", $name, ".xml"))).unwrap()
        };
    }

    /// §7.1.
    #[test]
    fn the_basic_example() {
        let info = example!("conference-basic");
        assert_eq!((&*info.entity, info.version, info.state), ("sips:conf233@example.com", 1, Change::Full));
        let description = info.description.as_ref().unwrap();
        assert_eq!(description.subject.as_deref(), Some("Agenda: This month's goals"));
        assert_eq!(description.service_uris[0].purpose.as_deref(), Some("web-page"));
        assert_eq!(info.conference_state.unwrap().user_count, Some(33));
        let users = &info.users.as_ref().unwrap().users;
        let [bob, alice] = &**users else { panic!("two users") };
        assert_eq!(bob.display_text.as_deref(), Some("Bob Hoskins"));
        let laptop = &bob.endpoints[0];
        assert_eq!(laptop.status, Some(EndpointStatus::Disconnected));
        assert_eq!(laptop.disconnection_method, Some(DisconnectionMethod::Departed));
        let why = laptop.disconnection_info.as_ref().unwrap();
        assert_eq!(why.reason.as_deref(), Some("bad voice quality"));
        assert_eq!(laptop.media[0].src_id.as_deref(), Some("432424"));
        assert_eq!(laptop.media[0].status, Some(Direction::SendRecv));
        assert_eq!(alice.endpoints[0].joining_method, Some(JoiningMethod::DialedOut));
        assert_eq!(ConferenceInfo::parse(info.to_string().as_bytes()).unwrap(), info);
    }

    /// §7.2.
    #[test]
    fn the_rich_example() {
        let info = example!("conference-rich");
        assert_eq!((info.version, info.state), (5, Change::Partial));
        let description = info.description.as_ref().unwrap();
        assert_eq!(description.conf_uris[0].uri, "tel:+18005671234");
        assert_eq!((description.service_uris.len(), description.maximum_user_count), (2, Some(100)));
        let state = info.conference_state.unwrap();
        assert_eq!((state.active, state.locked), (Some(true), Some(false)));
        let bob = &info.users.as_ref().unwrap().users[0];
        assert!(!bob.roles.is_empty());
        assert_eq!(bob.endpoints[0].disconnection_method, Some(DisconnectionMethod::Booted));
        assert_eq!(ConferenceInfo::parse(info.to_string().as_bytes()).unwrap(), info);
    }

    #[test]
    fn what_is_refused() {
        let good = example!("conference-basic").to_string();
        for (from, to) in [
            ("entity=\"sips:conf233@example.com\"", ""),
            ("version=\"1\"", "version=\"one\""),
            ("state=\"full\"", "state=\"whole\""),
            (" entity=\"sip:bob@example.com\"", ""),
            (" entity=\"sip:bob@pc33.example.com\"", ""),
            ("disconnected<", "gone<"),
            ("departed<", "left<"),
            (" id=\"1\"", ""),
            ("sendrecv<", "both<"),
            ("<uri>http://sharepoint/salesgroup/</uri>", ""),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(ConferenceInfo::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
