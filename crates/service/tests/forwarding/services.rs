//! What users have set up for their calls: forwarding (RFC 5359 §2.7 to §2.9), find-me (§2.12), screening (§2.13, §2.14).

use crate::stage::{
    Sent, Stage, at, build, cancel, directory, found, guarded, invite, open, reply, reply_tagged, secs,
    stage, statuses, udp,
};
use cordboard_service::directory::Directory;
use cordboard_service::door::Command;
use cordboard_service::services::{
    Carriage, FindMe, Forwarding, NoAnswer, Pattern, Place, Rules, Screening, Step,
};
use cordboard_service::settings::Relay;
use std::sync::Arc;

fn place(text: &str) -> Place {
    Place::parse(text, &["example.test".into()]).expect("a place")
}

fn always(to: &str) -> Rules {
    let forwarding = Forwarding { always: Some(place(to)), ..Forwarding::default() };
    Rules { forwarding, ..Rules::default() }
}

fn busy(to: &str) -> Rules {
    let forwarding = Forwarding { busy: Some(place(to)), ..Forwarding::default() };
    Rules { forwarding, ..Rules::default() }
}

fn no_answer(to: &str, seconds: u64) -> Rules {
    let rule = NoAnswer { to: place(to), after: secs(seconds) };
    let forwarding = Forwarding { no_answer: Some(rule), ..Forwarding::default() };
    Rules { forwarding, ..Rules::default() }
}

fn find_me(steps: &[(&[&str], u64)]) -> Rules {
    let step = |(places, seconds): &(&[&str], u64)| Step {
        places: places.iter().map(|text| place(text)).collect(),
        rings: secs(*seconds),
    };
    Rules { find_me: FindMe { steps: steps.iter().map(step).collect() }, ..Rules::default() }
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect()
}

impl Stage {
    /// Users have set this up. Carol's phone is at .30.
    fn rules(&mut self, rules: &[(&str, Rules)]) {
        self.users.insert("carol@example.test".into(), found(vec![at("carol", 30)]));
        let rules = rules.iter().map(|(user, rules)| ((*user).into(), Arc::new(rules.clone())));
        let directory = Directory { rules: rules.collect(), ..directory() };
        self.command(&Command::UseDirectory(Arc::new(directory)));
    }
}

/// One of another call.
fn another_invite() -> String {
    invite("").replace("Call-ID: c1", "Call-ID: c2").replace("z9hG4bKINVITE", "z9hG4bKanother")
}

/// Those that go to a host.
fn to(sent: &[Sent], host: u8) -> Vec<&Sent> {
    sent.iter().filter(|sent| sent.flow == udp(host)).collect()
}

/// The only INVITE that goes to a host.
fn rings(sent: &[Sent], host: u8) -> Sent {
    let invites: Vec<_> = to(sent, host).into_iter().filter(|sent| sent.is("INVITE")).collect();
    assert_eq!(invites.len(), 1, "one INVITE to {host}: {sent:#?}");
    invites[0].clone()
}

/// What the caller hears.
fn hears(sent: &[Sent]) -> Vec<u16> {
    to(sent, 10).iter().map(|sent| sent.status()).collect()
}

#[test]
fn all_calls_are_forwarded() {
    let mut stage = open();
    stage.rules(&[("bob", always("carol"))]);
    let sent = stage.pass(udp(10), &invite(""));
    assert_eq!(hears(&sent), [181]);
    let forwarded = rings(&sent, 30);
    assert_eq!(forwarded.request_uri(), "sip:carol@192.0.2.30:5060");
    assert_eq!(forwarded.one("Diversion"), "<sip:bob@example.test>;reason=unconditional;counter=1");
    assert_eq!(
        forwarded.all("History-Info"),
        [
            "<sip:bob@example.test>;index=1",
            "<sip:carol@example.test>;index=1.1;mp=1",
            "<sip:carol@192.0.2.30:5060>;index=1.2;rc=1.1"
        ]
    );
    assert_eq!(forwarded.one("Max-Forwards"), "69");
    assert_eq!(statuses(&stage.pass(udp(30), &reply(&forwarded, 200, ""))), [200]);
}

#[test]
fn a_user_who_set_up_nothing_is_called_as_before() {
    let mut stage = open();
    stage.rules(&[("carol", always("bob"))]);
    let sent = stage.one(udp(10), &invite(""));
    assert!(sent.all("Diversion").is_empty() && sent.all("History-Info").is_empty());
    assert_eq!(sent.flow, udp(20));
}

#[test]
fn who_is_busy_has_calls_forwarded_then() {
    let mut stage = open();
    stage.rules(&[("bob", busy("carol"))]);
    let first = stage.one(udp(10), &invite(""));
    assert!(first.all("Diversion").is_empty(), "nothing is forwarded yet");
    let sent = stage.pass(udp(20), &reply(&first, 486, ""));
    assert_eq!(hears(&sent), [181]);
    let forwarded = rings(&sent, 30);
    assert!(forwarded.one("Diversion").contains(";reason=user-busy"));
    assert_eq!(forwarded.all("History-Info")[0], "<sip:bob@example.test?Reason=SIP%3Bcause%3D486>;index=1");
    assert_eq!(hears(&stage.pass(udp(30), &reply_tagged(&forwarded, 486, "c", ""))), [486]);
    stage.assert_ends_idle();
}

#[test]
fn other_failures_are_not_forwarded() {
    for status in [404, 488, 603, 600] {
        let mut stage = open();
        stage.rules(&[(
            "bob",
            Rules {
                forwarding: Forwarding { busy: Some(place("carol")), ..no_answer("carol", 5).forwarding },
                ..Rules::default()
            },
        )]);
        let first = stage.one(udp(10), &invite(""));
        assert_eq!(hears(&stage.pass(udp(20), &reply(&first, status, ""))), [status]);
    }
}

#[test]
fn who_does_not_answer_is_cancelled_before_the_call_is_forwarded() {
    let mut stage = open();
    stage.rules(&[("bob", no_answer("carol", 15))]);
    let first = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&first, 180, ""));
    assert!(stage.wait(secs(14)).is_empty());
    let sent = stage.wait(secs(1));
    assert!(to(&sent, 20)[0].is("CANCEL") && sent.len() == 1, "{sent:#?}");
    let sent = stage.pass(udp(20), &reply(&first, 487, ""));
    assert_eq!(hears(&sent), [181], "the 487 stays here");
    let forwarded = rings(&sent, 30);
    assert!(forwarded.one("Diversion").contains(";reason=no-answer"));
    assert!(forwarded.all("History-Info")[0].contains("cause%3D408"), "RFC 7044 §10.2");
    assert_eq!(hears(&stage.pass(udp(30), &reply(&forwarded, 200, ""))), [200]);
}

/// Bob takes the call just as his time is up.
#[test]
fn an_answer_that_crosses_the_cancel_counts() {
    let mut stage = open();
    stage.rules(&[("bob", no_answer("carol", 15))]);
    let first = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&first, 180, ""));
    stage.wait(secs(15));
    let sent = stage.pass(udp(20), &reply(&first, 200, ""));
    assert_eq!(hears(&sent), [200]);
    assert!(to(&sent, 30).is_empty());
}

#[test]
fn who_has_no_phone_does_not_answer() {
    let mut stage = open();
    stage.bob(Vec::new());
    stage.rules(&[("bob", no_answer("carol", 15))]);
    rings(&stage.pass(udp(10), &invite("")), 30);
    stage.rules(&[("bob", busy("carol"))]);
    let other = another_invite();
    assert_eq!(hears(&stage.pass(udp(10), &other)), [480]);
}

/// RFC 3261 §16.10, at every moment of a forwarding.
#[test]
fn a_caller_who_gives_up_is_not_forwarded() {
    let mut stage = open();
    stage.rules(&[("bob", no_answer("carol", 15))]);
    let first = stage.one(udp(10), &invite(""));
    stage.pass(udp(20), &reply(&first, 180, ""));
    stage.wait(secs(15));
    stage.pass(udp(10), &cancel(&invite("")));
    let sent = stage.pass(udp(20), &reply(&first, 487, ""));
    assert_eq!(hears(&sent), [487]);
    assert!(to(&sent, 30).is_empty(), "{sent:#?}");
    stage.assert_ends_idle();
}

#[test]
fn a_rule_can_send_the_caller_on_instead() {
    let mut stage = open();
    let mut rules = busy("sip:carol@elsewhere.test");
    rules.forwarding.by = Carriage::Redirected;
    stage.rules(&[("bob", rules)]);
    let first = stage.one(udp(10), &invite(""));
    let sent = stage.pass(udp(20), &reply(&first, 486, ""));
    let sent = to(&sent, 10);
    assert_eq!((sent[0].status(), sent[0].one("Contact")), (302, "<sip:carol@elsewhere.test>"));
    assert!(sent[0].one("Diversion").contains(";reason=user-busy"));
}

#[test]
fn chains_are_followed_and_their_loops_refused() {
    let mut stage = open();
    stage.rules(&[("bob", always("carol")), ("carol", always("bob"))]);
    let sent = stage.pass(udp(10), &invite(""));
    assert_eq!(hears(&sent), [181, 482]);
    assert!(to(&sent, 10)[1].one("Warning").contains("where it has been"));
    stage.assert_ends_idle();
}

/// A loop through another switchboard, which makes a new call of it.
#[test]
fn a_call_that_comes_back_is_not_forwarded_again() {
    let mut stage = open();
    stage.rules(&[("bob", always("carol"))]);
    let back = invite("Diversion: <sip:bob@example.test>;reason=unconditional\n");
    assert_eq!(hears(&stage.pass(udp(10), &back)), [482]);
}

#[test]
fn a_call_is_forwarded_so_often_and_no_more() {
    for (header, status) in [
        ("Diversion: <sip:x@y.test>;reason=away;counter=4\n", 181),
        ("Diversion: <sip:x@y.test>;reason=away;counter=5\n", 480),
        ("Diversion: <sip:x@y.test>;counter=4\nDiversion: <sip:z@y.test>\n", 480),
        (
            "History-Info: <sip:a@y.test>;index=1, <sip:b@y.test>;index=1.1;mp=1, <sip:c@y.test>;index=1.2;mp=1.1\n\
             History-Info: <sip:d@y.test>;index=1.3;mp=1.2,<sip:e@y.test>;index=1.4;mp=1.3,<sip:bob@example.test>;index=1.5;mp=1.4\n",
            480,
        ),
    ] {
        let mut stage = open();
        stage.rules(&[("bob", always("carol"))]);
        assert_eq!(hears(&stage.pass(udp(10), &invite(header)))[0], status, "{header}");
    }
}

/// The caller is no one to forward the caller's own call to.
#[test]
fn nobody_is_forwarded_to_themselves() {
    let mut stage = open();
    stage.rules(&[("bob", always("carol"))]);
    let text =
        build("UDP 192.0.2.10:5060", "sip:carol@example.test", 10, "INVITE", "sip:bob@example.test", "");
    assert_eq!(hears(&stage.pass(udp(10), &text)), [482]);
}

/// A stranger must not find an open relay in somebody's rule: the call is its user's, who may not call there.
#[test]
fn a_rule_leads_no_further_than_its_user_may_call() {
    let external = || [("bob", always("sip:+1900@192.0.2.99"))];
    let mut closed = stage(|settings| {
        settings.auth.calls = false;
        settings.relay = Relay::Nobody;
    });
    closed.rules(&external());
    let sent = closed.pass(udp(10), &invite(""));
    assert_eq!(hears(&sent), [480]);
    assert!(to(&sent, 99).is_empty());
    let mut open = open();
    open.rules(&external());
    rings(&open.pass(udp(10), &invite("")), 99);
    assert!(open.notes.iter().any(|note| note.says.contains("charged")));
    let mut screened = external();
    screened[0].1.screening.deny_to = patterns(&["+1900*"]);
    open.rules(&screened);
    assert_eq!(hears(&open.pass(udp(10), &another_invite())), [480]);
}

/// What had to be secret stays so (RFC 7044 §10.1.2).
#[test]
fn the_way_of_a_private_call_is_not_told_elsewhere() {
    let mut stage = open();
    stage.rules(&[("bob", always("sip:x@192.0.2.99"))]);
    let sent = rings(&stage.pass(udp(10), &invite("Privacy: history\n")), 99);
    assert!(
        sent.all("History-Info").iter().all(|entry| entry.starts_with("<sip:anonymous@anonymous.invalid>"))
    );
    assert!(sent.one("Diversion").contains(";privacy=full"));
}

/// RFC 3262 §3: such a caller wants every provisional response acknowledged, which a proxy cannot take.
#[test]
fn who_wants_only_reliable_responses_gets_no_181() {
    let mut stage = open();
    stage.rules(&[("bob", always("carol"))]);
    assert!(hears(&stage.pass(udp(10), &invite("Require: 100rel\n"))).is_empty());
}

#[test]
fn a_list_is_tried_step_by_step() {
    let mut stage = open();
    stage.rules(&[("bob", find_me(&[(&["bob"], 10), (&["carol", "sip:bob@192.0.2.40"], 20)]))]);
    let first = stage.pass(udp(10), &invite(""));
    let first = rings(&first, 20);
    assert!(first.all("Diversion").is_empty(), "his own phone is no forwarding");
    stage.pass(udp(20), &reply(&first, 180, ""));
    let sent = stage.wait(secs(10));
    assert!(to(&sent, 20)[0].is("CANCEL"), "{sent:#?}");
    let sent = stage.pass(udp(20), &reply(&first, 487, ""));
    let (carol, home) = (rings(&sent, 30), rings(&sent, 40));
    assert!(hears(&sent).is_empty(), "RFC 5359 §2.12 tells the caller nothing");
    assert!(carol.one("Diversion").contains(";reason=follow-me"));
    let indices = |sent: &Sent| {
        let last = |entry: &&str| {
            entry.split(";index=").nth(1).map(|rest| rest.split(';').next().unwrap_or_default().to_owned())
        };
        sent.all("History-Info").iter().filter_map(last).collect::<Vec<_>>()
    };
    assert_eq!(
        (indices(&carol), indices(&home)),
        (vec!["1".into(), "1.1".into(), "1.2".into()], vec!["1".into(), "1.3".into()])
    );
    stage.pass(udp(40), &reply_tagged(&home, 180, "h", ""));
    stage.pass(udp(30), &reply_tagged(&carol, 180, "c", ""));
    let sent = stage.pass(udp(40), &reply_tagged(&home, 200, "h", ""));
    assert_eq!(hears(&sent), [200]);
    assert!(to(&sent, 30)[0].is("CANCEL"), "the first answer wins");
}

#[test]
fn a_6xx_ends_the_search() {
    let mut stage = open();
    stage.rules(&[("bob", find_me(&[(&["bob"], 10), (&["carol"], 10)]))]);
    let first = rings(&stage.pass(udp(10), &invite("")), 20);
    let sent = stage.pass(udp(20), &reply(&first, 603, ""));
    assert_eq!(hears(&sent), [603]);
    assert!(to(&sent, 30).is_empty());
    stage.assert_ends_idle();
}

/// When the list is at its end, what is set up for busy and unanswered calls has its turn.
#[test]
fn a_list_at_its_end_is_forwarded() {
    let mut stage = open();
    stage.bob(Vec::new());
    let mut rules = find_me(&[(&["bob"], 10), (&["sip:bob@192.0.2.40"], 10)]);
    rules.forwarding = no_answer("carol", 15).forwarding;
    stage.rules(&[("bob", rules)]);
    let home = rings(&stage.pass(udp(10), &invite("")), 40);
    let sent = stage.pass(udp(40), &reply(&home, 480, ""));
    assert_eq!(hears(&sent), [181]);
    rings(&sent, 30);
}

/// Of others only the phones ring: neither is carol's own rule followed, nor a caller let through whom she refuses.
#[test]
fn a_list_does_not_use_the_rules_of_others() {
    let mut stage = open();
    let mut carol = always("sip:x@192.0.2.99");
    stage.rules(&[("bob", find_me(&[(&["carol"], 10)])), ("carol", carol.clone())]);
    let sent = stage.pass(udp(10), &invite(""));
    rings(&sent, 30);
    carol.screening.deny_from = patterns(&["*@elsewhere.test"]);
    stage.rules(&[("bob", find_me(&[(&["carol"], 10)])), ("carol", carol)]);
    let sent = stage.pass(udp(10), &another_invite());
    assert_eq!(hears(&sent), [480]);
    assert!(to(&sent, 30).is_empty());
}

#[test]
fn callers_are_screened_by_what_they_prove() {
    let screened = |deny: &[&str], allow: &[&str]| Screening {
        deny_from: patterns(deny),
        allow_from: patterns(allow),
        deny_to: Vec::new(),
    };
    let call = |screening: Screening, caller: &str, status: Option<u16>| {
        let mut stage = stage(|settings| {
            settings.auth.calls = false;
            settings.announcements.screened_in = Some("sip:screened@ms.example.test".into());
        });
        stage.rules(&[("bob", Rules { screening, ..Rules::default() })]);
        let text = build("UDP 192.0.2.10:5060", caller, 10, "INVITE", "sip:bob@example.test", "");
        let sent = stage.pass(udp(10), &text);
        match status {
            None => drop(rings(&sent, 20)),
            Some(status) => {
                assert_eq!(hears(&sent), [status], "{caller}");
                assert_eq!(sent[0].start(), "SIP/2.0 403 Screening Failure (Terminating)");
                assert_eq!(sent[0].one("Error-Info"), "<sip:screened@ms.example.test>");
                assert!(to(&sent, 20).is_empty());
            }
        }
    };
    call(screened(&["alice"], &[]), "sip:alice@example.test", Some(403));
    call(screened(&["*@spam.test"], &[]), "sip:x@spam.test", Some(403));
    call(screened(&["*@spam.test"], &[]), "sip:x@ham.test", None);
    // Nobody is asked for a password here, so that nobody proves anything.
    call(screened(&[], &["alice"]), "sip:alice@example.test", Some(403));
}

/// Who knows where a phone is does not get past the list of its user.
#[test]
fn a_contact_is_screened_as_its_owner_is() {
    let mut stage = open();
    let screening = Screening { deny_from: patterns(&["*"]), ..Screening::default() };
    stage.rules(&[("bob", Rules { screening, ..Rules::default() })]);
    let register = build(
        "UDP 192.0.2.20:5060",
        "sip:bob@example.test",
        20,
        "REGISTER",
        "sip:example.test",
        "Contact: <sip:bob@192.0.2.20:5060>\n",
    );
    assert_eq!(statuses(&stage.pass(udp(20), &register)), [200]);
    let sent = stage.pass(udp(10), &crate::stage::request("INVITE", "sip:bob@192.0.2.20:5060", ""));
    assert_eq!(hears(&sent), [403], "{sent:#?}");
}

#[test]
fn callers_may_not_call_whom_they_may_not() {
    for (uri, denied) in
        [("sip:bob@example.test", true), ("sip:BOB@192.0.2.1", true), ("sip:carol@example.test", false)]
    {
        let mut stage = stage(|settings| {
            settings.auth.calls = false;
            settings.announcements.screened_out = Some("sip:orig@ms.example.test".into());
        });
        let screening = Screening { deny_to: patterns(&["bob"]), ..Screening::default() };
        stage.rules(&[("alice", Rules { screening, ..Rules::default() })]);
        let text = build("UDP 192.0.2.10:5060", "sip:alice@example.test", 10, "INVITE", uri, "");
        let sent = stage.pass(udp(10), &text);
        if denied {
            assert_eq!(sent[0].start(), "SIP/2.0 403 Screening Failure (Originating)", "{uri}");
            assert_eq!(sent[0].one("Error-Info"), "<sip:orig@ms.example.test>");
        } else {
            rings(&sent, 30);
        }
    }
}

/// RFC 3261 §22.3: who is one of ours proves it first, and only then is screened.
#[test]
fn nobody_is_screened_before_they_prove_who_they_are() {
    let mut stage = guarded();
    let screening = Screening { deny_from: patterns(&["alice"]), ..Screening::default() };
    stage.rules(&[("bob", Rules { screening, ..Rules::default() })]);
    let text =
        build("UDP 192.0.2.10:5060", "sip:alice@example.test", 10, "INVITE", "sip:bob@example.test", "");
    assert_eq!(hears(&stage.pass(udp(10), &text)), [407]);
}
