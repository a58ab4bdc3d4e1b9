//! A hundred thousand datagrams of garbage, and tens of thousands of requests that nobody will ever finish.

use super::*;

/// Datagrams of garbage.
const GARBAGE: usize = 100_000;

/// Requests of each kind, every one in a call of its own.
const REQUESTS: usize = 10_000;

/// Calls that ring and are never answered.
const RINGING: usize = 2_000;

/// After so many datagrams the flood waits for an answer: what the system would drop tests nobody.
const BURST: usize = 100;

/// What one transaction that is answered may take until it is forgotten, 32 s later (64·T1, RFC 3261 §17.2): the
/// answer, its keys and timers.
const ANSWERED: u64 = 2 << 10;

/// What a proxied call may take while it rings: two transactions and the request.
const PROXIED: u64 = 6 << 10;

const SEED: [u8; 32] = *b"a hundred thousand datagrams of ";

/// Who floods: a socket, and how much it has sent.
struct Flooder {
    bare: Bare,
    sent: usize,
}

impl Flooder {
    fn new(scene: &Scene) -> Self {
        Self { bare: Bare::new(udp(&scene.switchboard), "eve", &scene.switchboard), sent: 0 }
    }

    /// Sends a datagram; now and then waits until everything before it was read.
    fn sends(&mut self, bytes: &[u8]) {
        // One that is too long for the system, or refused for an earlier one, is not missed.
        let _ = self.bare.wire.send(bytes);
        self.sent += 1;
        if self.sent.is_multiple_of(BURST) {
            self.keeps_pace();
        }
    }

    /// The kernel gives what one socket sends to one worker, in order: when this is answered, all before it was read.
    fn keeps_pace(&mut self) {
        let request = options(&self.bare.wire, self.sent, "Content-Length: 0\r\n\r\n");
        let answer = self.bare.exchange(&request);
        assert_eq!(answer.status(), Some(200), "{answer:?}");
    }
}

/// A message that is right in every way; each in a call of its own.
fn valid(wire: &Wire, number: usize, dice: &mut Dice) -> String {
    let local = wire.local();
    let methods =
        ["REGISTER", "INVITE", "OPTIONS", "ACK", "BYE", "CANCEL", "MESSAGE", "SUBSCRIBE", "REFER", "XYZZY"];
    let method = methods[dice.below(methods.len() as u64) as usize];
    let start = match dice.below(8) {
        0 => "SIP/2.0 200 OK".to_owned(),
        1 => "SIP/2.0 180 Ringing".to_owned(),
        _ => format!("{method} sip:bob@example.test SIP/2.0"),
    };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-g{number};rport\r\nMax-Forwards: 70\r\n\
         From: \"Eve\" <sip:eve@example.test>;tag=g{number}\r\nTo: <sip:bob@example.test>\r\n\
         Call-ID: garbage-{number}\r\nCSeq: 1 {method}\r\nContact: <sip:eve@{local}>;expires=60\r\n\
         Route: <sip:127.0.0.1:5060;lr>\r\nContent-Type: application/sdp\r\nContent-Length: 27\r\n\r\n\
         v=0\r\no=- 1 1 IN IP4 0.0.0.0"
    )
}

/// One datagram of the mixture.
fn garbage(wire: &Wire, number: usize, dice: &mut Dice) -> Vec<u8> {
    let random = |dice: &mut Dice, most: u64| {
        let mut bytes = vec![0; 1 + dice.below(most) as usize];
        dice.fill(&mut bytes);
        bytes
    };
    let mut bytes = valid(wire, number, dice).into_bytes();
    let place = |dice: &mut Dice, bytes: &[u8]| dice.below(bytes.len() as u64) as usize;
    match dice.below(8) {
        0 => return random(dice, 1400),
        // A start line, and then noise.
        1 => {
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            bytes.truncate(end);
            bytes.extend(random(dice, 1000));
        }
        // Right in every way, but for nobody, or an answer to nothing.
        2 if dice.below(2) == 0 => {}
        2 => bytes.truncate(1 + place(dice, &bytes)),
        3..6 => {
            for _ in 0..=dice.below(3) {
                let at = place(dice, &bytes);
                match dice.below(4) {
                    0 => bytes[at] = dice.bits() as u8,
                    1 => bytes.insert(at, dice.bits() as u8),
                    2 => drop(bytes.remove(at)),
                    _ => bytes[at] ^= 1 << dice.below(8),
                }
            }
        }
        6 => {
            // Lines that are missing, or there again.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let lines: Vec<&str> = text.split("\r\n").collect();
            let from = dice.below(lines.len() as u64) as usize;
            let kept =
                lines.iter().skip(from).chain(lines.iter().take(dice.below(lines.len() as u64) as usize));
            bytes = kept.fold(String::new(), |all, line| all + line + "\r\n").into_bytes();
        }
        // As long as a datagram can be, or hardly there.
        _ => match dice.below(3) {
            0 => bytes = b"\r\n\r\n".to_vec(),
            1 => bytes = vec![0, 1, 0, 8],
            _ => bytes.resize(60_000, b'x'),
        },
    }
    bytes
}

#[test]
fn a_hundred_thousand_datagrams_of_garbage() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        let taken =
            || figure("cordboard_messages_received_total") + figure("cordboard_messages_refused_total");
        let before = taken();
        let (mut flooder, mut dice) = (Flooder::new(&scene), Dice::new(SEED, 0));
        while flooder.sent < GARBAGE {
            let bytes = garbage(&flooder.bare.wire, flooder.sent, &mut dice);
            flooder.sends(&bytes);
            if flooder.sent % (GARBAGE / 5) == 0 {
                scene.goes_on();
            }
        }
        // Some are so short that they count as keep-alives.
        let (taken, sip) = (taken() - before, figure("cordboard_messages_received_total"));
        assert!(taken > GARBAGE as u64 * 9 / 10, "only {taken} were read");
        eprintln!("{sip} of them were SIP");
        // A request that was, and one that could at least be told why it was not; only the first is remembered.
        assert!(sip > GARBAGE as u64 / 10 && sip < taken, "{sip} were SIP");
        scene.took_at_most(sip * ANSWERED);
        scene.ends();
    });
}

#[test]
fn requests_that_nobody_finishes() {
    isolated(&[], |place| {
        let mut scene = Scene::new(place, "");
        let mut carol = Bare::new(udp(&scene.switchboard), "carol", &scene.switchboard);
        assert_eq!(carol.registers(600).status(), Some(200));
        let mut flooder = Flooder::new(&scene);
        for number in 0..2 * REQUESTS + RINGING {
            let local = flooder.bare.wire.local();
            // Without credentials the first two are challenged. A stranger may call; carol lets it ring.
            let (method, to, from) = match number {
                0..REQUESTS => ("REGISTER", "sip:example.test", "alice@example.test"),
                n if n < 2 * REQUESTS => ("INVITE", "sip:bob@example.test", "alice@example.test"),
                _ => ("INVITE", "sip:carol@example.test", "eve@elsewhere.test"),
            };
            let text = format!(
                "{method} {to} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-f{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:{from}>;tag=f{number}\r\nTo: <{to}>\r\nCall-ID: flood-{number}\r\n\
                 CSeq: 1 {method}\r\nContact: <sip:eve@{local}>\r\nContent-Length: 0\r\n\r\n"
            );
            flooder.sends(text.as_bytes());
            if number % REQUESTS == REQUESTS - 1 {
                scene.goes_on();
            }
        }
        let (challenges, ringing) = (figure("cordboard_challenges_total"), figure("cordboard_contexts"));
        assert!(
            challenges >= 2 * REQUESTS as u64 && ringing >= RINGING as u64,
            "{challenges}, {ringing} ring"
        );
        scene.took_at_most(2 * REQUESTS as u64 * ANSWERED + RINGING as u64 * PROXIED);
        scene.ends();
    });
}
