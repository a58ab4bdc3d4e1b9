//! The harnesses for header values, URIs and bodies as plain tests: on every value in `data/`, on those below, and on
//! seeded mutations of them.

use cordboard_sip::View;

#[path = "fuzz/events.rs"]
mod events;
mod values;

/// Values that the messages in `data/` do not have.
const MORE: &[&str] = &[
    "\"A. G. Bell\" <sip:agb@bell-telephone.com;lr?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2> ;tag=a48s",
    "<sip:callee@192.0.2.1>;pub-gruu=\"sip:callee@example.com;gr=urn:uuid:f8\";temp-gruu=\"sip:t@example.com;gr\";+sip.instance=\"<urn:uuid:f8>\";expires=3600;q=.25",
    "SIP / 2.0 / UDP first.example.com: 4000;ttl=16\r\n ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1;rport=1;received=[2001:db8::1]",
    "Digest username=\"bob\", realm=\"biloxi.com\", nonce=\"dcd98b\", uri=\"sip:bob@biloxi.com\", qop=auth, nc=00000001, cnonce=\"0a4f113b\", response=\"6629fae4\", opaque=\"5ccc\"",
    "Digest realm=\"atlanta.com\", domain=\"sip:ss1.carrier.com\", qop=\"auth,auth-int\", nonce=\"f84f\", opaque=\"\", stale=TRUE, algorithm=SHA-256-sess",
    "nextnonce=\"47364c23432d2e131a5fb210812c\", qop=auth, rspauth=\"00\", cnonce=\"x\", nc=1",
    "425928@bobster.example.org;to-tag=7743;from-tag=6472;early-only",
    "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544",
    "*;audio;methods=\"INVITE,BYE\";priority=\"#>=5\";description=\"<x>\";require;explicit",
    "<sip:UserB@example.com?Privacy=history&Reason=SIP%3Bcause%3D486>;index=1.2;mp=1.1",
    "<sip:bob@p2.example>;reason=user-busy;counter=1;limit=3;privacy=off;screen=yes",
    "SIP ;cause=200 ;text=\"Call completed elsewhere\"",
    "307 isi.edu \"Session parameter 'foo' not understood\"",
    "Sat, 13 Nov 2010 23:29:00 GMT",
    "120 (I'm in a meeting) ;duration=3600",
    "4000;refresher=uac",
    "776656 1 INVITE",
    "terminated;reason=noresource;retry-after=5;expires=1",
    "application/sdp;level=1;q=0.5, text/*, */*;q=0",
    "multipart/mixed;boundary=\"b\"",
    "session;handling=optional",
    "presence.winfo;id=1",
    "baresip v1.0.0 (x86_64/Linux (a \\) b)) x/1",
    "54.21 .0000019",
    "header;id",
    "false;x",
    "proxy, recurse, no-fork",
    "sips:alice:secret@[2001:db8::10]:5061;transport=tcp;lr;gr=x?subject=x&priority=urgent",
    "tel:+1-201-555-0123;ext=5;phone-context=+1",
    "urn:service:sos",
];

const BODIES: &[&str] = &[
    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=sendonly\r\nm=audio 49170 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n",
    "SIP/2.0 200 OK\r\nWarning: 399 a \"b\",\r\n 399 c \"d\"\r\n\r\nbody",
    "--b\r\nContent-Type: application/sdp\r\nContent-ID: <x>\r\n\r\nv=0\r\n--b\r\nContent-Type: multipart/alternative;boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
    include_str!("data/events/dialog-shared-6.xml"),
    include_str!("data/events/conference-basic.xml"),
    include_str!("data/events/reginfo-example.xml"),
    include_str!("data/events/presence-status.xml"),
    "Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n\r\nTo: <a@b>\r\n",
];

const PIECES: [&str; 45] = [
    "\r\n",
    "\r\n ",
    "\n",
    "\r",
    ",",
    ";",
    ":",
    "<",
    ">",
    "\"",
    "\\",
    " ",
    "\t",
    "\0",
    "=",
    "[",
    "]",
    "%",
    "%00",
    "%22",
    "%3E",
    "@",
    "?",
    "&",
    "(",
    ")",
    "/",
    "\u{e4}",
    ";tag=1",
    ";q=0.5",
    "sip:",
    "\"\"",
    "=\"",
    "0",
    "<!DOCTYPE r [<!ENTITY a \"b\">]>",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&a;",
    "&#13;",
    "<!--",
    "-->",
    " xmlns=\"\"",
    "/>",
    "</",
];

/// `SplitMix64`: enough to mutate text, the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.roll(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    fn mutate(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..=self.roll(3) {
            let at = self.place(&text);
            match self.roll(3) {
                0 => text.insert_str(at, PIECES[self.roll(PIECES.len())]),
                1 => {
                    let end = self.place(&text);
                    text.replace_range(at.min(end)..at.max(end), PIECES[self.roll(PIECES.len())]);
                }
                _ => {
                    let end = self.place(&text);
                    let piece = text[at.min(end)..at.max(end)].to_owned();
                    text.insert_str(at, &piece);
                }
            }
            while text.len() > 4096 {
                text.truncate(self.place(&text));
            }
        }
        text
    }
}

/// Every value of every message in `data/`.
fn corpus() -> Vec<String> {
    let mut values: Vec<String> = MORE.iter().map(|value| (*value).to_owned()).collect();
    for folder in ["rfc4475", "rfc5118", "typical"] {
        let folder = format!("{}/tests/data/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).expect("the corpus is in the repository") {
            let bytes = read(&file.expect("a readable folder").path());
            let Ok(view) = View::parse(&bytes) else {
                continue;
            };
            values.extend(view.lines().map(|line| line.value.to_owned()));
        }
    }
    assert!(values.len() > 500, "the corpus was found");
    values.sort();
    values.dedup();
    values
}

#[expect(clippy::disallowed_methods, reason = "the purity of the crate does not bind its tests")]
fn read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).expect("a readable file")
}

#[test]
fn values_as_they_are() {
    for value in corpus() {
        values::header(&value);
        values::uri(&value);
    }
}

#[test]
fn values_mutated() {
    let corpus = corpus();
    let mut dice = Dice(20_261_120);
    for round in 0..20_000 {
        let value = dice.mutate(&corpus[round % corpus.len()]);
        values::header(&value);
    }
}

#[test]
fn uris_mutated() {
    let corpus = corpus();
    let uris: Vec<&str> = corpus
        .iter()
        .flat_map(|value| value.split(['<', '>', ' ', '"']))
        .filter(|word| word.contains(':'))
        .collect();
    let mut dice = Dice(3_261);
    for round in 0..100_000 {
        values::uri(&dice.mutate(uris[round % uris.len()]));
    }
}

#[test]
fn bodies_mutated() {
    let mut dice = Dice(5_621);
    for body in BODIES {
        values::body(body.as_bytes());
        events::events(body.as_bytes());
        for _ in 0..10_000 {
            let body = dice.mutate(body);
            values::body(body.as_bytes());
            events::events(body.as_bytes());
        }
    }
}
