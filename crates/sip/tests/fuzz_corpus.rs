//! The fuzz harnesses as plain tests: on every message in `data/`, and on seeded mutations of them.

use cordboard_sip::View;

mod fuzz;
mod typical;

const TORTURE: [&[u8]; 12] = [
    include_bytes!("data/rfc4475/wsinv.dat"),
    include_bytes!("data/rfc4475/intmeth.dat"),
    include_bytes!("data/rfc4475/longreq.dat"),
    include_bytes!("data/rfc4475/dblreq.dat"),
    include_bytes!("data/rfc4475/mpart01.dat"),
    include_bytes!("data/rfc4475/badinv01.dat"),
    include_bytes!("data/rfc4475/ncl.dat"),
    include_bytes!("data/rfc4475/multi01.dat"),
    include_bytes!("data/rfc4475/insuf.dat"),
    include_bytes!("data/rfc4475/badvers.dat"),
    include_bytes!("data/rfc4475/inv2543.dat"),
    include_bytes!("data/rfc5118/via-received-param-with-delim"),
];

fn corpus() -> Vec<&'static [u8]> {
    typical::MESSAGES.iter().map(|(_, bytes)| *bytes).chain(TORTURE).collect()
}

/// `SplitMix64`: enough to mutate bytes, the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Pieces that mean something to a SIP parser.
const PIECES: [&[u8]; 24] = [
    b"\r\n",
    b"\r\n ",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b",",
    b";",
    b":",
    b"<",
    b">",
    b"\"",
    b"\\",
    b" ",
    b"\t",
    b"\0",
    b"\xff",
    b"=",
    b"[",
    b"]",
    b"Via: ",
    b"Route: <sip:a;lr>, <sip:b>\r\n",
    b"l: 0\r\n",
    b";rport",
    b";received=1",
];

fn mutate(message: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(message.len());
        match dice.roll(6) {
            0 => message[at] = dice.roll(256) as u8,
            1 => {
                let end = (at + dice.roll(40)).min(message.len());
                message.drain(at..end);
            }
            2 => {
                let end = (at + dice.roll(80)).min(message.len());
                let piece = message[at..end].to_vec();
                let to = dice.roll(message.len());
                message.splice(to..to, piece);
            }
            3 => message.truncate(at.max(1)),
            _ => {
                let piece = PIECES[dice.roll(PIECES.len())];
                message.splice(at..at, piece.iter().copied());
            }
        }
        if message.is_empty() {
            message.push(b'\n');
        }
    }
}

fn run(harness: fn(&[u8]), seed: u64) {
    run_on(&corpus(), harness, seed, 20_000);
}

fn run_on(corpus: &[&[u8]], harness: fn(&[u8]), seed: u64, rounds: usize) {
    for bytes in corpus {
        harness(bytes);
    }
    let mut dice = Dice(seed);
    for _ in 0..rounds {
        let mut message = corpus[dice.roll(corpus.len())].to_vec();
        mutate(&mut message, &mut dice);
        harness(&message);
    }
}

#[test]
fn message() {
    run(fuzz::message, 1);
}

#[test]
fn edits() {
    run(fuzz::edits, 2);
}

#[test]
fn framing() {
    run(fuzz::framing, 3);
}

/// The values of all headers of the corpus.
fn header_values() -> Vec<&'static [u8]> {
    let views = corpus().into_iter().filter_map(|bytes| View::parse(bytes).ok());
    let mut values: Vec<_> = views
        .flat_map(|view| view.lines().map(|line| line.value.as_bytes()).collect::<Vec<_>>())
        .filter(|value| !value.is_empty())
        .collect();
    values.extend(MORE_VALUES.iter().map(|value| value.as_bytes()));
    values.sort_unstable();
    values.dedup();
    values
}

/// What the messages of the corpus do not show.
const MORE_VALUES: [&str; 12] = [
    "425928@example.org;to-tag=7743;from-tag=6472;early-only",
    "<sips:bob@example.com?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994>",
    "Digest realm=\"a\\\"b\", nonce=\"c\", qop=\"auth,auth-int\", algorithm=SHA-256, stale=true",
    "<sip:b@example.com?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1",
    "307 isi.edu \"Session parameter 'foo' not understood\"",
    "*;audio;video=\"TRUE\";q=0.5;require;explicit",
    "multipart/mixed;boundary=\"a b\"",
    "Sat, 13 Nov 2010 23:29:00 GMT",
    "18000;duration=3600 (I'm in a meeting)",
    "tel:+358-555-1234567;postd=pp22;ext=12",
    "terminated;reason=noresource;retry-after=3",
    "Acme/1.0 (comment (nested) \\) here) x",
];

#[test]
fn header_values_of_every_kind() {
    run_on(&header_values(), fuzz::values::every_header, 4, 20_000);
}

#[test]
fn uris() {
    let uris: [&[u8]; 9] = [
        b"sip:alice:secret@example.com:5060;transport=tcp;lr?Subject=a%20b&x=",
        b"sip:%61lice@EXAMPLE.com;Transport=TCP\nsip:alice@example.com;transport=tcp",
        b"sips:[2001:db8::1]:5061;maddr=224.0.0.1;ttl=15",
        b"sip:carol@chicago.com;newparam=5;security=on\nsip:carol@chicago.com;security=on;newparam=5",
        b"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        b"tel:+1-201-555-0123;isub=1;phone-context=example.com\ntel:+12015550123",
        b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        b"sip:[2001:db8:::192.0.2.1]",
        b"mailto:a@b?c",
    ];
    run_on(&uris, fuzz::values::uri, 5, 50_000);
}

#[test]
fn session_descriptions() {
    let bodies: Vec<_> = corpus()
        .into_iter()
        .filter_map(|bytes| memmem(bytes, b"\r\n\r\n").map(|at| &bytes[at + 4..]))
        .filter(|body| body.starts_with(b"v=0"))
        .collect();
    assert!(bodies.len() > 5);
    run_on(&bodies, fuzz::values::sdp, 6, 20_000);
}

/// The examples of the RFCs.
fn event_bodies() -> Vec<Vec<u8>> {
    let folder = format!("{}/tests/data/events", env!("CARGO_MANIFEST_DIR"));
    let mut bodies: Vec<_> = std::fs::read_dir(folder)
        .expect("the corpus is in the repository")
        .map(|file| read(&file.expect("a readable folder").path()))
        .collect();
    assert!(bodies.len() > 20, "the corpus was found");
    bodies.sort();
    bodies.push(
        b"Messages-Waiting: yes\r\nMessage-Account: sip:a@b\r\nVoice-Message: 2/8 (0/2)\r\n\r\nTo: <a@b>\r\n"
            .into(),
    );
    bodies
}

#[expect(clippy::disallowed_methods, reason = "the purity of the crate does not bind its tests")]
fn read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).expect("a readable file")
}

#[test]
fn bodies_of_event_packages() {
    let bodies = event_bodies();
    let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    run_on(&bodies, fuzz::events::events, 7, 20_000);
}

fn memmem(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
