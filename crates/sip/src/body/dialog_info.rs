//! `application/dialog-info+xml` (RFC 4235): which calls somebody has, and how they stand.
//!
//! A notifier writes a [`DialogInfo`]; a subscriber keeps a [`Table`] and merges each into it.
//! Elements of other namespaces are passed over (§4).
//!
//! ```
//! use cordboard_sip::body::dialog_info::{DialogInfo, State};
//! let info = DialogInfo::parse(
//!     b"<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
//!       entity=\"sip:alice@example.com\"><dialog id=\"1\"><state>early</state></dialog></dialog-info>",
//! )?;
//! assert_eq!(info.dialogs[0].state, State::Early);
//! # Ok::<(), cordboard_sip::Malformed>(())
//! ```

use std::fmt;

use super::versions::{Completeness, Merged};
use super::xml::{Element, Writer, number, words};
use crate::{Malformed, Status};

/// The media type.
pub const MEDIA_TYPE: &str = "application/dialog-info+xml";

/// Dialogs that a [`Table`] keeps; more are dropped, and [`Table::merge`] says so.
pub const MAX_DIALOGS: usize = 256;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:dialog-info";

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogInfo {
    /// Counts the documents of a subscription, from 0, one by one (§3.7, §4.1).
    pub version: u32,
    /// Whether it has all dialogs, or those that changed.
    pub state: Completeness,
    /// Whose dialogs: a URI; "" from notifiers that forget it, as the RFC's own sample does.
    pub entity: String,
    /// The dialogs.
    pub dialogs: Vec<Dialog>,
}

/// A dialog, or an INVITE that has none yet (§4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialog {
    /// What identifies it in these documents, and nowhere else.
    pub id: String,
    /// Its Call-ID.
    pub call_id: Option<String>,
    /// The tag of the observed user.
    pub local_tag: Option<String>,
    /// The tag of the other.
    pub remote_tag: Option<String>,
    /// Whether the observed user called or was called.
    pub direction: Option<Direction>,
    /// How it stands.
    pub state: State,
    /// What brought it there.
    pub event: Option<Event>,
    /// The response that did.
    pub code: Option<Status>,
    /// For how many seconds there has been anything (§4.1.3).
    pub duration: Option<u32>,
    /// The dialog that it took over (§4.1.4).
    pub replaces: Option<Replaced>,
    /// Who sent the REFER that made it (§4.1.5).
    pub referred_by: Option<Identity>,
    /// The observed user.
    pub local: Participant,
    /// The other.
    pub remote: Participant,
}

words! {
    /// Who called.
    Direction: "the direction of a dialog is neither initiator nor recipient",
    /// The observed user.
    Initiator = "initiator",
    /// The other.
    Recipient = "recipient",
}

words! {
    /// How a dialog stands (§3.7.1).
    State: "the state of a dialog is none",
    /// The INVITE is out, or in.
    Trying = "trying",
    /// A provisional response without tag.
    Proceeding = "proceeding",
    /// A provisional response with tag.
    Early = "early",
    /// A 2xx.
    Confirmed = "confirmed",
    /// Over.
    Terminated = "terminated",
}

words! {
    /// Why a dialog is where it is (§3.7.1).
    Event: "the event of a dialog is none",
    /// The caller gave up.
    Cancelled = "cancelled",
    /// The callee refused.
    Rejected = "rejected",
    /// Another dialog took it over.
    Replaced = "replaced",
    /// The observed user hung up.
    LocalBye = "local-bye",
    /// The other hung up.
    RemoteBye = "remote-bye",
    /// Something went wrong.
    Error = "error",
    /// Nobody answered, or the session was not refreshed.
    Timeout = "timeout",
}

/// A dialog that another took over, seen from the observed user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its Call-ID.
    pub call_id: String,
    /// The tag of the observed user.
    pub local_tag: String,
    /// The tag of the other.
    pub remote_tag: String,
}

/// A URI and the name that is shown with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The URI.
    pub uri: String,
    /// The name.
    pub display: Option<String>,
}

impl Identity {
    /// A URI without name.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), display: None }
    }
}

/// One side of a dialog (§4.1.6). What is missing in a change is as it was before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// Who that is.
    pub identities: Vec<Identity>,
    /// Where that is.
    pub target: Option<Target>,
    /// What that side said of its media, with the media type first.
    pub session_description: Option<(String, String)>,
}

/// The remote target of a side, with the parameters of its Contact (§4.1.6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The URI.
    pub uri: String,
    /// Name and value, unquoted; "true" for those without value.
    pub params: Vec<(String, String)>,
}

impl Dialog {
    /// A dialog of which only id and state are known, which is also all that is told to whoever may
    /// know no more (§6.3).
    pub fn new(id: impl Into<String>, state: State) -> Self {
        Self {
            id: id.into(),
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state,
            event: None,
            code: None,
            duration: None,
            replaces: None,
            referred_by: None,
            local: Participant::default(),
            remote: Participant::default(),
        }
    }
}

impl DialogInfo {
    /// Reads a document.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let root = Element::read(body, NAMESPACE, "dialog-info")?;
        Ok(Self {
            version: number(root.required("version")?)?,
            state: Completeness::of(root.required("state")?)?,
            entity: root.attribute("entity").unwrap_or_default().to_owned(),
            dialogs: root.children("dialog").map(read_dialog).collect::<Result<_, _>>()?,
        })
    }

    /// The same in documents of at most `bytes` each, for transports that take no more: the first as
    /// this one, the others with the dialogs that did not fit, as changes with the versions that
    /// follow. A dialog that is larger by itself has a document by itself.
    #[must_use]
    pub fn split(self, bytes: usize) -> Vec<Self> {
        let Self { version, state, entity, dialogs } = self;
        let empty = |version, state| Self { version, state, entity: entity.clone(), dialogs: Vec::new() };
        let mut all = Vec::new();
        let mut last = empty(version, state);
        let mut written = 0;
        for dialog in dialogs {
            let length = written_length(&dialog);
            if !last.dialogs.is_empty() && written + length > bytes {
                let next = empty(last.version.wrapping_add(1), Completeness::Partial);
                all.push(std::mem::replace(&mut last, next));
            }
            let first = last.dialogs.is_empty();
            last.dialogs.push(dialog);
            written = if first { last.to_string().len() } else { written + length };
        }
        all.push(last);
        all
    }
}

impl fmt::Display for DialogInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Writer::new("dialog-info", NAMESPACE);
        out.attribute("version", &self.version.to_string());
        out.attribute("state", self.state.as_str()).attribute("entity", &self.entity);
        for dialog in &self.dialogs {
            write_dialog(&mut out, dialog);
        }
        f.write_str(&out.finish())
    }
}

/// What a subscriber knows, put together from the documents that came (§4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    version: Option<u32>,
    dialogs: Vec<Dialog>,
}

impl Table {
    /// Takes in a document. Dialogs that had ended before go; those that end with it stay until the
    /// next, so that their end can be seen.
    pub fn merge(&mut self, info: DialogInfo) -> Merged {
        let (first, gap) = match self.version {
            Some(version) if info.version < version => return Merged::Old,
            Some(version) => (false, info.version - version > 1),
            None => (true, false),
        };
        self.version = Some(info.version);
        match info.state {
            Completeness::Full => self.dialogs.clear(),
            Completeness::Partial => self.dialogs.retain(|dialog| dialog.state != State::Terminated),
        }
        let mut dropped = false;
        for dialog in info.dialogs {
            let room = self.dialogs.len() < MAX_DIALOGS;
            match self.dialogs.iter_mut().find(|row| row.id == dialog.id) {
                Some(row) => update(row, dialog),
                None if room => self.dialogs.push(dialog),
                None => dropped = true,
            }
        }
        let missing = info.state == Completeness::Partial && (gap || first);
        match () {
            () if missing => Merged::Incomplete,
            () if dropped => Merged::Overfull,
            () => Merged::Taken,
        }
    }

    /// The dialogs in the order in which they were first told.
    pub fn dialogs(&self) -> &[Dialog] {
        &self.dialogs
    }
}

/// The row becomes what was told, but for what need not be told again (§4.1.6).
fn update(row: &mut Dialog, mut told: Dialog) {
    for (old, new) in [(&mut row.local, &mut told.local), (&mut row.remote, &mut told.remote)] {
        if new.identities.is_empty() {
            new.identities = std::mem::take(&mut old.identities);
        }
        new.target = new.target.take().or_else(|| old.target.take());
        new.session_description = new.session_description.take().or_else(|| old.session_description.take());
    }
    *row = told;
}

fn read_dialog(element: &Element) -> Result<Dialog, Malformed> {
    let attribute = |name| element.attribute(name).map(str::to_owned);
    let state = element.child("state").ok_or(Malformed::new("a dialog has no state"))?;
    let code = state.attribute("code").map(number::<u16>).transpose()?;
    let status = |code| Status::new(code).ok_or(Malformed::new("the code of a dialog is no status"));
    Ok(Dialog {
        id: element.required("id")?.to_owned(),
        call_id: attribute("call-id"),
        local_tag: attribute("local-tag"),
        remote_tag: attribute("remote-tag"),
        direction: element.attribute("direction").map(Direction::read).transpose()?,
        state: State::read(state.text())?,
        // A word that is not known explains nothing, and spoils nothing.
        event: state.attribute("event").and_then(|event| Event::read(event).ok()),
        code: code.map(status).transpose()?,
        duration: element.text_of("duration").map(number).transpose()?,
        replaces: element.child("replaces").map(read_replaced).transpose()?,
        referred_by: element.child("referred-by").map(read_identity),
        local: read_participant(element.child("local"))?,
        remote: read_participant(element.child("remote"))?,
    })
}

fn read_replaced(element: &Element) -> Result<Replaced, Malformed> {
    Ok(Replaced {
        call_id: element.required("call-id")?.to_owned(),
        local_tag: element.required("local-tag")?.to_owned(),
        remote_tag: element.required("remote-tag")?.to_owned(),
    })
}

/// The name is in `display`; the schema that some follow called it `display-name` (erratum 774).
fn read_identity(element: &Element) -> Identity {
    let display = element.attribute("display").or_else(|| element.attribute("display-name"));
    Identity { uri: element.text().to_owned(), display: display.map(str::to_owned) }
}

fn read_participant(element: Option<&Element>) -> Result<Participant, Malformed> {
    let Some(element) = element else { return Ok(Participant::default()) };
    let description = |description: &Element| -> Result<_, Malformed> {
        Ok((description.required("type")?.to_owned(), description.text().to_owned()))
    };
    Ok(Participant {
        identities: element.children("identity").map(read_identity).collect(),
        target: element.child("target").map(read_target).transpose()?,
        session_description: element.child("session-description").map(description).transpose()?,
    })
}

fn read_target(element: &Element) -> Result<Target, Malformed> {
    let param = |param: &Element| -> Result<_, Malformed> {
        Ok((param.required("pname")?.to_owned(), param.required("pval")?.to_owned()))
    };
    Ok(Target {
        uri: element.required("uri")?.to_owned(),
        params: element.children("param").map(param).collect::<Result<_, _>>()?,
    })
}

/// How many bytes it takes in a document.
fn written_length(dialog: &Dialog) -> usize {
    let mut out = Writer::fragment();
    write_dialog(&mut out, dialog);
    out.finish().len()
}

fn write_dialog(out: &mut Writer, dialog: &Dialog) {
    out.start("dialog").attribute("id", &dialog.id);
    out.attribute_if("call-id", dialog.call_id.as_deref());
    out.attribute_if("local-tag", dialog.local_tag.as_deref());
    out.attribute_if("remote-tag", dialog.remote_tag.as_deref());
    out.attribute_if("direction", dialog.direction.map(Direction::as_str));
    out.start("state").attribute_if("event", dialog.event.map(Event::as_str));
    out.attribute_if("code", dialog.code.map(|code| code.code().to_string()).as_deref());
    out.text(dialog.state.as_str()).end();
    out.leaf_if("duration", dialog.duration.map(|seconds| seconds.to_string()).as_deref());
    if let Some(replaced) = &dialog.replaces {
        out.start("replaces").attribute("call-id", &replaced.call_id);
        out.attribute("local-tag", &replaced.local_tag);
        out.attribute("remote-tag", &replaced.remote_tag).end();
    }
    if let Some(identity) = &dialog.referred_by {
        write_identity(out, "referred-by", identity);
    }
    write_participant(out, "local", &dialog.local);
    write_participant(out, "remote", &dialog.remote);
    out.end();
}

fn write_identity(out: &mut Writer, name: &'static str, identity: &Identity) {
    out.start(name).attribute_if("display", identity.display.as_deref()).text(&identity.uri).end();
}

fn write_participant(out: &mut Writer, name: &'static str, participant: &Participant) {
    if *participant == Participant::default() {
        return;
    }
    out.start(name);
    for identity in &participant.identities {
        write_identity(out, "identity", identity);
    }
    if let Some(target) = &participant.target {
        out.start("target").attribute("uri", &target.uri);
        for (name, value) in &target.params {
            out.start("param").attribute("pname", name).attribute("pval", value).end();
        }
        out.end();
    }
    if let Some((media_type, text)) = &participant.session_description {
        out.start("session-description").attribute("type", media_type).text(text).end();
    }
    out.end();
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! example {
        ($name:literal) => {
            DialogInfo::parse(include_bytes!(concat!("../../tests/data/events/", $name, ".xml"))).unwrap()
        };
    }

    /// §4.2.
    #[test]
    fn the_sample_of_the_standard() {
        let info = example!("dialog-sample");
        assert_eq!((info.version, info.state, &*info.entity), (1, Completeness::Full, ""));
        let [dialog] = &*info.dialogs else { panic!("one dialog") };
        assert_eq!((dialog.state, dialog.duration), (State::Confirmed, Some(274)));
        let alice = Identity { uri: "sip:alice@example.com".into(), display: Some("Alice".into()) };
        assert_eq!(dialog.local.identities, [alice]);
        let target = dialog.local.target.as_ref().unwrap();
        assert_eq!(target.uri, "sip:alice@pc33.example.com");
        assert_eq!(target.params[0], ("isfocus".into(), "true".into()));
        assert_eq!(dialog.remote.target.as_ref().unwrap().params, []);
    }

    /// §6.1, with erratum 1517.
    #[test]
    fn a_call_that_forks() {
        let states = [
            example!("dialog-basic-1"),
            example!("dialog-basic-2"),
            example!("dialog-basic-3"),
            example!("dialog-basic-4"),
            example!("dialog-basic-5"),
        ]
        .map(|info| {
            let last = info.dialogs.last().unwrap();
            (last.state, last.remote_tag.clone())
        });
        let tag = |tag: &str| Some(tag.to_owned());
        assert_eq!(
            states,
            [
                (State::Trying, None),
                (State::Early, tag("456887766")),
                (State::Early, tag("hh76a")),
                (State::Confirmed, tag("hh76a")),
                (State::Terminated, tag("456887766")),
            ]
        );
    }

    /// §6.2, with errata 771, 781 and 788: what a subscriber knows after each document.
    #[test]
    fn a_shared_line() {
        use State::{Confirmed, Early, Terminated, Trying};
        let mut table = Table::default();
        let known = |table: &Table| -> Vec<_> {
            table.dialogs().iter().map(|dialog| (dialog.id.clone(), dialog.state)).collect()
        };
        let row = |id: &str, state| (id.to_owned(), state);
        for (info, expected) in [
            (example!("dialog-shared-1"), vec![]),
            (example!("dialog-shared-2"), vec![row("as7d900as8", Trying)]),
            (example!("dialog-shared-3"), vec![row("as7d900as8", Trying)]),
            (example!("dialog-shared-4"), vec![row("as7d900as8", Early)]),
        ] {
            assert_eq!(table.merge(info), Merged::Taken);
            assert_eq!(known(&table), expected);
        }
        // Told in the third document and not repeated in the fourth.
        let dialog = &table.dialogs()[0];
        assert_eq!(dialog.remote.identities, [Identity::new("sip:bob@example.net")]);
        assert_eq!(dialog.remote.target.as_ref().unwrap().uri, "sip:bobster@host2.example.net");
        assert_eq!(dialog.local.target.as_ref().unwrap().uri, "sip:alice@pc33.example.com");
        for (info, expected) in [
            (example!("dialog-shared-5"), vec![row("as7d900as8", Terminated), row("zxcvbnm3", Confirmed)]),
            (example!("dialog-shared-6"), vec![row("zxcvbnm3", Terminated), row("sfhjsjk12", Confirmed)]),
            (example!("dialog-shared-7"), vec![row("sfhjsjk12", Confirmed)]),
            (example!("dialog-shared-8"), vec![row("sfhjsjk12", Confirmed)]),
        ] {
            assert_eq!(table.merge(info), Merged::Taken);
            assert_eq!(known(&table), expected);
        }
        let dialog = &table.dialogs()[0];
        assert_eq!(dialog.local.target.as_ref().unwrap().params, [("+sip.rendering".into(), "no".into())]);
        assert_eq!(dialog.remote.target.as_ref().unwrap().params, [("isfocus".into(), "true".into())]);
        assert_eq!(table.merge(example!("dialog-shared-9")), Merged::Taken);
        assert_eq!(known(&table), [row("sfhjsjk12", Terminated), row("08hjh1345", Trying)]);
        assert_eq!(table.dialogs()[0].event, Some(Event::RemoteBye));
        assert_eq!(table.merge(example!("dialog-shared-10")), Merged::Taken);
        assert_eq!(known(&table), []);
    }

    #[test]
    fn what_replaces_names_the_old_dialog_and_who_asked_for_it() {
        let info = example!("dialog-shared-6");
        let dialog = &info.dialogs[1];
        assert_eq!(dialog.direction, Some(Direction::Recipient));
        assert_eq!(dialog.replaces.as_ref().unwrap().remote_tag, "8736347");
        assert_eq!(dialog.referred_by.as_ref().unwrap().uri, "sip:bob-is-not-here@vm.example.net");
    }

    /// §4.3.
    #[test]
    fn versions() {
        use Completeness::{Full, Partial};
        let info = |version, state| DialogInfo {
            version,
            state,
            entity: "sip:alice@example.com".into(),
            dialogs: vec![Dialog::new(version.to_string(), State::Early)],
        };
        let mut table = Table::default();
        assert_eq!(table.merge(info(3, Full)), Merged::Taken);
        assert_eq!(table.merge(info(4, Partial)), Merged::Taken);
        assert_eq!(table.merge(info(3, Full)), Merged::Old);
        assert_eq!(table.merge(info(6, Partial)), Merged::Incomplete);
        assert_eq!(table.dialogs().len(), 3);
        assert_eq!(table.merge(info(9, Full)), Merged::Taken);
        assert_eq!(table.dialogs().len(), 1);
        assert_eq!(Table::default().merge(info(0, Partial)), Merged::Incomplete);
    }

    #[test]
    fn a_table_is_bounded_and_forgets_the_dead_first() {
        let mut table = Table::default();
        let info = |version, from: usize, count: usize, state| DialogInfo {
            version,
            state: if version == 0 { Completeness::Full } else { Completeness::Partial },
            entity: String::new(),
            dialogs: (from..from + count).map(|id| Dialog::new(id.to_string(), state)).collect(),
        };
        assert_eq!(table.merge(info(0, 0, MAX_DIALOGS, State::Early)), Merged::Taken);
        assert_eq!(table.merge(info(1, MAX_DIALOGS, 1, State::Early)), Merged::Overfull);
        assert_eq!(table.merge(info(2, 0, 1, State::Terminated)), Merged::Taken);
        assert_eq!(table.merge(info(3, MAX_DIALOGS, 1, State::Early)), Merged::Taken);
        assert_eq!(table.dialogs().len(), MAX_DIALOGS);
    }

    #[test]
    fn documents_are_split_to_fit_and_merge_to_the_same() {
        let info = DialogInfo {
            version: 7,
            state: Completeness::Full,
            entity: "sip:alice@example.com".into(),
            dialogs: (0..40).map(|id| Dialog::new(id.to_string(), State::Confirmed)).collect(),
        };
        let mut whole = Table::default();
        assert_eq!(whole.merge(info.clone()), Merged::Taken);
        let parts = info.split(600);
        assert!(parts.len() > 1 && parts.iter().all(|part| part.to_string().len() <= 600));
        assert!(
            parts.iter().rev().skip(1).all(|part| part.to_string().len() > 500),
            "filled as far as it goes"
        );
        let mut table = Table::default();
        for part in parts {
            assert_eq!(table.merge(DialogInfo::parse(part.to_string().as_bytes()).unwrap()), Merged::Taken);
        }
        assert_eq!(table.dialogs(), whole.dialogs());
        let huge = DialogInfo { dialogs: Vec::new(), ..example!("dialog-sample") };
        assert_eq!(huge.clone().split(1), [huge]);
    }

    #[test]
    fn what_is_written_is_read() {
        for info in [example!("dialog-sample"), example!("dialog-shared-6"), example!("dialog-shared-9")] {
            assert_eq!(DialogInfo::parse(info.to_string().as_bytes()).unwrap(), info);
        }
        let mut info = example!("dialog-minimal-2");
        info.dialogs[0].call_id = Some("it's \"<&>\"@x".into());
        info.dialogs[0].local.session_description = Some(("application/sdp".into(), "v=0\r\no=-".into()));
        info.dialogs[0].code = Some(Status::BUSY_HERE);
        assert_eq!(DialogInfo::parse(info.to_string().as_bytes()).unwrap(), info);
    }

    #[test]
    fn what_is_refused() {
        let good = example!("dialog-shared-4").to_string();
        for (from, to) in [
            ("version=\"3\"", ""),
            ("version=\"3\"", "version=\"-3\""),
            ("version=\"3\"", "version=\"4294967296\""),
            ("state=\"partial\"", "state=\"some\""),
            ("id=\"as7d900as8\"", ""),
            ("early<", "<"),
            ("early<", "ringing<"),
            ("initiator", "receiver"),
            ("code=\"180\"", "code=\"80\""),
            (" uri=\"sip:bobster@host2.example.net\"", ""),
            ("ns:dialog-info", "ns:dialog"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(DialogInfo::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
