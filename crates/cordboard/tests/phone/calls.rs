//! Calls between two telephones: who hears whom, hold, digits, recordings, and how telephones leave.

use crate::programs::{Demo, Phone, call, cordboard, says};
use cordboard_media::meter::{Sound, sound};
use cordboard_media::wav::Samples;
use serde_json::json;
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::Duration;

/// Alice plays 440 Hz and bob 660 Hz; each hears the other, until she holds.
fn talk_hold_and_press(transport: &str) {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", transport, &["--tone", "440"]);
    let mut bob = demo.registered("bob", transport, &["--tone", "660"]);
    call(&mut alice, &mut bob, "bob");
    alice.hears(660);
    bob.hears(440);
    alice.does("hold");
    bob.tells("held");
    alice.hears_nothing();
    bob.hears_nothing();
    alice.does("resume");
    bob.tells("unheld");
    alice.hears(660);
    bob.hears(440);
    alice.does("dtmf 4*#D");
    for digit in ["4", "*", "#", "D"] {
        assert_eq!(bob.tells("digit")["digit"], digit);
    }
    bob.does("hangup");
    says(&alice.tells("ended"), json!({ "outcome": "answered", "by_peer": true }));
    for phone in [alice, bob] {
        let (status, told, errors) = phone.ends();
        assert!(status.success() && errors.is_empty(), "{errors}");
        assert_eq!(told.last().unwrap()["event"], "unregistered", "who leaves is not registered any more");
    }
}

#[test]
fn two_talk_hold_and_press_digits_over_udp() {
    talk_hold_and_press("udp");
}

#[test]
fn two_talk_hold_and_press_digits_over_tcp() {
    talk_hold_and_press("tcp");
}

#[test]
fn two_talk_hold_and_press_digits_over_tls() {
    talk_hold_and_press("tls");
}

#[test]
fn two_talk_hold_and_press_digits_over_websocket() {
    talk_hold_and_press("ws");
}

#[test]
fn two_talk_hold_and_press_digits_over_secure_websocket() {
    talk_hold_and_press("wss");
}

#[test]
fn events_begin_with_their_name_and_time() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &[]);
    alice.does("calls");
    let (_, told, _) = alice.ends();
    let mut last = 0.0;
    for event in &told {
        let at = event["at_ms"].as_f64().unwrap();
        assert!(event["event"].is_string() && at >= last, "{event}");
        last = at;
    }
    assert!(told.iter().any(|event| event["event"] == "calls" && event["calls"] == json!([])));
}

#[test]
fn without_a_switchboard_a_file_is_played_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let [played, heard] = ["played.wav", "heard.wav"].map(|name| folder.path().join(name));
    let wave = |n: u32| (8000.0 * (f64::from(n) * 880.0 * std::f64::consts::TAU / 16_000.0).sin()) as i16;
    let tone = Samples { rate: 16_000, values: (0..16_000).map(wave).collect() };
    std::fs::write(&played, tone.write().unwrap()).unwrap();
    let (mut bob, at) = Phone::alone("bob", &["--record", heard.to_str().unwrap(), "--auto-answer"]);
    let (mut alice, _) = Phone::alone("alice", &["--play", played.to_str().unwrap()]);
    alice.does(&format!("dial {at}"));
    alice.does("wait established");
    bob.hears(880);
    alice.does("wait played");
    bob.hears_nothing();
    alice.does("hangup");
    let recorded = bob.tells("recorded");
    assert_eq!(recorded["file"], heard.to_str().unwrap());
    let samples = Samples::read(&std::fs::read(&heard).unwrap()).unwrap();
    assert_eq!(sound(&samples.values[4000..4800], samples.rate, &[440, 880]), Sound::Tones(vec![880]));
    assert!(recorded["seconds"].as_f64().unwrap() > 0.9, "{recorded}");
}

#[test]
fn calls_are_numbered_and_a_number_chooses() {
    let (mut alice, at) = Phone::alone("alice", &[]);
    let (mut bob, _) = Phone::alone("bob", &[]);
    let (mut carol, _) = Phone::alone("carol", &[]);
    bob.does(&format!("dial {at}"));
    alice.tells("incoming");
    carol.does(&format!("dial {at}"));
    assert_eq!(alice.tells("incoming")["call"], 2);
    alice.does("decline 1 486");
    says(&bob.tells("ended"), json!({ "outcome": "busy", "status": 486 }));
    alice.does("answer 2");
    carol.tells("established");
    alice.does("calls");
    let (status, told, _) = alice.ends();
    assert!(status.success());
    let calls = told.iter().find(|event| event["event"] == "calls").unwrap();
    says(&calls["calls"][0], json!({ "call": 2, "stage": "up" }));
    assert_eq!(carol.tells("ended")["by_peer"], true, "who leaves hangs up");
}

/// The telephone reacts to what it is told at once, and what was told is on the wire before.
#[test]
fn the_answer_does_not_overtake_the_ringing() {
    let (_bob, at) = Phone::alone("bob", &["--auto-answer"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.connect(at.rsplit('@').next().unwrap()).unwrap();
    let here = socket.local_addr().unwrap();
    let mut room = [0; 4096];
    for call in 0..12 {
        let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
        let length = sdp.len();
        let invite = format!(
            "INVITE {at} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{call}\r\nMax-Forwards: 70\r\n\
             From: <sip:alice@{here}>;tag=a{call}\r\nTo: <{at}>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:alice@{here}>\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{sdp}"
        );
        socket.send(invite.as_bytes()).unwrap();
        let mut statuses = Vec::new();
        while statuses.len() < 2 {
            let length = socket.recv(&mut room).unwrap();
            let text = String::from_utf8_lossy(&room[..length]).into_owned();
            // Earlier calls are not acknowledged, so that their answers come again.
            if text.contains(&format!("Call-ID: {call}\r\n")) {
                statuses.push(text[8..11].to_owned());
            }
        }
        assert_eq!(statuses, ["180", "200"], "call {call}");
    }
}

#[test]
fn an_interrupt_hangs_up_and_unregisters() {
    let demo = Demo::start();
    let mut alice = demo.registered("alice", "udp", &[]);
    let mut bob = demo.registered("bob", "udp", &[]);
    call(&mut alice, &mut bob, "bob");
    alice.says("sleep 60");
    alice.signal("INT");
    assert_eq!(bob.tells("ended")["by_peer"], true);
    let (status, told, errors) = alice.ended();
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("interrupted"), "{errors}");
    assert!(told.iter().any(|event| event["event"] == "unregistered"));
}

#[test]
fn a_file_says_what_options_say_and_options_count_more() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phone.toml");
    std::fs::write(&file, "user = \"alice\"\nlisten = \"127.0.0.1\"\ntone = 440\njson = true\n").unwrap();
    let mut command = cordboard();
    command.arg("phone").arg("--config").arg(&file).args(["--user", "bill"]).stdin(Stdio::null());
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("\"user\":\"bill\"") && told.contains("127.0.0.1:"), "{told}");
}
