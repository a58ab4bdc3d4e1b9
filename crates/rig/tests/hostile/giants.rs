//! A header of a megabyte: the answer is 513 (RFC 3261 §21.5.7) where one can be given, and nothing of it is kept.

use super::*;

const MEGABYTE: usize = 1 << 20;

/// Connections that send one, for each kind.
const GIANTS: usize = 20;

/// What may be kept of each at a time: the longest message, twice over for the copy that is answered.
const KEPT: u64 = 2 * 65_536;

/// Why a WebSocket is closed on which too much came (RFC 6455 §7.4.1).
const TOO_BIG: u16 = 1009;

fn giant(wire: &Wire, number: usize) -> String {
    options(wire, number, &format!("X-Giant: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(MEGABYTE)))
}

/// Sends giants over streams, each on a connection of its own; each is refused with 513, and closed.
fn refused_and_closed(open: fn(&Switchboard) -> Wire) {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        for number in 0..GIANTS {
            let mut wire = open(&scene.switchboard);
            // It may be closed before all of it was sent.
            let _ = wire.send(giant(&wire, number).as_bytes());
            let answer = wire.receive(STEP).message();
            assert_eq!(answer.status(), Some(513), "{answer:?}");
            assert_eq!(wire.receive(STEP), Heard::Closed(None));
        }
        scene.goes_on();
        scene.took_at_most(GIANTS as u64 * KEPT);
        scene.ends();
    });
}

#[test]
fn over_tcp() {
    refused_and_closed(tcp);
}

#[test]
fn over_tls() {
    refused_and_closed(tls);
}

/// A frame that is too long is not read, so that there is no Via to answer to: the WebSocket says why it closes.
#[test]
fn over_websocket() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        for number in 0..GIANTS {
            let mut wire = websocket(&scene.switchboard);
            let _ = wire.send(giant(&wire, number).as_bytes());
            assert_eq!(wire.receive(STEP), Heard::Closed(Some(TOO_BIG)));
        }
        scene.goes_on();
        scene.took_at_most(GIANTS as u64 * KEPT);
        scene.ends();
    });
}

/// What fits a datagram or a frame is read, and refused as a message; a WebSocket stays open then.
#[test]
fn as_long_as_a_message_may_be() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        for open in [udp, websocket] {
            let mut wire = open(&scene.switchboard);
            let long = format!("X-Giant: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(60_000));
            let (long, short) = (options(&wire, 1, &long), options(&wire, 2, "Content-Length: 0\r\n\r\n"));
            wire.send(long.as_bytes()).expect("it is sent");
            let answer = wire.receive(STEP).message();
            assert_eq!(answer.status(), Some(513), "{answer:?}");
            wire.send(short.as_bytes()).expect("it is sent");
            let answer = wire.receive(STEP).message();
            assert_eq!(answer.status(), Some(200), "{answer:?}");
        }
        scene.goes_on();
        scene.ends();
    });
}
