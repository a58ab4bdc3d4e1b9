//! A capture of the loopback by tcpdump, taken apart by tshark.

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::deadline::{STEP, wait_for};
use crate::judge::Verdict;
use crate::place::Place;
use crate::process::Program;

/// Closes every capture: what was captured before this datagram is on disk when it is.
const LAST_WORDS: &[u8] = b"the cordboard rig has seen enough";

/// Severity from which tshark's remarks count: `PI_WARN` of its expert information.
const WARNING: u64 = 0x0060_0000;

/// A running capture of everything on the loopback.
#[derive(Debug)]
pub struct Capture {
    program: Program,
    file: PathBuf,
    keys: PathBuf,
}

impl Capture {
    /// Starts capturing, and returns once packets are being seen.
    pub fn start(place: &Place) -> Self {
        let file = place.directory().join("capture.pcap");
        let mut command = Command::new("tcpdump");
        command
            .args(["-i", "lo", "-U", "--immediate-mode", "-Z", "root"])
            // In immediate mode each packet takes a whole slot of the buffer: 1,000 slots of the longest packet.
            .args(["-s", "65535", "-B", "65536", "-w"])
            .arg(&file)
            .stdin(Stdio::null());
        let mut program = Program::start("tcpdump", command, &place.directory().join("tcpdump.log"));
        program.wait_line("that it listens", STEP, |line| line.contains("listening on").then_some(()));
        Self { program, file, keys: place.directory().join("tls-keys.log") }
    }

    /// Ends the capture and reads the SIP in it. TLS is read with the keys that the switchboard logged.
    pub fn finish(mut self) -> Verdict {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback is up");
        socket.send_to(LAST_WORDS, "127.0.0.1:9").expect("the loopback carries datagrams");
        wait_for("the capture to be written", STEP, || {
            let bytes = fs::read(&self.file).ok()?;
            let from = bytes.len().saturating_sub(1 << 16);
            bytes[from..].windows(LAST_WORDS.len()).any(|window| window == LAST_WORDS).then_some(())
        });
        self.program.signal("INT");
        self.program.wait_end(STEP);
        let log = fs::read_to_string(self.program.log()).unwrap_or_default();
        assert!(log.contains("\n0 packets dropped by kernel"), "the capture has holes: {log}");
        Verdict::new(messages(&self.file, &self.keys))
    }
}

/// Reads the SIP in a capture that somebody else wrote, after decryption.
pub fn read(file: &Path) -> Verdict {
    Verdict::new(messages(file, &file.with_extension("keys")))
}

/// One SIP message as tshark reads it.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Number of the frame in the capture that completes it.
    pub frame: u64,
    /// Sender, `address:port`.
    pub from: String,
    /// Receiver, `address:port`.
    pub to: String,
    /// Method of a request.
    pub method: Option<String>,
    /// Status of a response.
    pub status: Option<u16>,
    /// Call-ID.
    pub call_id: String,
    /// Number of the `CSeq`.
    pub sequence: u64,
    /// Method of the `CSeq`, and so of the request that a response answers.
    pub sequence_method: String,
    /// User part of the From URI.
    pub from_user: String,
    /// Tag of the From header.
    pub from_tag: String,
    /// User part of the To URI.
    pub to_user: String,
    /// Tag of the To header; empty outside a dialog.
    pub to_tag: String,
    /// Branch of the top Via.
    pub branch: String,
    /// Whether it carries Authorization or Proxy-Authorization.
    pub credentials: bool,
    /// Max-Forwards, when it is there.
    pub max_forwards: Option<u32>,
    /// What tshark finds wrong with the SIP or the SDP of it.
    pub remarks: Vec<String>,
}

fn messages(file: &Path, keys: &Path) -> Vec<Message> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file).args(["-Y", "sip", "-T", "json", "--no-duplicate-keys"]);
    command.args(["-J", "frame ip ipv6 tcp udp sip sdp _ws.malformed"]);
    command.args(["-d", "udp.port==5060,sip", "-d", "tcp.port==5060,sip", "-d", "tls.port==5061,sip"]);
    if keys.exists() {
        command.args(["-o", &format!("tls.keylog_file:{}", keys.display())]);
    }
    let output = command.stdin(Stdio::null()).output().expect("tshark starts");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    let frames: Vec<Value> = serde_json::from_slice(&output.stdout).expect("tshark prints JSON");
    frames.iter().flat_map(|frame| in_frame(&frame["_source"]["layers"])).collect()
}

/// The messages that one frame completes; a segment of a stream may complete several.
fn in_frame(layers: &Value) -> Vec<Message> {
    let layer = |name: &str| match &layers[name] {
        Value::Array(several) => several.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let address = |end: &str| {
        let host = text(layers, &format!("ip.{end}")).or_else(|| text(layers, &format!("ipv6.{end}")));
        let port =
            text(layers, &format!("udp.{end}port")).or_else(|| text(layers, &format!("tcp.{end}port")));
        format!("{}:{}", host.unwrap_or_default(), port.unwrap_or_default())
    };
    let of_frame: Vec<_> = ["sdp", "_ws.malformed"]
        .iter()
        .flat_map(|name| layer(name).iter().flat_map(remarks).collect::<Vec<_>>())
        .chain(layers.get("_ws.malformed").map(|_| "malformed".to_owned()))
        .collect();
    layer("sip")
        .iter()
        .map(|sip| Message {
            frame: text(layers, "frame.number").and_then(|number| number.parse().ok()).unwrap_or_default(),
            from: address("src"),
            to: address("dst"),
            remarks: remarks(sip).into_iter().chain(of_frame.clone()).collect(),
            ..message(sip)
        })
        .collect()
}

fn message(sip: &Value) -> Message {
    let field = |name: &str| text(sip, name);
    Message {
        method: field("sip.Method"),
        status: field("sip.Status-Code").and_then(|status| status.parse().ok()),
        call_id: field("sip.Call-ID").unwrap_or_default(),
        sequence: field("sip.CSeq.seq").and_then(|number| number.parse().ok()).unwrap_or_default(),
        sequence_method: field("sip.CSeq.method").unwrap_or_default(),
        from_user: field("sip.from.user").unwrap_or_default(),
        from_tag: field("sip.from.tag").unwrap_or_default(),
        to_user: field("sip.to.user").unwrap_or_default(),
        to_tag: field("sip.to.tag").unwrap_or_default(),
        branch: field("sip.Via.branch").unwrap_or_default(),
        credentials: field("sip.Authorization").or_else(|| field("sip.Proxy-Authorization")).is_some(),
        max_forwards: field("sip.Max-Forwards").and_then(|number| number.parse().ok()),
        ..Message::default()
    }
}

/// The first value called `name`, however deep.
fn text(tree: &Value, name: &str) -> Option<String> {
    match tree {
        Value::Object(fields) => {
            fields.get(name).and_then(first).or_else(|| fields.values().find_map(|it| text(it, name)))
        }
        Value::Array(several) => several.iter().find_map(|it| text(it, name)),
        _ => None,
    }
}

fn first(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(several) => several.first().and_then(first),
        _ => None,
    }
}

/// Expert information of warning or worse, malformations, and fields that tshark calls invalid.
fn remarks(tree: &Value) -> Vec<String> {
    let mut found = Vec::new();
    match tree {
        Value::Object(fields) => {
            let severity =
                fields.get("_ws.expert.severity").and_then(first).and_then(|number| number.parse().ok());
            if severity.is_some_and(|severity: u64| severity >= WARNING) {
                let says = fields.get("_ws.expert.message").and_then(first);
                found.push(says.unwrap_or_else(|| "expert warning".to_owned()));
            }
            for (name, value) in fields {
                if name.starts_with("_ws.malformed")
                    || name.ends_with(".invalid")
                    || name.ends_with("not_terminated")
                {
                    found.push(name.clone());
                }
                found.extend(remarks(value));
            }
        }
        Value::Array(several) => found.extend(several.iter().flat_map(remarks)),
        _ => {}
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_segment_may_complete_two_messages() {
        let layers = json!({
            "frame": { "frame.number": "7" },
            "ip": { "ip.src": "127.0.0.1", "ip.dst": "127.0.0.11" },
            "tcp": { "tcp.srcport": "5060", "tcp.dstport": "4711" },
            "sip": [
                { "sip.Status-Line_tree": { "sip.Status-Code": "180" }, "t": { "sip.CSeq_tree": { "sip.CSeq.seq": "2" } } },
                { "sip.Status-Line_tree": { "sip.Status-Code": "200" } },
            ],
        });
        let found = in_frame(&layers);
        assert_eq!(found.iter().map(|message| message.status).collect::<Vec<_>>(), [Some(180), Some(200)]);
        assert_eq!(found[0].sequence, 2);
        assert_eq!(
            (found[1].frame, &*found[1].from, &*found[1].to),
            (7, "127.0.0.1:5060", "127.0.0.11:4711")
        );
    }

    #[test]
    fn warnings_are_kept_and_notes_are_not() {
        let expert = |severity: u64| json!({ "_ws.expert": { "_ws.expert.message": "odd", "_ws.expert.severity": severity.to_string() } });
        assert_eq!(remarks(&expert(WARNING)), ["odd"]);
        assert_eq!(remarks(&expert(0x0040_0000)), [""; 0]);
    }
}
