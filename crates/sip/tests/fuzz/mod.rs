//! What must hold for any bytes at all. `fuzz/` feeds these to libFuzzer; `tests/fuzz_corpus.rs` runs them on a
//! corpus and on seeded mutations of it, on stable.

pub(crate) mod events;
pub(crate) mod values;

use std::net::SocketAddr;

use cordboard_sip::{Edits, Frame, Framer, Method, Name, RejectWhy, Rport, View};

/// Parsing: nothing panics, what is accepted is consistent, what is refused gets an answer that is SIP.
pub(crate) fn message(bytes: &[u8]) {
    let source = SocketAddr::from(([192, 0, 2, 7], 5060));
    let view = match View::parse(bytes) {
        Ok(view) => view,
        Err(reject) => {
            assert!(!reject.to_string().is_empty());
            let reply = reject.reply(bytes, source);
            assert!(reply.is_none() || reject.status().is_some());
            if let Some(reply) = reply {
                assert!(reply.len() < 2 * bytes.len() + 512, "no amplifier");
                if let Ok(answer) = View::parse(&reply) {
                    assert_eq!(answer.status(), reject.status());
                }
            }
            return;
        }
    };
    assert_eq!(view.is_request(), view.status().is_none());
    assert_eq!(view.is_request(), !view.request_uri().is_empty());
    assert!(!view.call_id().is_empty() && !view.method_text().is_empty());
    assert_eq!(view.method(), Method::of(view.method_text().as_bytes()));
    let via = view.top_via();
    assert!(via.sent_by.starts_with(via.host) && !via.transport.is_empty());
    let mut lines = 0;
    for line in view.lines() {
        lines += 1;
        assert_eq!(line.name, Name::of(line.name_text.as_bytes()));
        assert_eq!(line.value, line.value.trim_matches([' ', '\t', '\r', '\n']));
        assert!(!line.unfolded().contains(['\r', '\n']));
        assert!(view.named(line.name_text).any(|other| other == line));
        for value in view.values(line.name) {
            assert_eq!(value.text, value.text.trim_matches([' ', '\t', '\r', '\n']));
        }
    }
    assert!(lines >= 5, "the five that every message has");
    // Parsing again what was found to be the message finds the same.
    let again = View::parse(view.bytes()).expect("the same bytes");
    assert_eq!(again.bytes(), view.bytes());
    assert_eq!(again.body(), view.body());
}

/// Editing: what a proxy does leaves a message that parses, with the changes and nothing else.
pub(crate) fn edits(bytes: &[u8]) {
    let Ok(view) = View::parse(bytes) else { return };
    let choice = bytes.iter().fold(0usize, |sum, &b| sum.wrapping_mul(31).wrapping_add(b.into()));
    let chosen = |i: usize| choice.rotate_right(i as u32) & 1 == 1;
    let mut edits = Edits::new();
    assert_eq!(edits.apply(&view), view.bytes(), "no edits, no change");

    let routes: Vec<_> = view.values(Name::ROUTE).collect();
    for (i, route) in routes.iter().enumerate() {
        if chosen(i) {
            edits.remove_value(&view, route);
        }
    }
    let vias = view.values(Name::VIA).count();
    edits.push_line(&view, Name::VIA, "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKproxy");
    edits.set_received(&view, std::net::Ipv4Addr::new(192, 0, 2, 7).into());
    edits.set_rport(&view, 5070);
    edits.set_value(&view, Name::MAX_FORWARDS, 69);
    edits.set_request_uri(&view, "sip:bob@192.0.2.9");
    edits.append_line(&view, Name::SUBJECT, view.reason());
    if choice & 64 == 64 {
        edits.set_body(&view, "text/plain", view.body());
    }
    let edited = edits.apply(&view);
    let after = match View::parse(&edited) {
        Ok(after) => after,
        Err(reject) => {
            // Growing may make a good message a bad one, and so may a bad Route that has become the first.
            let grown = view.bytes().len() > 60_000 || view.lines().count() > 120;
            assert!(grown || reject.why == RejectWhy::Invalid(Name::ROUTE), "{reject}: {edited:?}");
            return;
        }
    };
    assert_eq!(after.max_forwards(), Some(69));
    assert_eq!(after.top_via().branch, Some("z9hG4bKproxy"));
    assert_eq!(after.values(Name::VIA).count(), vias + 1);
    assert_eq!((after.call_id(), after.cseq()), (view.call_id(), view.cseq()));
    assert_eq!((after.from_tag(), after.to_tag()), (view.from_tag(), view.to_tag()));
    assert_eq!(after.body(), view.body());
    let kept: Vec<_> = (0..).zip(&routes).filter(|(i, _)| !chosen(*i)).map(|(_, route)| route.text).collect();
    let left: Vec<_> = after.values(Name::ROUTE).map(|route| route.text).collect();
    let present = |values: Vec<&str>| {
        values.into_iter().filter(|value| !value.is_empty()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(present(left), present(kept), "choice {choice:b}");

    edits.clear();
    let own = after.values(Name::VIA).next().expect("ours");
    edits.remove_value(&after, &own);
    let back = edits.apply(&after);
    let back = View::parse(&back).expect("the Via below is whole");
    let (via, old) = (back.top_via(), view.top_via());
    assert_eq!((via.sent_by, via.branch, via.received), (old.sent_by, old.branch, Some("192.0.2.7")));
    assert_eq!(via.rport, if old.rport == Rport::Absent { Rport::Absent } else { Rport::Filled(5070) });
}

/// Framing: however the stream is cut, the frames are the same, and nothing piles up.
pub(crate) fn framing(bytes: &[u8]) {
    let cut = 1 + usize::from(bytes.first().copied().unwrap_or(0)) % 64;
    for framer in [Framer::accepted(), Framer::opened()] {
        let whole = frames(framer.clone(), bytes.chunks(bytes.len().max(1)));
        let pieces = frames(framer, bytes.chunks(cut));
        assert_eq!(whole, pieces, "in pieces of {cut}");
    }
}

fn frames<'a>(mut framer: Framer, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<Result<Vec<u8>, String>> {
    let mut all = Vec::new();
    for chunk in chunks {
        framer.push(chunk);
        while let Some(frame) = framer.next() {
            all.push(match frame {
                Ok(Frame::Message(message)) => Ok(message.to_vec()),
                Ok(Frame::Ping) => Ok(b"ping".to_vec()),
                Ok(Frame::Pong) => Ok(b"pong".to_vec()),
                Err(reject) => Err(reject.why.to_string()),
            });
        }
    }
    all
}
