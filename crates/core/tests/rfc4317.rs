//! The examples of RFC 4317, every one: what its offers and answers have in common is what RFC 3264 asks for, and a
//! telephone of ours can stand in for the one who answers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use cordboard_core::session::media::{Local, Origin};
use cordboard_sip::sdp::{Direction, Sdp, Stream};

/// One exchange: its section, and its two descriptions.
struct Exchange {
    section: String,
    offer: Sdp,
    answer: Sdp,
}

/// The descriptions of the RFC in the order in which it prints them.
fn exchanges() -> Vec<Exchange> {
    let text = include_str!("data/rfc4317.txt");
    let mut exchanges = Vec::new();
    for example in text.split("# ").skip(1) {
        let (title, rest) = example.split_once('\n').unwrap();
        let described: Vec<Sdp> = rest
            .split('[')
            .skip(1)
            .map(|block| {
                let (_, lines) = block.split_once("]\n").unwrap();
                Sdp::parse(lines.replace('\n', "\r\n").as_bytes()).unwrap()
            })
            .collect();
        for pair in described.chunks_exact(2) {
            let section = title.split(' ').next().unwrap().to_owned();
            exchanges.push(Exchange { section, offer: pair[0].clone(), answer: pair[1].clone() });
        }
    }
    exchanges
}

/// RFC 3264 §6.1: what an answer may say to what an offer said.
fn may_answer(offer: Direction, answer: Direction) -> bool {
    (!answer.has_send() || offer.has_recv()) && (!answer.has_recv() || offer.has_send())
}

#[test]
fn every_example_is_here_and_obeys_the_rules() {
    let exchanges = exchanges();
    assert_eq!(exchanges.len(), 27);
    for Exchange { section, offer, answer } in &exchanges {
        assert_eq!(offer.streams().count(), answer.streams().count(), "{section}");
        for (theirs, ours) in offer.streams().zip(answer.streams()) {
            assert_eq!((theirs.kind(), theirs.protocol()), (ours.kind(), ours.protocol()), "{section}");
            assert!(!theirs.is_refused() || ours.is_refused(), "{section}: what is refused stays so");
            // The voice of §3.2 is put on hold, and the answer repeats its first offer all the same: a slip.
            let slip = section == "3.2" && theirs.direction() == Direction::SendOnly && theirs.is_held();
            let fits = ours.is_refused() || may_answer(theirs.direction(), ours.direction());
            assert!(fits || slip, "{section}");
        }
    }
}

/// RFC 3264 §8: a changed description has the next version. §3.2 of the examples raises it without a change.
#[test]
fn versions_rise_with_changes() {
    let mut last: Option<(String, Sdp)> = None;
    let exchanges = exchanges();
    for party in ["alice", "bob"] {
        for Exchange { section, offer, answer } in &exchanges {
            let said = [offer, answer]
                .into_iter()
                .find(|sdp| sdp.session().origin.username.as_deref() == Some(party));
            let said = said.unwrap();
            if let Some((_, before)) = last.as_ref().filter(|(at, _)| at == section) {
                let same = before.session().medias == said.session().medias
                    && before.session().connection == said.session().connection;
                let risen = said.version().1 - before.version().1;
                let expected = u64::from(!same || section == "3.2");
                assert_eq!(risen, expected, "{section} {party}");
            }
            last = Some((section.clone(), said.clone()));
        }
        last = None;
    }
}

/// Whether a telephone of ours knows a stream: PCMU or PCMA.
fn is_known(stream: &Stream<'_>) -> bool {
    stream.kind() == "audio"
        && !stream.is_refused()
        && stream.formats().any(|format| matches!(stream.encoding(format), Some("PCMU/8000" | "PCMA/8000")))
}

/// Our answers have the shape of those printed, where our sounds are offered; and what they refuse keeps its place.
#[test]
fn we_answer_as_the_examples_do() {
    let local = Local { address: "192.0.2.201:49172".parse().unwrap(), holds: false };
    let mut answered = 0;
    for Exchange { section, offer, answer } in exchanges() {
        let ours = Origin::new(1).answer(&local, &offer);
        let known = offer.streams().any(|stream| is_known(&stream)) || offer.streams().next().is_none();
        assert_eq!(ours.is_ok(), known, "{section}");
        let Ok((text, remote)) = ours else { continue };
        answered += 1;
        let ours = Sdp::parse(text.as_bytes()).unwrap();
        assert_eq!(ours.streams().count(), answer.streams().count(), "{section}");
        let mut taken = 0;
        for ((offered, ours), theirs) in offer.streams().zip(ours.streams()).zip(answer.streams()) {
            assert_eq!(ours.kind(), theirs.kind(), "{section}");
            assert!(ours.is_refused() || may_answer(offered.direction(), ours.direction()), "{section}");
            if is_known(&offered) && !ours.is_refused() {
                taken += 1;
                let known = ["PCMU/8000", "PCMA/8000"];
                assert!(
                    ours.formats().all(|format| ours.encoding(format).is_some_and(|e| known.contains(&e)))
                );
            } else {
                assert!(ours.is_refused(), "{section}");
            }
        }
        assert_eq!(taken, usize::from(remote.sends || remote.receives), "{section}: one stream is ours");
    }
    assert_eq!(answered, 13, "those that offer PCMU or PCMA, and the one without media");
}

/// §3.1, §5.2, §5.3: holds, in the new manner and in the old one.
#[test]
fn the_holds_of_the_examples_are_read() {
    let held = |section: &str, offered: bool| {
        let exchange = exchanges().into_iter().find(|exchange| exchange.section == section).unwrap();
        let said = if offered { exchange.offer } else { exchange.answer };
        let stream = said.streams().next().unwrap();
        (stream.is_held(), said.is_held())
    };
    assert_eq!(held("3.1", false), (true, true), "sendonly in the answer");
    assert_eq!(held("5.2", true), (true, true), "a zero address in the offer");
    assert_eq!(held("5.3", false), (true, true), "a zero address in the answer");
    let second = &exchanges()[exchanges().iter().position(|exchange| exchange.section == "3.2").unwrap() + 1];
    let held: Vec<bool> = second.offer.streams().map(|stream| stream.is_held()).collect();
    assert_eq!(held, [true, false], "only the voice is held");
    assert!(!second.offer.is_held());
}
