//! Who may take over, join or end a call: RFC 3891 §3, RFC 3911 §4, RFC 3892, RFC 3261 §19.1.5.

use crate::people::{ALICE, BOB, CAROL, Call, DAVE, EVE, Person, Request, office, people_in_groups};
use crate::stage::{Sent, Stage, at, reply_tagged, secs, udp};
use cordboard_core::time::Instant;
use cordboard_service::Agent;
use cordboard_service::door::{Command, CommandId, Input, Output, ShardId};
use cordboard_service::settings::Takeovers;
use std::sync::Arc;

/// An INVITE of `who` to `whom` that takes `call` over, or joins it.
fn taking<'a>(who: Person, whom: Person, header: &str, call: &Call, id: &'a str) -> Request<'a> {
    Request::new(who, "INVITE", whom, id).with(&format!("{header}: {}", call.named_to(whom)))
}

#[track_caller]
fn assert_passes(request: &Request<'_>, stage: &mut Stage, to: Person) {
    let sent = request.leads_to(stage);
    assert!(sent.is("INVITE") && sent.flow == udp(to.host), "{sent:?}");
    // What it does to the call is for the phone to say.
    stage.pass(sent.flow, &reply_tagged(&sent, 486, "busy", ""));
}

#[track_caller]
fn assert_refused(request: &Request<'_>, stage: &mut Stage) {
    let sent = request.leads_to(stage);
    assert_eq!((sent.status(), sent.flow), (403, udp(request.from.host)), "{sent:?}");
}

/// One end of `call` asks the other to call somebody in place of `named`.
fn refers(stage: &mut Stage, call: &Call, by: Person, refer_to: &str) -> Sent {
    let tags = call.tags();
    call.inside(by, &tags, "REFER").with(&format!("Refer-To: <{refer_to}>")).leads_to(stage)
}

#[test]
fn those_of_the_same_user_and_group_may_and_others_may_not() {
    for header in ["Replaces", "Join"] {
        for (who, may) in [(BOB, true), (ALICE, true), (CAROL, false), (EVE, false)] {
            for answered in [false, true] {
                let mut stage = office(|_| {});
                let begin = if answered { Call::begins } else { Call::only_rings };
                let call = begin(&mut stage, DAVE, BOB, "c1");
                let request = taking(who, BOB, header, &call, "t1");
                if may {
                    assert_passes(&request, &mut stage, BOB);
                } else {
                    assert_refused(&request, &mut stage);
                }
                if answered {
                    call.is_up(&mut stage);
                }
            }
        }
    }
}

/// Whose call it is does not depend on who began it.
#[test]
fn a_caller_moves_the_call_to_another_phone() {
    let mut stage = office(|_| {});
    let call = Call::begins(&mut stage, CAROL, BOB, "c1");
    assert_passes(&taking(CAROL, BOB, "Replaces", &call, "t1"), &mut stage, BOB);
    assert_passes(&taking(BOB, CAROL, "Replaces", &call, "t2"), &mut stage, CAROL);
    assert_passes(&taking(ALICE, CAROL, "Replaces", &call, "t3"), &mut stage, CAROL);
    assert_refused(&taking(DAVE, CAROL, "Replaces", &call, "t4"), &mut stage);
}

/// DAVE from outside has called BOB, who has asked CAROL.
fn consulted(stage: &mut Stage) -> (Call, Call) {
    (Call::begins(stage, DAVE, BOB, "c1"), Call::begins(stage, BOB, CAROL, "c2"))
}

#[test]
fn a_caller_from_outside_is_transferred_by_an_insider() {
    let mut stage = office(|_| {});
    let (call, consultation) = consulted(&mut stage);
    assert_refused(&taking(DAVE, CAROL, "Replaces", &consultation, "t0"), &mut stage);
    let refer = refers(&mut stage, &call, BOB, &consultation.link_to(CAROL));
    assert!(refer.is("REFER") && refer.flow == udp(DAVE.host), "{refer:?}");
    stage.wait(secs(2));
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t1"), &mut stage, CAROL);
    call.is_up(&mut stage);
}

#[test]
fn where_phones_decide_strangers_reach_them() {
    let mut stage = office(|settings| settings.takeovers = Takeovers::ByPhones);
    let (_, consultation) = consulted(&mut stage);
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t0"), &mut stage, CAROL);
}

#[test]
fn a_ticket_is_good_for_one_call_which_may_try_again() {
    let mut stage = office(|_| {});
    let (call, consultation) = consulted(&mut stage);
    refers(&mut stage, &call, BOB, &consultation.link_to(CAROL));
    let by = format!("Referred-By: <{}>", BOB.address());
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t1").with(&by), &mut stage, CAROL);
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t1").with(&by), &mut stage, CAROL);
    for who in [DAVE, EVE] {
        assert_refused(&taking(who, CAROL, "Replaces", &consultation, "t2").with(&by), &mut stage);
    }
    call.is_up(&mut stage);
    consultation.is_up(&mut stage);
}

#[test]
fn a_ticket_is_good_for_a_minute() {
    for (waits, good) in [(60, true), (61, false)] {
        let mut stage = office(|_| {});
        let (call, consultation) = consulted(&mut stage);
        refers(&mut stage, &call, BOB, &consultation.link_to(CAROL));
        stage.wait(secs(waits));
        let request = taking(DAVE, CAROL, "Replaces", &consultation, "t1");
        if good {
            assert_passes(&request, &mut stage, CAROL);
        } else {
            assert_refused(&request, &mut stage);
        }
        call.is_up(&mut stage);
        consultation.is_up(&mut stage);
    }
}

#[test]
fn a_ticket_with_a_forged_referrer_is_refused_and_not_spoiled() {
    let mut stage = office(|_| {});
    let (call, consultation) = consulted(&mut stage);
    refers(&mut stage, &call, BOB, &consultation.link_to(CAROL));
    for (n, forged) in [ALICE.address(), "sip:bob@strange.test".into(), "tel:+1".into()].iter().enumerate() {
        let id = ["f0", "f1", "f2"][n];
        let request = taking(EVE, CAROL, "Replaces", &consultation, id);
        assert_refused(&request.with(&format!("Referred-By: <{forged}>")), &mut stage);
    }
    call.is_up(&mut stage);
    consultation.is_up(&mut stage);
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t1"), &mut stage, CAROL);
}

/// RFC 5359 §2.6: the transferor sends a link.
#[test]
fn a_link_in_an_instant_message_is_a_ticket() {
    let mut stage = office(|_| {});
    let (call, consultation) = consulted(&mut stage);
    let body = format!("Please call <{}>.", consultation.link_to(CAROL));
    let tags = call.tags();
    let mut message = call.inside(BOB, &tags, "MESSAGE").with("Content-Type: text/plain");
    message.body = &body;
    assert!(message.leads_to(&mut stage).is("MESSAGE"));
    assert_passes(&taking(DAVE, CAROL, "Replaces", &consultation, "t1"), &mut stage, CAROL);
    assert_refused(&taking(EVE, CAROL, "Replaces", &consultation, "t2"), &mut stage);
}

/// Outside a dialog the sender is who has proved it.
#[test]
fn a_refer_outside_a_dialog_is_a_ticket_too() {
    let mut stage = office(|settings| settings.relay = cordboard_service::settings::Relay::Users);
    let call = Call::begins(&mut stage, BOB, CAROL, "c1");
    let refer = |by: Person, id| {
        let link = format!("Refer-To: <{}>", call.link_to(CAROL));
        Request::new(by, "REFER", BOB, id).with(&link)
    };
    // A stranger may ask, and is asked what it is worth.
    assert!(refer(EVE, "r1").leads_to(&mut stage).is("REFER"));
    assert_refused(&taking(EVE, CAROL, "Replaces", &call, "t1"), &mut stage);
    assert!(refer(ALICE, "r2").leads_to(&mut stage).is("REFER"));
    assert_passes(&taking(EVE, CAROL, "Replaces", &call, "t2"), &mut stage, CAROL);
}

/// Nobody gives away what is not theirs.
#[test]
fn a_ticket_of_somebody_with_no_part_in_the_call_is_none() {
    let mut stage = office(|_| {});
    let theirs = Call::begins(&mut stage, DAVE, BOB, "c1");
    let own = Call::begins(&mut stage, EVE, CAROL, "c2");
    // Carol has overheard how the call of others is called.
    assert!(refers(&mut stage, &own, CAROL, &theirs.link_to(BOB)).is("REFER"));
    assert_refused(&taking(EVE, BOB, "Replaces", &theirs, "t1"), &mut stage);
    // And whoever is in a call with one of ours makes no ticket for themselves.
    assert!(refers(&mut stage, &own, EVE, &own.link_to(CAROL)).is("REFER"));
    assert_refused(&taking(EVE, CAROL, "Replaces", &own, "t2"), &mut stage);
    theirs.is_up(&mut stage);
}

#[test]
fn a_call_that_is_not_known_is_for_its_phone_to_judge_and_for_insiders_to_name() {
    let call = Call::begins(&mut office(|_| {}), DAVE, BOB, "c1");
    let mut restarted = office(|_| {});
    assert_passes(&taking(CAROL, BOB, "Replaces", &call, "t1"), &mut restarted, BOB);
    assert_refused(&taking(EVE, BOB, "Replaces", &call, "t2"), &mut restarted);
    // The call itself goes on: its token is good across restarts.
    call.is_up(&mut restarted);
    // And so it is once the call is over.
    let mut stage = office(|_| {});
    let call = Call::begins(&mut stage, DAVE, BOB, "c1");
    call.ends(&mut stage, DAVE);
    assert_passes(&taking(CAROL, BOB, "Replaces", &call, "t1"), &mut stage, BOB);
    assert_refused(&taking(EVE, BOB, "Replaces", &call, "t2"), &mut stage);
}

/// A 2xx may be repeated when the BYE has passed.
#[test]
fn a_repeated_200_does_not_begin_the_call_anew() {
    let mut stage = office(|_| {});
    let (call, invite) = Call::rings(&mut stage, CAROL, BOB, "c1");
    let ok = reply_tagged(&invite, 200, &call.callee_tag(), "");
    stage.pass(invite.flow, &ok);
    call.ends(&mut stage, BOB);
    assert_eq!(stage.pass(invite.flow, &ok).len(), 1, "it is passed on");
    assert_eq!(stage.agent.counters().carried, 0);
}

#[test]
fn what_rang_elsewhere_and_what_failed_is_forgotten() {
    let mut stage = office(|_| {});
    stage.bob(vec![at("bob", 20), at("bob", 21)]);
    for (id, status, left) in [("c1", 200, 1), ("c2", 486, 1)] {
        let sent = Request::new(DAVE, "INVITE", BOB, id).send(&mut stage);
        assert_eq!(sent.len(), 2);
        for (n, invite) in sent.iter().enumerate() {
            stage.pass(invite.flow, &reply_tagged(invite, 180, &format!("{id}{n}"), ""));
        }
        assert_eq!(stage.agent.counters().carried, left + if id == "c1" { 1 } else { 2 });
        stage.pass(sent[0].flow, &reply_tagged(&sent[0], status, &format!("{id}0"), ""));
        stage.pass(sent[1].flow, &reply_tagged(&sent[1], 487, &format!("{id}1"), ""));
        assert_eq!(stage.agent.counters().carried, left, "{id}");
    }
}

/// Who learns a Call-ID learns no token, and who learns the tags too is still none of the parties.
#[test]
fn a_stranger_who_knows_how_a_call_is_called_neither_ends_nor_changes_it() {
    let mut stage = office(|_| {});
    let call = Call::begins(&mut stage, DAVE, BOB, "c1");
    for method in ["BYE", "INVITE", "UPDATE", "INFO", "REFER"] {
        for (from, to) in
            [(Call::CALLER_TAG.to_owned(), call.callee_tag()), (call.callee_tag(), "from".into())]
        {
            let mut forged = Request::new(EVE, method, BOB, "c1");
            forged.tag = &from;
            forged.to = format!("<{}>;tag={to}", BOB.address());
            let sent = forged.leads_to(&mut stage);
            assert_eq!((sent.status(), sent.flow), (481, udp(EVE.host)), "{method}: {sent:?}");
        }
    }
    call.is_up(&mut stage);
    assert_eq!(stage.agent.counters().carried, 1);
}

#[test]
fn a_request_that_names_two_dialogs_is_a_400() {
    let mut stage = office(|_| {});
    let call = Call::begins(&mut stage, DAVE, BOB, "c1");
    for second in ["Replaces: c1;to-tag=a;from-tag=b", "Join: c1;to-tag=a;from-tag=b"] {
        let sent = taking(BOB, BOB, "Replaces", &call, "t1").with(second).leads_to(&mut stage);
        assert_eq!(sent.status(), 400, "{second}");
    }
    for broken in ["Replaces: c1", "Join: c1;to-tag=a"] {
        assert_eq!(Request::new(BOB, "INVITE", BOB, "t1").with(broken).leads_to(&mut stage).status(), 400);
    }
}

/// Where nobody is asked for a password, From is believed, here as everywhere.
#[test]
fn without_passwords_everybody_is_who_they_say() {
    let mut stage = office(|settings| settings.auth.calls = false);
    let call = Call::begins(&mut stage, DAVE, BOB, "c1");
    assert_passes(&taking(ALICE, BOB, "Replaces", &call, "t1"), &mut stage, BOB);
    assert_refused(&taking(CAROL, BOB, "Replaces", &call, "t2"), &mut stage);
    assert_refused(&taking(EVE, BOB, "Replaces", &call, "t3"), &mut stage);
}

/// RFC 3261 §19.1.5: the switchboard makes nothing of what a Refer-To would have somebody say. It goes on as it
/// came, to where the route leads, and no ticket comes of what is no INVITE.
#[test]
fn what_a_refer_to_holds_is_not_obeyed() {
    for odd in [
        "?Route=%3Csip%3A198.51.100.7%3Blr%3E",
        "?Via=SIP%2F2.0%2FUDP%20198.51.100.7",
        "?From=%3Csip%3Aking%40example.test%3E",
        "?Call-ID=c2",
        "?body=v%3D0",
        ";method=BYE",
        ";method=BYE?Replaces=c2%3Bto-tag%3Dcarol-c2%3Bfrom-tag%3Dfrom",
    ] {
        let mut stage = office(|_| {});
        let (call, consultation) = consulted(&mut stage);
        let refer_to = format!("{}{odd}", CAROL.address());
        let refer = refers(&mut stage, &call, BOB, &refer_to);
        assert!(refer.is("REFER") && refer.flow == udp(DAVE.host), "{refer:?}");
        assert_eq!(refer.request_uri(), DAVE.contact());
        assert_eq!(refer.one("Refer-To"), format!("<{refer_to}>"));
        assert!(refer.all("Route").is_empty());
        let accepted = stage.pass(refer.flow, &reply_tagged(&refer, 202, "x", ""));
        assert!(accepted.len() == 1 && accepted[0].status() == 202, "and nothing else: {accepted:?}");
        assert_refused(&taking(DAVE, CAROL, "Replaces", &consultation, "t1"), &mut stage);
        call.is_up(&mut stage);
        consultation.is_up(&mut stage);
    }
}

#[test]
fn a_transfer_to_another_domain_is_off_until_allowed() {
    for allowed in [false, true] {
        let mut stage = office(|settings| settings.external_transfer = allowed);
        let call = Call::begins(&mut stage, DAVE, BOB, "c1");
        let outside = stage.notes.len();
        let refer = refers(&mut stage, &call, BOB, "sip:+1900@pay.test");
        assert_eq!(refer.is("REFER"), allowed, "{refer:?}");
        assert!(allowed || refer.status() == 403, "{refer:?}");
        let note = stage.notes.get(outside).expect("it is noted");
        assert!(note.says.contains("external transfer"), "{note:?}");
        assert_eq!(note.identity.as_deref(), Some("sip:bob@example.test"), "who is charged");
        call.is_up(&mut stage);
        // What stays here is nobody's cost: our domain, numbers, a phone's own address, and what is no call.
        let register = Request::new(CAROL, "REGISTER", CAROL, "reg");
        let register = Request { uri: "sip:example.test".into(), ..register };
        assert_eq!(register.leads_to(&mut stage).status(), 200);
        for inside in ["sip:carol@example.test", "tel:+1900", &CAROL.contact(), "mailto:carol@example.test"] {
            let noted = stage.notes.len();
            assert!(refers(&mut stage, &call, BOB, inside).is("REFER"), "{inside}");
            assert_eq!(stage.notes.len(), noted);
        }
    }
}

/// The dialog is at home in one shard, the INVITE that takes it over in another.
#[test]
fn shards_ask_each_other() {
    const SHARDS: u8 = 3;
    for (who, may) in [(ALICE, true), (EVE, false), (DAVE, true)] {
        let mut stage = office(|_| {});
        let settings = stage.settings.clone();
        stage.agents = (1..SHARDS)
            .map(|shard| Agent::new(ShardId(shard), Arc::clone(&settings), [1; 32]).among(SHARDS))
            .collect();
        stage.agent = Agent::new(ShardId(0), settings, [1; 32]).among(SHARDS);
        let people = Command::UseDirectory(Arc::new(people_in_groups()));
        stage.command(&people);
        let (call, consultation) = consulted(&mut stage);
        if who.name == DAVE.name {
            refers(&mut stage, &call, BOB, &consultation.link_to(CAROL));
        }
        let mut crossed = 0;
        for id in ["t1", "t2", "t3", "t4", "t5", "t6"] {
            let handed = stage.handed;
            let request = taking(who, CAROL, "Replaces", &consultation, id);
            // A ticket is good once.
            if may && (who.name != DAVE.name || id == "t1") {
                assert_passes(&request, &mut stage, CAROL);
            } else {
                assert_refused(&request, &mut stage);
            }
            crossed += u32::from(stage.handed > handed);
        }
        assert!((1..6).contains(&crossed), "some stay at home, some do not: {crossed}");
    }
}

/// While another shard decides, the caller may think better of it.
#[test]
fn what_waits_for_another_shard_can_be_cancelled() {
    let mut stage = office(|settings| settings.auth.calls = false);
    let call = Call::begins(&mut stage, DAVE, BOB, "c1");
    let mut agent = Agent::new(ShardId(0), stage.settings.clone(), [1; 32]).among(200);
    agent.handle(
        Instant::START,
        Input::Command(CommandId(1), Command::UseDirectory(Arc::new(people_in_groups()))),
    );
    let request = taking(ALICE, BOB, "Replaces", &call, "t1").written(1);
    agent.handle(Instant::START, Input::Packet { flow: udp(10), bytes: request.as_bytes() });
    let envelope = std::iter::from_fn(|| agent.poll_output()).find_map(|output| match output {
        Output::HandOver(_, envelope) => Some(envelope),
        _ => None,
    });
    assert!(envelope.is_some(), "it is the business of another");
    let cancel = crate::stage::cancel(&request);
    agent.handle(Instant::START, Input::Packet { flow: udp(10), bytes: cancel.as_bytes() });
    let statuses: Vec<String> = std::iter::from_fn(|| agent.poll_output())
        .filter_map(|output| match output {
            Output::Send { bytes, .. } => Some(String::from_utf8_lossy(&bytes[8..11]).into_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(statuses, ["200", "487"]);
}
