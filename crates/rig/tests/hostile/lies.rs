//! A Content-Length that lies (RFC 3261 §18.3).

use super::*;

/// How long a message may take here, in seconds.
const MESSAGE_TIME: u64 = 2;

/// What comes of a lie.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// This status, and the next message is read.
    Answer(u16),
    /// This status, and the connection is closed: nobody knows where the next message begins.
    AnswerAndClose(u16),
    /// The connection is closed in the end.
    Close,
}

use Then::{Answer, AnswerAndClose, Close};

/// What stands at the end of an OPTIONS, and what comes of it.
type Lie = (&'static str, Then);

const DATAGRAMS: [Lie; 7] = [
    // More than there is: an error.
    ("Content-Length: 10\r\n\r\nfour", Answer(400)),
    ("Content-Length: 4294967295\r\n\r\nfour", Answer(400)),
    ("Content-Length: 99999999999999999999\r\n\r\nfour", Answer(400)),
    ("Content-Length: -1\r\n\r\nfour", Answer(400)),
    ("Content-Length: 4\r\nContent-Length: 2\r\n\r\nfour", Answer(400)),
    // Less than there is: the rest is discarded.
    ("Content-Length: 2\r\n\r\nfour", Answer(200)),
    ("Content-Length: 0\r\n\r\nBYE sip:eve SIP/2.0\r\n\r\n", Answer(200)),
];

const STREAMS: [Lie; 7] = [
    ("Content-Length: 60000\r\n\r\nfour", Close),
    ("Content-Length: 4294967295\r\n\r\nfour", AnswerAndClose(513)),
    ("Content-Length: 99999999999999999999\r\n\r\nfour", AnswerAndClose(400)),
    ("Content-Length: -1\r\n\r\nfour", AnswerAndClose(400)),
    ("Content-Length: 4\r\nContent-Length: 2\r\n\r\nfour", AnswerAndClose(400)),
    ("X-Length: 4\r\n\r\nfour", AnswerAndClose(400)),
    // What remains is no message.
    ("Content-Length: 0\r\n\r\nfour\r\n\r\n", AnswerAndClose(200)),
];

/// Plays each lie over a wire of its own.
fn play(open: fn(&Switchboard) -> Wire, lies: &[Lie]) {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, &format!("\n[limits]\nmessage_time_s = {MESSAGE_TIME}\n"));
        for (number, (lie, then)) in lies.iter().enumerate() {
            let mut wire = open(&scene.switchboard);
            wire.send(options(&wire, 2 * number, lie).as_bytes()).expect("it is sent");
            if let Answer(status) | AnswerAndClose(status) = *then {
                let answer = wire.receive(STEP).message();
                assert_eq!(answer.status(), Some(status), "{lie:?}: {answer:?}");
                assert_eq!(
                    answer.value("Call-ID"),
                    format!("hostile-{}-{}", 2 * number, wire.local().port())
                );
            }
            match then {
                Close | AnswerAndClose(_) => assert_eq!(wire.receive(STEP), Heard::Closed(None), "{lie:?}"),
                Answer(_) => {
                    let next = options(&wire, 2 * number + 1, "Content-Length: 0\r\n\r\n");
                    wire.send(next.as_bytes()).expect("it is sent");
                    let answer = wire.receive(STEP).message();
                    assert_eq!(answer.status(), Some(200), "after {lie:?}: {answer:?}");
                }
            }
        }
        scene.goes_on();
        scene.ends();
    });
}

#[test]
fn in_datagrams() {
    play(udp, &DATAGRAMS);
}

#[test]
fn over_tcp() {
    play(tcp, &STREAMS);
}

#[test]
fn over_tls() {
    play(tls, &STREAMS);
}

/// A frame is one message (RFC 7118 §5.2), whatever its Content-Length says.
#[test]
fn in_websocket_frames() {
    play(websocket, &DATAGRAMS);
}

/// RFC 3261 §18.3: a response that is cut is discarded, so that the INVITE goes on waiting.
#[test]
fn a_response_that_is_cut_is_dropped() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        let Scene { alice, bob, .. } = &mut scene;
        let invite = alice.invite(&bob.address());
        alice.send(&invite);
        let request = bob.hears("INVITE", STEP).expect("it arrives");
        let cut: String = ["Via", "From", "To", "Call-ID", "CSeq"]
            .iter()
            .flat_map(|name| request.values(name).map(move |value| format!("{name}: {value}\r\n")))
            .collect();
        bob.send(&format!("SIP/2.0 603 Decline\r\n{cut}Content-Length: 100\r\n\r\ncut"));
        bob.answers(&request, "486 Busy Here");
        let answer = alice.answer_to(&invite, STEP).expect("an answer");
        assert_eq!(answer.status(), Some(486), "{answer:?}");
        bob.hears("ACK", STEP).expect("the refusal is acknowledged");
        scene.ends();
    });
}
