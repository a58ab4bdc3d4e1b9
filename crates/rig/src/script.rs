//! What `SIPp` plays, written a line a step, and the scenario that it makes of it.
//!
//! ```text
//! old > INVITE sdp
//! old < 100? 180? 200
//! old > ACK
//! new > INVITE sdp
//!     Replaces: {old.id};to-tag={old.theirs};from-tag=wrong
//! new < 100? 481
//!     Warning: the from-tag in Replaces matches no call
//! new > ACK
//! old < BYE
//! old > 200
//! ```
//!
//! A step names its dialog and says what is sent (`>`) or awaited (`<`): a method, or a status. Responses that may be
//! missing have a `?`, and stand before the one that may not. What is sent may have `sdp`, `sdp=sendonly` and the like, with
//! `at=ADDRESS` or `at=ADDRESS:PORT` for sound elsewhere;
//! `auth=401` or `auth=407` where a challenge comes first (and `wrong` for a wrong password); `to=URI` where somebody else is meant,
//! `via=HOST:PORT` where that is reached by a server, `routeless` where it is the server itself; and an answer says `of=INVITE` if something else has come in between.
//!
//! The lines below a step are headers to be sent, and `text:` is a body, `piece:` one of a
//! message; below what is awaited they are patterns
//! (extended regular expressions) that must be found in the header of that name, or in the `body`; `no NAME` says that
//! there must be none; `=> A B` after a pattern keeps what its groups find, as `{A}` and `{B}`. `{NAME.id}`, `{NAME.ours}` and `{NAME.theirs}` are the Call-ID and the tags of a dialog. A dialog
//! whose first request has `as=USER` is that user's.
//!
//! `NAME < METHOD until` has one pattern below it: all that come before one that fits are answered with 200, however many they are.
//!
//! A dialog that begins with a request of ours has a Call-ID of its own, so that one `SIPp` has several. One that
//! begins with a request of theirs is the only one of its kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cordboard_sip::Status;

use crate::sipp::SOUND;
use crate::switchboard::password;

/// Whom `SIPp` plays.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The user part of its address; the password is what the switchboard knows for it.
    pub user: String,
    /// The domain of its address.
    pub domain: String,
    /// The URI of whom it calls.
    pub target: String,
    /// Whether there is a server on the way, which stays there.
    pub is_served: bool,
}

/// Who the other side of a dialog is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Peer {
    /// Somebody, behind the server if there is one.
    #[default]
    Somebody,
    /// The server, to which no route leads.
    Server,
}

/// A dialog as far as the script has got.
#[derive(Clone, Debug, Default)]
struct Dialog {
    /// Whether a request of theirs began it.
    theirs: bool,
    /// The user that we are in it.
    user: String,
    /// The URI that our first request went to.
    target: String,
    /// The server by which it went, if it was not the one that everything goes by.
    via: String,
    /// Who the other side is.
    peer: Peer,
    /// Whether the other side's tag and Contact are known.
    known: bool,
    /// Number of our last request.
    cseq: u32,
    /// Of our last INVITE: the number, the place in the scenario, and where it went.
    invite: (u32, usize, String),
    /// Whether that INVITE was refused.
    refused: bool,
    /// What is to be answered, and whether it began the dialog.
    asked: (String, bool),
    /// Descriptions that we have sent.
    described: u32,
}

/// The scenario under way.
struct Writer<'a> {
    actor: &'a Actor,
    /// `host:port` that messages go to.
    towards: String,
    commands: Vec<String>,
    dialogs: BTreeMap<String, Dialog>,
    variables: BTreeSet<String>,
    /// Names of what was found in messages.
    kept: BTreeSet<String>,
}

/// The scenario in which `actor` does what `script` says.
///
/// # Panics
/// When the script cannot be understood.
pub fn scenario(actor: &Actor, script: &str) -> String {
    let mut writer = Writer {
        actor,
        towards: place_of(&actor.target).to_owned(),
        commands: Vec::new(),
        dialogs: BTreeMap::new(),
        variables: BTreeSet::new(),
        kept: BTreeSet::new(),
    };
    let mut lines = script.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(step) = lines.next() {
        let mut below = Vec::new();
        while let Some(line) = lines.next_if(|line| !is_step(line)) {
            below.push(line);
        }
        writer.step(step, &below);
    }
    let mut text =
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"{}\">\n", actor.user);
    text.extend(writer.commands);
    if !writer.variables.is_empty() {
        let variables: Vec<_> = writer.variables.iter().map(String::as_str).collect();
        let _ = writeln!(text, "  <Reference variables=\"{}\"/>", variables.join(","));
    }
    text + "</scenario>\n"
}

/// Whether a line begins a step.
fn is_step(line: &str) -> bool {
    matches!(line.split(' ').nth(1), Some(">" | "<"))
}

impl Writer<'_> {
    fn step(&mut self, step: &str, below: &[&str]) {
        let mut words = step.split_ascii_whitespace();
        let (Some(name), Some(way), Some(what)) = (words.next(), words.next(), words.next()) else {
            panic!("a step is NAME > METHOD or NAME < STATUS: {step}");
        };
        let rest: Vec<_> = words.collect();
        let mut dialog = self.dialogs.remove(name).unwrap_or_default();
        let below: Vec<String> = below.iter().map(|line| self.filled(name, &dialog, line)).collect();
        let status = what.trim_end_matches('?').parse::<u16>().ok();
        match (way, status) {
            (">", None) if what == "speaks" => self.speak(),
            (">", None) => self.request(name, &mut dialog, what, &rest, &below),
            (">", Some(status)) => self.answer(name, &mut dialog, status, &rest, &below),
            (_, None) if rest == ["until"] => self.await_until(name, &mut dialog, what, &below),
            (_, None) => self.await_request(name, &mut dialog, what, &below),
            (_, Some(_)) => {
                let statuses: Vec<_> = std::iter::once(what).chain(rest).collect();
                self.await_responses(name, &mut dialog, &statuses, &below);
            }
        }
        self.dialogs.insert(name.to_owned(), dialog);
    }

    /// A line with what it says of dialogs filled in; `name` is the one at hand.
    fn filled(&self, name: &str, dialog: &Dialog, line: &str) -> String {
        let line = self
            .kept
            .iter()
            .fold(line.to_owned(), |line, name| line.replace(&format!("{{{name}}}"), &format!("[${name}]")));
        let known = self.dialogs.iter().map(|(other, dialog)| (other.as_str(), dialog));
        known.chain([(name, dialog)]).fold(line, |line, (name, dialog)| {
            line.replace(&format!("{{{name}.id}}"), &call_id(name, dialog))
                .replace(&format!("{{{name}.ours}}"), &our_tag(name))
                .replace(&format!("{{{name}.theirs}}"), &format!("[$tag_{name}]"))
        })
    }

    /// Plays the tone again and again, as payload type 0.
    fn speak(&mut self) {
        self.commands.push(format!(
            "  <nop>\n    <action>\n      <exec rtp_stream=\"{SOUND},-1,0\"/>\n    </action>\n  </nop>\n"
        ));
    }

    /// A request of ours, with the challenge that comes first if one does.
    fn request(&mut self, name: &str, dialog: &mut Dialog, method: &str, words: &[&str], below: &[String]) {
        let word = |wanted: &str| {
            words.iter().find_map(|word| word.split_once('=').filter(|(name, _)| *name == wanted))
        };
        if dialog.target.is_empty() {
            word("to").map_or(&*self.actor.target, |(_, to)| to).clone_into(&mut dialog.target);
            word("as").map_or(&*self.actor.user, |(_, user)| user).clone_into(&mut dialog.user);
            dialog.peer = if words.contains(&"routeless") { Peer::Server } else { Peer::Somebody };
            word("via").map_or("", |(_, via)| via).clone_into(&mut dialog.via);
        }
        if let Some((_, status)) = word("auth") {
            self.write_request(name, dialog, method, words, below, false);
            self.receive("response=\"100\" optional=\"true\"", &[]);
            self.receive(&format!("response=\"{status}\" auth=\"true\""), &[]);
            dialog.refused = true;
            if method == "INVITE" {
                self.write_request(name, dialog, "ACK", &[], &[], false);
            }
            return self.write_request(name, dialog, method, words, below, true);
        }
        self.write_request(name, dialog, method, words, below, false);
    }

    /// Without a server, whatever is sent in a dialog goes to its own other side.
    fn turn_to(&mut self, dialog: &Dialog) {
        let place = if dialog.via.is_empty() { place_of(&dialog.target) } else { &dialog.via };
        if self.actor.is_served || dialog.theirs || place == self.towards {
            return;
        }
        let Some((host, port)) = place.split_once(':') else { return };
        self.commands.push(format!(
            "  <nop>\n    <action>\n      <setdest host=\"{host}\" port=\"{port}\" protocol=\"UDP\"/>\n    </action>\n  </nop>\n"
        ));
        place.clone_into(&mut self.towards);
    }

    fn write_request(
        &mut self,
        name: &str,
        dialog: &mut Dialog,
        method: &str,
        words: &[&str],
        below: &[String],
        proves: bool,
    ) {
        self.turn_to(dialog);
        let at = self.commands.len();
        let of_invite = method == "CANCEL" || (method == "ACK" && dialog.refused);
        if !matches!(method, "ACK" | "CANCEL") {
            dialog.cseq += 1;
        }
        let to = dialog.target.clone();
        let uri = if dialog.known { format!("[$contact_{name}]") } else { to.clone() };
        if method == "INVITE" {
            dialog.invite = (dialog.cseq, at, uri.clone());
            dialog.refused = false;
        }
        let (invite_cseq, invited, invited_at) = &dialog.invite;
        let (uri, branch) = if of_invite {
            (invited_at.clone(), format!("branch-{}", at - invited))
        } else {
            (uri, "branch".to_owned())
        };
        let cseq = if matches!(method, "ACK" | "CANCEL") { *invite_cseq } else { dialog.cseq };
        let me = format!("<sip:{}@{}>", dialog.user, self.actor.domain);
        let (from, to) = match (dialog.theirs, dialog.known) {
            (true, _) => (format!("[$to_{name}];tag={}", our_tag(name)), format!("[$from_{name}]")),
            (false, true) if method != "CANCEL" => {
                (format!("{me};tag={}", our_tag(name)), format!("<{to}>;tag=[$tag_{name}]"))
            }
            (false, false) if method == "ACK" => {
                (format!("{me};tag={}", our_tag(name)), format!("<{to}>[peer_tag_param]"))
            }
            // RFC 3261 §9.1: a CANCEL has the To of its INVITE.
            (false, _) => (format!("{me};tag={}", our_tag(name)), format!("<{to}>")),
        };
        // RFC 3261 §10.2: it is about the address in To.
        let to = if method == "REGISTER" { me } else { to };
        let mut lines = vec![
            format!("{method} {uri} SIP/2.0"),
            format!("Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[{branch}];rport"),
            "Max-Forwards: 70".to_owned(),
            format!("From: {from}"),
            format!("To: {to}"),
            format!("Call-ID: {}", call_id(name, dialog)),
            format!("CSeq: {cseq} {method}"),
        ];
        if !matches!(method, "ACK" | "CANCEL" | "BYE" | "MESSAGE" | "REGISTER") {
            lines.push(self.contact());
        }
        if dialog.known && !of_invite && self.actor.is_served && dialog.peer == Peer::Somebody {
            lines.push(format!("Route: [$route_{name}]"));
        }
        if proves {
            let wrong = if words.contains(&"wrong") { "not-" } else { "" };
            let (user, password) = (&dialog.user, password(&dialog.user));
            lines.push(format!("[authentication username={user} password={wrong}{password}]"));
        }
        let repeated = if method == "ACK" { "" } else { " retrans=\"500\"" };
        self.send(dialog, repeated, lines, words, below);
    }

    /// An answer of ours.
    fn answer(&mut self, name: &str, dialog: &mut Dialog, status: u16, words: &[&str], below: &[String]) {
        self.turn_to(dialog);
        let reason = Status::new(status).map_or("Something", Status::reason);
        let (asked, first) = dialog.asked.clone();
        let of = words.iter().find_map(|word| word.strip_prefix("of="));
        let tag = if first || asked == "CANCEL" || (of.is_some() && dialog.theirs) {
            format!(";tag={}", our_tag(name))
        } else {
            String::new()
        };
        let mut lines = vec![format!("SIP/2.0 {status} {reason}")];
        if of.is_some() {
            lines.extend([
                format!("Via: [$via_{name}]"),
                format!("From: [$sender_{name}]"),
                format!("To: [$receiver_{name}]{tag}"),
                format!("Call-ID: {}", call_id(name, dialog)),
                format!("CSeq: [$cseq_{name}]"),
            ]);
        } else {
            let tail = ["[last_Call-ID:]", "[last_CSeq:]"].map(str::to_owned);
            lines.extend(["[last_Via:]", "[last_Record-Route:]", "[last_From:]"].map(str::to_owned));
            lines.push(format!("[last_To:]{tag}"));
            lines.extend(tail);
        }
        if status < 300 {
            lines.push(self.contact());
        }
        let invited = of.unwrap_or(&asked) == "INVITE";
        let repeated = if invited && status >= 200 { " retrans=\"500\"" } else { "" };
        self.send(dialog, repeated, lines, words, below);
    }

    fn send(
        &mut self,
        dialog: &mut Dialog,
        repeated: &str,
        mut lines: Vec<String>,
        words: &[&str],
        below: &[String],
    ) {
        let mut body = String::new();
        for line in below {
            match (line.strip_prefix("text: "), line.strip_prefix("piece: ")) {
                (Some(text), _) => {
                    lines.push("Content-Type: text/plain".to_owned());
                    body = format!("      {text}\n");
                }
                (None, Some(piece)) => {
                    lines.push("Content-Type: message/sipfrag;version=2.0".to_owned());
                    body = format!("      {piece}\n");
                }
                (None, None) => lines.push(line.clone()),
            }
        }
        let direction = words.iter().find_map(|word| match *word {
            "sdp" => Some("sendrecv"),
            other => other.strip_prefix("sdp="),
        });
        if let Some(direction) = direction {
            dialog.described += 1;
            let place = words.iter().find_map(|word| word.strip_prefix("at=")).unwrap_or("[media_ip]");
            let (place, port) = place.split_once(':').unwrap_or((place, "[rtpstream_audio_port]"));
            lines.push("Content-Type: application/sdp".to_owned());
            let version = dialog.described;
            for line in [
                "v=0",
                &format!("o=sipp 1 {version} IN IP4 [local_ip]"),
                "s=-",
                &format!("c=IN IP4 {place}"),
                "t=0 0",
                &format!("m=audio {port} RTP/AVP 0"),
                "a=rtpmap:0 PCMU/8000",
                &format!("a={direction}"),
            ] {
                let _ = writeln!(body, "      {line}");
            }
        }
        lines.push(format!("Content-Length: {}", if body.is_empty() { "0" } else { "[len]" }));
        let head = lines.iter().fold(String::new(), |text, line| text + "      " + line + "\n");
        let _ = write!(
            self.next(),
            "  <send{repeated}>\n    <![CDATA[\n{head}\n{body}{}    ]]>\n  </send>\n",
            if body.is_empty() { "" } else { "\n" }
        );
    }

    fn await_request(&mut self, name: &str, dialog: &mut Dialog, method: &str, below: &[String]) {
        let first = !dialog.known;
        let mut actions = Vec::new();
        if first {
            dialog.theirs = true;
            dialog.known = true;
            for (header, variable, pattern) in [
                ("From:", "from", ".*"),
                ("To:", "to", ".*"),
                ("Contact:", "contact", "sips?:[^>]*"),
                ("Record-Route:", "route", ".*"),
            ] {
                let variable = self.variable(&format!("{variable}_{name}"));
                actions.push(found(pattern, header, &variable, Must::Nothing));
            }
            actions.push(self.learn_tag(name, "From:"));
        } else {
            actions.push(self.in_dialog(name, dialog));
        }
        if method != "CANCEL" && method != "ACK" {
            // For an answer that comes after something else.
            for (header, variable) in
                [("Via:", "via"), ("From:", "sender"), ("To:", "receiver"), ("CSeq:", "cseq")]
            {
                let variable = self.variable(&format!("{variable}_{name}"));
                actions.push(found(".*", header, &variable, Must::Nothing));
            }
        }
        dialog.asked = (method.to_owned(), first);
        actions.extend(self.checks(below));
        self.receive(&format!("request=\"{method}\""), &actions);
    }

    /// Awaits requests of a dialog until one has what is looked for, which is left to be answered.
    fn await_until(&mut self, name: &str, dialog: &mut Dialog, method: &str, below: &[String]) {
        let [wanted] = below else { panic!("one pattern says how long {name} awaits {method}") };
        let (place, pattern) = wanted.split_once(": ").expect("a pattern has the name of a header before it");
        let header = if place == "body" { String::new() } else { format!("{place}:") };
        let number = self.commands.len();
        let (again, enough) = (format!("again{number}"), format!("enough{number}"));
        let fits = self.variable(&format!("fits{number}"));
        let actions = [self.in_dialog(name, dialog), found(pattern, &header, &fits, Must::Nothing)];
        // A label is no command: places in the scenario are counted without it.
        self.receive(&format!("request=\"{method}\" next=\"{enough}\" test=\"{fits}\""), &actions);
        self.commands.last_mut().expect("it was just added").insert_str(0, &label(&again));
        dialog.asked = (method.to_owned(), false);
        self.answer(name, dialog, 200, &[], &[]);
        self.commands.push(format!("  <nop next=\"{again}\"/>\n{}", label(&enough)));
    }

    fn await_responses(&mut self, name: &str, dialog: &mut Dialog, statuses: &[&str], below: &[String]) {
        let (last, before) = statuses.split_last().expect("a step has a status");
        for optional in before {
            let status = optional.strip_suffix('?').expect("only the last response must come");
            self.receive(&format!("response=\"{status}\" optional=\"true\""), &[]);
        }
        let status: u16 = last.parse().expect("the last response of a step must come");
        let mut actions = vec![self.in_dialog(name, dialog)];
        let learns = !dialog.known && (101..300).contains(&status);
        if learns {
            dialog.known = true;
            for (header, variable, pattern) in
                [("Contact:", "contact", "sips?:[^>]*"), ("Record-Route:", "route", ".*")]
            {
                let variable = self.variable(&format!("{variable}_{name}"));
                actions.push(found(pattern, header, &variable, Must::Nothing));
            }
            actions.push(self.learn_tag(name, "To:"));
        }
        dialog.refused = status >= 300;
        actions.extend(self.checks(below));
        self.receive(&format!("response=\"{status}\""), &actions);
    }

    fn receive(&mut self, what: &str, actions: &[String]) {
        let command = if actions.is_empty() {
            format!("  <recv {what}/>\n")
        } else {
            let actions = actions.concat();
            format!("  <recv {what}>\n    <action>\n{actions}    </action>\n  </recv>\n")
        };
        self.commands.push(command);
    }

    /// That a message belongs to the dialog.
    fn in_dialog(&mut self, name: &str, dialog: &Dialog) -> String {
        let pattern = if dialog.theirs { ".".to_owned() } else { format!("{name}///") };
        let seen = self.variable("seen");
        found(&pattern, "Call-ID:", &seen, Must::Be)
    }

    fn learn_tag(&mut self, name: &str, header: &str) -> String {
        let (whole, tag) = (self.variable("whole"), self.variable(&format!("tag_{name}")));
        found("tag=([^;]*)", header, &format!("{whole},{tag}"), Must::Nothing)
    }

    fn checks(&mut self, below: &[String]) -> Vec<String> {
        let seen = self.variable("seen");
        let mut check = |line: &String| match (line.strip_prefix("no "), line.split_once(": ")) {
            (Some(header), _) => found(".", &format!("{header}:"), &seen, Must::NotBe),
            (None, Some((place, pattern))) => {
                let header = if place == "body" { String::new() } else { format!("{place}:") };
                let (pattern, names) = pattern.split_once(" => ").unwrap_or((pattern, ""));
                let names: Vec<_> = names.split_ascii_whitespace().map(|name| self.keep(name)).collect();
                found(pattern, &header, &[vec![seen.clone()], names].concat().join(","), Must::Be)
            }
            (None, None) => panic!("a pattern has the name of a header before it: {line}"),
        };
        below.iter().map(&mut check).collect()
    }

    fn keep(&mut self, name: &str) -> String {
        self.kept.insert(name.to_owned());
        self.variable(name)
    }

    fn contact(&self) -> String {
        format!("Contact: <sip:{}@[local_ip]:[local_port];transport=[transport]>", self.actor.user)
    }

    fn variable(&mut self, name: &str) -> String {
        self.variables.insert(name.to_owned());
        name.to_owned()
    }

    fn next(&mut self) -> &mut String {
        self.commands.push(String::new());
        self.commands.last_mut().expect("it was just added")
    }
}

/// What is made of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// What is found is kept.
    Nothing,
    /// The call fails if it is not found.
    Be,
    /// The call fails if it is found.
    NotBe,
}

/// Looks for `pattern` in the header so called, or in the body.
fn found(pattern: &str, header: &str, assigned: &str, must: Must) -> String {
    let place = if header.is_empty() {
        "search_in=\"body\"".to_owned()
    } else {
        format!("search_in=\"hdr\" header=\"{header}\"")
    };
    let check = match must {
        Must::Nothing => "",
        Must::Be => " check_it=\"true\"",
        Must::NotBe => " check_it_inverse=\"true\"",
    };
    let pattern = escaped(pattern);
    format!("      <ereg regexp=\"{pattern}\" {place}{check} assign_to=\"{assigned}\"/>\n")
}

fn label(name: &str) -> String {
    format!("  <label id=\"{name}\"/>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Where a URI leads.
pub(crate) fn place_of(uri: &str) -> &str {
    uri.split_once('@').map_or(uri, |(_, place)| place)
}

fn our_tag(name: &str) -> String {
    format!("{name}-sipp")
}

/// What stands before the slashes is for the other side; the rest is how `SIPp` finds its call.
fn call_id(name: &str, dialog: &Dialog) -> String {
    if dialog.theirs { "[call_id]".to_owned() } else { format!("{name}///[call_id]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(script: &str) -> String {
        let target = "sip:alice@there".to_owned();
        let actor = Actor { user: "sipp".into(), domain: "here".into(), target, is_served: false };
        scenario(&actor, script)
    }

    #[test]
    fn a_refusal_is_acknowledged_in_its_transaction_and_a_success_outside() {
        let text = written("a > INVITE sdp\na < 100? 486\na > ACK\nb > INVITE sdp\nb < 200\nb > ACK");
        assert!(text.contains("branch=[branch-3]"), "{text}");
        assert!(text.contains("ACK [$contact_b] SIP/2.0"), "{text}");
        assert!(text.contains("ACK sip:alice@there SIP/2.0"), "{text}");
        assert_eq!(text.matches("Call-ID: a///[call_id]").count(), 2, "{text}");
    }

    #[test]
    fn patterns_are_looked_for_where_they_are_said_to_be() {
        let text = written(
            "a > REFER\n Refer-To: <sip:b@c>\na < 202\n Refer-Sub: false\na < NOTIFY\n body: 100\n no Join",
        );
        assert!(text.contains("Refer-To: <sip:b@c>\n"), "{text}");
        assert!(text.contains("regexp=\"false\" search_in=\"hdr\" header=\"Refer-Sub:\" check_it=\"true\""));
        assert!(text.contains("regexp=\"100\" search_in=\"body\" check_it=\"true\""));
        assert!(text.contains("header=\"Join:\" check_it_inverse=\"true\""));
    }

    #[test]
    fn sound_is_wanted_where_it_is_said() {
        let text = written("a > INVITE sdp at=there:4000\na < 200\na > ACK\na > INVITE sdp=recvonly at=here");
        for line in ["c=IN IP4 there", "m=audio 4000 ", "c=IN IP4 here", "m=audio [rtpstream_audio_port] "] {
            assert_eq!(text.matches(line).count(), 1, "{line} in {text}");
        }
    }

    #[test]
    fn dialogs_are_named_in_others() {
        let text =
            written("a > INVITE\na < 200\nb > INVITE\n Replaces: {a.id};to-tag={a.theirs};from-tag={a.ours}");
        assert!(text.contains("Replaces: a///[call_id];to-tag=[$tag_a];from-tag=a-sipp\n"), "{text}");
    }

    #[test]
    fn what_is_found_is_kept() {
        let text = written(
            "a > INVITE\n a < 200\na < REFER\n Refer-To: x=(.*);y=(.*) => x y\nb > INVITE to=sip:b@c via=here:1\n Replaces: {x};{y}",
        );
        assert!(text.contains("assign_to=\"seen,x,y\""), "{text}");
        assert!(text.contains("Replaces: [$x];[$y]\n"), "{text}");
        assert!(text.contains("<setdest host=\"here\" port=\"1\""), "{text}");
    }

    #[test]
    fn what_does_not_fit_is_answered_and_awaited_again() {
        let text =
            written("a > SUBSCRIBE\na < 200\na < NOTIFY until\nbody: gone\na > 603\na > SUBSCRIBE\na < 200");
        let places = [
            "<label id=\"again2\"/>",
            "<recv request=\"NOTIFY\" next=\"enough2\" test=\"fits2\">",
            "regexp=\"gone\" search_in=\"body\" assign_to=\"fits2\"",
            "SIP/2.0 200 OK",
            "<nop next=\"again2\"/>",
            "<label id=\"enough2\"/>",
            "SIP/2.0 603 Decline",
        ]
        .map(|part| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}")));
        assert!(places.is_sorted(), "{places:?}: {text}");
    }

    #[test]
    fn a_challenge_is_answered_with_the_next_number() {
        let text = written("a > INVITE sdp auth=407\na < 200\na > ACK");
        assert!(text.contains("CSeq: 2 INVITE\n") && text.contains("CSeq: 2 ACK\n"), "{text}");
        assert!(text.contains("branch=[branch-3]"), "{text}");
        assert!(text.contains("[authentication username=sipp password=secret-of-sipp]"));
    }

    #[test]
    #[should_panic(expected = "a step is")]
    fn what_cannot_be_understood_is_not_played() {
        written("a >");
    }
}
