//! Several targets, and which of their answers goes back: RFC 3261 §16.6 step 2, §16.7 and §16.10.

use crate::stage::{
    Sent, Stage, ack, at, cancel, found, invite, open, reply, reply_tagged, request, secs, statuses, udp,
};
use cordboard_core::transport::FlowError;
use cordboard_service::door::Input;
use cordboard_service::location::Target;

/// Bob's phones at .20, .21 and so on; what they were sent.
fn ring(stage: &mut Stage, phones: u8, text: &str) -> Vec<Sent> {
    stage.bob((0..phones).map(|n| at("bob", 20 + n)).collect());
    let sent = stage.pass(udp(10), text);
    assert_eq!(sent.len(), usize::from(phones), "{sent:#?}");
    sent
}

/// What goes back to the caller when each phone answers with one of these.
fn outcome(answers: &[u16]) -> Sent {
    let mut stage = open();
    let sent = ring(&mut stage, answers.len() as u8, &invite(""));
    let mut back = Vec::new();
    for (to, status) in sent.iter().zip(answers) {
        back.extend(stage.pass(to.flow, &reply_tagged(to, *status, &status.to_string(), "")));
    }
    let back: Vec<Sent> = back.into_iter().filter(|sent| sent.status() >= 200).collect();
    assert_eq!(back.len(), 1, "{answers:?}: {back:#?}");
    assert_eq!(back[0].flow, udp(10));
    back[0].clone()
}

#[test]
fn the_best_response_goes_back() {
    for (answers, best) in [
        (&[486, 603][..], 603),
        (&[302, 486], 302),
        (&[486, 302], 302),
        (&[404, 500], 404),
        (&[500, 404], 404),
        (&[404, 407], 407),
        (&[486, 401], 401),
        (&[486, 415], 415),
        (&[480, 484], 484),
        (&[486, 420], 420),
        (&[408, 486], 486),
        (&[430, 480], 480),
        (&[503, 501], 501),
        (&[408, 503], 408),
        (&[503], 500),
        (&[503, 503], 500),
        (&[486, 486, 302], 302),
    ] {
        assert_eq!(outcome(answers).status(), best, "{answers:?}");
    }
}

#[test]
fn the_challenges_of_all_go_back_together() {
    let mut stage = open();
    let sent = ring(&mut stage, 3, &invite(""));
    let challenge = |name: &str, realm: &str| format!("{name}: Digest realm=\"{realm}\", nonce=\"1\"\r\n");
    stage.pass(sent[0].flow, &reply(&sent[0], 401, &challenge("WWW-Authenticate", "one")));
    stage.pass(sent[1].flow, &reply(&sent[1], 407, &challenge("Proxy-Authenticate", "two")));
    let back = stage.pass(sent[2].flow, &reply(&sent[2], 401, &challenge("WWW-Authenticate", "three")));
    let back = back.last().expect("an answer");
    assert!(matches!(back.status(), 401 | 407));
    let realms = [back.all("WWW-Authenticate"), back.all("Proxy-Authenticate")].concat().join("\n");
    assert_eq!(back.all("WWW-Authenticate").len(), 2);
    assert!(["one", "two", "three"].iter().all(|realm| realms.contains(realm)), "{realms}");
}

#[test]
fn a_6xx_ends_the_rest_but_waits_for_it() {
    let mut stage = open();
    let sent = ring(&mut stage, 2, &invite(""));
    stage.pass(sent[1].flow, &reply(&sent[1], 180, ""));
    let after = stage.pass(sent[0].flow, &reply(&sent[0], 603, ""));
    assert!(after.iter().any(|sent| sent.is("CANCEL") && sent.flow == udp(21)), "{after:#?}");
    assert!(after.iter().any(|sent| sent.is("ACK") && sent.flow == udp(20)));
    assert!(after.iter().all(|sent| sent.flow != udp(10)), "nothing goes back yet");
    let back = stage.pass(sent[1].flow, &reply(&sent[1], 487, ""));
    assert!(back.iter().any(|sent| sent.status() == 603 && sent.flow == udp(10)), "{back:#?}");
}

#[test]
fn a_6xx_stops_the_search() {
    let mut stage = open();
    stage.bob(vec![at("bob", 20), Target { q: 500, ..at("bob", 21) }]);
    let sent = stage.one(udp(10), &invite(""));
    let after = stage.pass(udp(20), &reply(&sent, 600, ""));
    assert!(after.iter().all(|sent| sent.flow != udp(21)));
    assert!(after.iter().any(|sent| sent.status() == 600));
}

#[test]
fn a_2xx_after_a_6xx_still_goes_back() {
    let mut stage = open();
    let sent = ring(&mut stage, 2, &invite(""));
    stage.pass(sent[1].flow, &reply(&sent[1], 180, ""));
    stage.pass(sent[0].flow, &reply(&sent[0], 603, ""));
    let back = stage.pass(sent[1].flow, &reply(&sent[1], 200, ""));
    assert_eq!(statuses(&back), [200]);
}

#[test]
fn a_2xx_cancels_the_rest_and_a_second_one_passes() {
    let mut stage = open();
    let sent = ring(&mut stage, 3, &invite(""));
    stage.pass(sent[1].flow, &reply(&sent[1], 180, ""));
    stage.pass(sent[2].flow, &reply(&sent[2], 180, ""));
    let after = stage.pass(sent[0].flow, &reply_tagged(&sent[0], 200, "first", ""));
    let cancelled: Vec<_> = after.iter().filter(|sent| sent.is("CANCEL")).map(|sent| sent.flow).collect();
    assert_eq!(cancelled, [udp(21), udp(22)]);
    assert!(after.iter().any(|sent| sent.status() == 200 && sent.flow == udp(10)));
    let second = stage.one(sent[1].flow, &reply_tagged(&sent[1], 200, "second", ""));
    assert!(second.one("To").contains("second") && second.flow == udp(10));
    let third = stage.pass(sent[2].flow, &reply_tagged(&sent[2], 487, "third", ""));
    assert!(third.iter().all(|sent| sent.is("ACK")), "the loser's failure stays here: {third:#?}");
    let repeated = stage.one(sent[0].flow, &reply_tagged(&sent[0], 200, "first", ""));
    assert_eq!(repeated.status(), 200, "a repeated 2xx passes (RFC 6026 §7.1)");
    stage.assert_ends_idle();
}

/// RFC 3261 §16.7 step 5 speaks of every method.
#[test]
fn a_2xx_to_another_method_wins_at_once() {
    let message = request("MESSAGE", "sip:bob@example.test", "");
    for failure in [486, 302, 404] {
        let mut stage = open();
        let sent = ring(&mut stage, 3, &message);
        assert!(stage.pass(sent[0].flow, &reply(&sent[0], failure, "")).is_empty());
        let back = stage.one(sent[1].flow, &reply(&sent[1], 200, ""));
        assert_eq!((back.status(), back.flow), (200, udp(10)), "{failure}");
        assert!(stage.pass(sent[2].flow, &reply(&sent[2], 200, "")).is_empty(), "and only once");
        stage.assert_ends_idle();
    }
}

#[test]
fn lower_preferences_are_tried_later() {
    let mut stage = open();
    stage.bob(vec![
        at("bob", 20),
        at("bob", 21),
        Target { q: 700, ..at("bob", 22) },
        Target { q: 100, ..at("bob", 23) },
    ]);
    let first = stage.pass(udp(10), &invite(""));
    assert_eq!(first.iter().map(|sent| sent.flow).collect::<Vec<_>>(), [udp(20), udp(21)]);
    assert!(stage.pass(udp(20), &reply(&first[0], 486, "")).iter().all(|sent| sent.is("ACK")));
    let second = stage.pass(udp(21), &reply(&first[1], 480, ""));
    let second = second.iter().find(|sent| sent.is("INVITE")).expect("the next group");
    assert_eq!(second.flow, udp(22));
    stage.pass(udp(22), &reply(second, 180, ""));
    let later = stage.wait(secs(20));
    assert!(later.iter().any(|sent| sent.is("CANCEL") && sent.flow == udp(22)), "{later:#?}");
    let third = stage.pass(udp(22), &reply(second, 487, ""));
    let third = third.iter().find(|sent| sent.is("INVITE")).expect("the last group");
    assert_eq!(third.flow, udp(23));
    let back = stage.pass(udp(23), &reply(third, 404, ""));
    assert!(back.iter().any(|sent| sent.flow == udp(10) && matches!(sent.status(), 404 | 480 | 486)));
    stage.pass(udp(10), &ack(&invite(""), back.iter().find(|sent| sent.status() > 0).expect("it")));
    stage.assert_ends_idle();
}

/// The first group is still being looked up when its time is over.
#[test]
fn a_group_that_is_not_found_in_time_gives_way() {
    let mut stage = open();
    let slow = Target { path: vec!["<sip:slow.example;lr>".into()], ..at("bob", 20) };
    stage.bob(vec![slow, Target { q: 500, ..at("bob", 21) }]);
    assert!(stage.pass(udp(10), &invite("")).is_empty());
    let later = stage.wait(secs(21));
    assert!(later.iter().any(|sent| sent.is("INVITE") && sent.flow == udp(21)), "{later:#?}");
}

fn two_flows() -> Vec<Target> {
    let phone = |host| Target { instance: Some("urn:uuid:1".into()), ..at("bob", host) };
    vec![phone(20), phone(21)]
}

/// RFC 5626 §7.
#[test]
fn a_second_flow_is_tried_when_the_first_fails_and_not_otherwise() {
    for (status, again) in [(430, true), (408, true), (486, false), (480, false), (500, false)] {
        let mut stage = open();
        stage.bob(two_flows());
        let sent = stage.one(udp(10), &invite(""));
        let after = stage.pass(udp(20), &reply(&sent, status, ""));
        assert_eq!(after.iter().any(|sent| sent.is("INVITE") && sent.flow == udp(21)), again, "{status}");
        assert_eq!(after.iter().any(|sent| sent.flow == udp(10) && sent.status() == status), !again);
    }
}

#[test]
fn a_phone_with_two_flows_may_ring_for_long() {
    let mut stage = open();
    stage.bob(two_flows());
    let sent = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&sent, 180, ""));
    assert!(stage.wait(secs(60)).iter().all(|sent| !sent.is("CANCEL")));
    assert_eq!(statuses(&stage.pass(udp(20), &reply(&sent, 200, ""))), [200]);
}

#[test]
fn a_flow_that_fails_is_a_430() {
    let mut stage = open();
    let tcp = crate::stage::flow(cordboard_core::transport::Transport::Tcp, 20);
    stage
        .users
        .insert("bob@example.test".into(), found(vec![Target { flow: tcp, by_flow: true, ..at("bob", 20) }]));
    let sent = stage.one(udp(10), &invite(""));
    assert_eq!(sent.flow, tcp);
    stage.agent.handle(stage.now, Input::FlowClosed(tcp, FlowError::Closed));
    assert_eq!(statuses(&stage.drain()), [430]);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut stage = open();
    let text = invite("");
    let sent = stage.one(udp(10), &text);
    let ok = stage.one(udp(10), &cancel(&text));
    assert_eq!((ok.status(), ok.one("CSeq")), (200, "1 CANCEL"));
    let after = stage.pass(udp(20), &reply(&sent, 100, ""));
    assert_eq!(after.len(), 1);
    let onward = &after[0];
    assert!(onward.is("CANCEL") && onward.flow == udp(20));
    assert_eq!(onward.all("Via"), [sent.all("Via")[0]], "the branch of the INVITE and no other Via");
    assert_eq!(onward.request_uri(), sent.request_uri());
    stage.pass(udp(20), &reply(onward, 200, ""));
    let back = stage.pass(udp(20), &reply(&sent, 487, ""));
    assert!(back.iter().any(|sent| sent.flow == udp(10) && sent.status() == 487));
    stage.assert_ends_idle();
}

#[test]
fn cancel_after_a_provisional_response_goes_at_once_to_all() {
    let mut stage = open();
    let text = invite("");
    let sent = ring(&mut stage, 2, &text);
    for to in &sent {
        stage.pass(to.flow, &reply(to, 180, ""));
    }
    let after = stage.pass(udp(10), &cancel(&text));
    assert_eq!(statuses(&after).iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(after.iter().filter(|sent| sent.is("CANCEL")).count(), 2);
    stage.pass(sent[0].flow, &reply(&sent[0], 487, ""));
    let won = stage.pass(sent[1].flow, &reply(&sent[1], 200, ""));
    assert_eq!(statuses(&won), [200], "a 200 that crossed the CANCEL passes");
}

#[test]
fn cancel_of_nothing_is_481() {
    let text = cancel(&invite(""));
    assert_eq!(open().one(udp(10), &text).status(), 481);
}

/// What was cancelled does not move on to another server or another group.
#[test]
fn after_a_cancel_nobody_new_is_asked() {
    let mut stage = open();
    stage.bob(vec![at("bob", 20), Target { q: 500, ..at("bob", 21) }]);
    let text = invite("");
    let sent = stage.one(udp(10), &text);
    stage.pass(udp(20), &reply(&sent, 180, ""));
    stage.pass(udp(10), &cancel(&text));
    let back = stage.pass(udp(20), &reply(&sent, 487, ""));
    assert!(back.iter().all(|sent| !sent.is("INVITE")));
    assert!(back.iter().any(|sent| sent.status() == 487));
}

/// RFC 5393 §5.3.3: the breadth is shared by the branches that are out at the same time.
#[test]
fn breadth_is_divided_among_the_branches() {
    for (brought, phones, shares) in [
        ("", 1, &["60"][..]),
        ("Max-Breadth: 60\r\n", 2, &["30", "30"]),
        ("Max-Breadth: 8\r\n", 3, &["3", "3", "2"]),
        ("Max-Breadth: 4000\r\n", 1, &["60"]),
        ("Max-Breadth: 1\r\n", 1, &["1"]),
    ] {
        let sent = ring(&mut open(), phones, &invite(brought));
        let given: Vec<_> = sent.iter().map(|sent| sent.one("Max-Breadth")).collect();
        assert_eq!(given, shares, "{brought}");
    }
}

#[test]
fn what_is_too_broad_goes_out_one_after_another() {
    let mut stage = open();
    stage.bob(vec![at("bob", 20), at("bob", 21)]);
    let first = stage.one(udp(10), &invite("Max-Breadth: 1\r\n"));
    assert_eq!((first.flow, first.one("Max-Breadth")), (udp(20), "1"));
    let after = stage.pass(udp(20), &reply(&first, 486, ""));
    let second = after.iter().find(|sent| sent.is("INVITE")).expect("the other one");
    assert_eq!((second.flow, second.one("Max-Breadth")), (udp(21), "1"));
    assert_eq!(open().one(udp(10), &invite("Max-Breadth: 0\r\n")).status(), 440);
}
