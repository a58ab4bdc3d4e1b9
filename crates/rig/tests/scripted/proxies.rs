//! Flows of RFC 3665 with several servers: two proxies that each challenge (§3.3), one that is dead (§3.4), one that stays in the route
//! where the other does not (§3.5), and a telephone that says nothing (§3.10).

use std::net::UdpSocket;
use std::time::Duration;

use cordboard_rig::kamailio::Kamailio;
use cordboard_rig::stage::talking;
use cordboard_rig::switchboard::Site;
use cordboard_rig::{
    Account, Capture, CordboardPhone, Linphone, Phone, Place, Switchboard, Transport, isolated,
};

const PROGRAMS: [&str; 4] = ["linphonec", "kamailio", "tcpdump", "tshark"];

/// Bob's proxy, which knows alice too, and the domain of hers.
const SECOND: Site = Site {
    name: "second",
    address: "127.0.0.2",
    domain: "127.0.0.2",
    domains: &["example.test"],
    groups: &[],
};

/// Where nobody answers: a proxy that is dead.
const DEAD: &str = "127.0.0.3:5060";

/// Somebody else's proxy.
const FOREIGN: &str = "127.0.0.4";

/// 64·T1, after which nobody waits any more (RFC 3261 §17.1.1.2), and what a busy machine adds.
const TIMER_B: Duration = Duration::from_secs(32 + 10);

/// Alice's proxy, which lets her call elsewhere, and is trusted by nobody.
fn first(place: &Place) -> Switchboard {
    Switchboard::start_told(place, &[], "\n[proxy]\nrelay_for_users = true\n")
}

fn second(place: &Place, people: &[&str]) -> Switchboard {
    let people: Vec<_> = people.iter().map(|&name| name.to_owned()).collect();
    Switchboard::start_at(place, SECOND, &people, "")
}

/// Ours answers both challenges in one INVITE, that of its own proxy and that of the proxy behind, which linphone cannot: it forgets the
/// first when the second comes.
#[test]
fn two_proxies_each_challenge() {
    isolated(&PROGRAMS, |place| {
        let capture = Capture::start(place);
        let (first, second) = (first(place), second(place, &["alice", "bob"]));
        let mut alice = CordboardPhone::new(place, Account::named(&first, "alice", 0, Transport::Udp));
        let mut bob = Linphone::new(place, Account::named(&second, "bob", 1, Transport::Udp));
        bob.switch_on();
        alice.register();
        bob.wait_registered();
        alice.dial(&bob.account().uri());
        bob.wait_established();
        alice.wait_established();
        talking(&alice, &bob);
        alice.hang_up();
        bob.wait_idle();
        let verdict = capture.finish();
        let challenge = |by: &str| {
            let of = |message: &&cordboard_rig::capture::Message| {
                message.status == Some(407) && message.from == by && message.sequence_method == "INVITE"
            };
            verdict.messages().iter().filter(of).count()
        };
        // The first hands on what the second says.
        assert_eq!(
            (challenge("127.0.0.2:5060"), challenge("127.0.0.1:5060")),
            (1, 2),
            "{}",
            verdict.ladder()
        );
        verdict.expect(
            "alice > alice: REGISTER 200
             bob > bob: REGISTER 200
             alice > bob: INVITE 180 200, BYE 200",
        );
    });
}

/// linphone calls through our switchboard and Kamailio; what follows its INVITE passes ours alone, which asked to stay in the route.
#[test]
fn one_proxy_stays_in_the_route_and_the_next_does_not() {
    isolated(&PROGRAMS, |place| {
        let capture = Capture::start(place);
        let first = first(place);
        let _foreign = Kamailio::start(place, FOREIGN);
        let mut alice = Linphone::new(place, Account::named(&first, "alice", 0, Transport::Udp));
        let account = Account::named(&first, "bob", 1, Transport::Udp);
        let account = Account { domain: FOREIGN.to_owned(), server: format!("{FOREIGN}:5060"), ..account };
        let mut bob = CordboardPhone::new(place, account);
        alice.switch_on();
        bob.register();
        alice.wait_registered();
        alice.dial(&bob.account().uri());
        bob.wait_established();
        alice.wait_established();
        talking(&alice, &bob);
        alice.hang_up();
        bob.wait_idle();
        let verdict = capture.finish();
        let passed = |method: &str, server: &str| {
            let passed = |message: &&cordboard_rig::capture::Message| {
                message.method.as_deref() == Some(method)
                    && message.from_user == "alice"
                    && message.to == format!("{server}:5060")
            };
            verdict.messages().iter().any(|message| passed(&message))
        };
        assert!(passed("INVITE", "127.0.0.1") && passed("INVITE", FOREIGN), "{}", verdict.ladder());
        for method in ["ACK", "BYE"] {
            assert!(passed(method, "127.0.0.1") && !passed(method, FOREIGN), "{}", verdict.ladder());
        }
        let complaints = verdict.without_credentials().complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    });
}

/// Alice's first proxy is dead, and she calls bob by the second; meanwhile carol calls erin, whose telephone has stopped, and is told 408
/// by the proxy that gave it up. Each waits for Timer B, both at the same time.
#[test]
fn a_dead_proxy_is_passed_over_and_a_silent_telephone_given_up() {
    isolated(&PROGRAMS, |place| {
        let capture = Capture::start(place);
        let (first, second) = (first(place), second(place, &["alice", "bob", "carol", "erin"]));
        let silent = UdpSocket::bind(DEAD).expect("the address is free");
        let mut carol = CordboardPhone::new(place, Account::named(&first, "carol", 2, Transport::Udp));
        let account = Account::named(&second, "alice", 0, Transport::Udp);
        let dead = Some(DEAD.to_owned());
        let mut alice = CordboardPhone::new(
            place,
            Account { domain: first.domain().to_owned(), tried_first: dead, ..account },
        );
        let mut bob = Linphone::new(place, Account::named(&second, "bob", 1, Transport::Udp));
        let mut erin = Linphone::new(place, Account::named(&second, "erin", 3, Transport::Udp));
        bob.switch_on();
        erin.switch_on();
        for phone in [&mut alice, &mut carol] {
            phone.register();
        }
        bob.wait_registered();
        erin.wait_registered();
        erin.stop();
        carol.dial(&erin.account().uri());
        alice.dial(&bob.account().uri());
        let ended = carol.wait_within(TIMER_B, "how her call ends", |event| event["event"] == "ended");
        assert_eq!(ended["status"], 408, "{ended}");
        alice.wait_within(TIMER_B, "that bob answers", |event| event["event"] == "established");
        bob.wait_established();
        talking(&alice, &bob);
        bob.hang_up();
        alice.wait_idle();
        let mut bytes = [0; 4096];
        let length = silent.recv(&mut bytes).expect("her INVITE came first to the dead proxy");
        assert!(bytes[..length].starts_with(b"INVITE sip:bob@127.0.0.2"));
        let verdict = capture.finish();
        let malformed = verdict.malformed();
        assert!(malformed.is_empty(), "{malformed:#?}");
        let tries = |to: &str| {
            let invite = |message: &&cordboard_rig::capture::Message| {
                message.method.as_deref() == Some("INVITE") && message.to == to
            };
            verdict.messages().iter().filter(invite).count()
        };
        assert_eq!(tries(DEAD), 7, "Timer A: {}", verdict.ladder());
    });
}
