//! The fuzz harnesses as plain tests: on every message in `data/`, and on seeded mutations of them.

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
    typical::MESSAGES
        .iter()
        .map(|(_, bytes)| *bytes)
        .chain(TORTURE)
        .collect()
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
    let corpus = corpus();
    for bytes in &corpus {
        harness(bytes);
    }
    let mut dice = Dice(seed);
    for _ in 0..20_000 {
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
