//! A telephone whose connection to its registrar dies registers over another one (RFC 5626 §4.5).

use cordboard_core::time::Instant;
use cordboard_core::transport::Transport;
use cordboard_service::call::{CallAction, CallEvent};
use cordboard_service::directory::{Directory, User};
use cordboard_service::door::{Command, Event};
use cordboard_service::settings::{Role, Settings, Telephone};
use cordboard_sim::{Fault, Host, HostId, Sim, Weather};
use cordboard_sip::View;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// Bob's telephone, registered over TCP, and his switchboard.
fn registered() -> (Sim, [HostId; 2]) {
    let mut sim = Sim::new([5; 32], Weather::Still);
    let open = |settings: Settings| {
        let mut settings = Settings { ring_bytes: 0, ..settings };
        settings.auth.registers = false;
        settings.auth.calls = false;
        settings
    };
    let account = Telephone {
        user: "bob".into(),
        domain: "example.com".into(),
        outbound_proxies: vec!["sip:192.0.2.2;transport=tcp;lr".into()],
        ..Telephone::default()
    };
    let mut stand = |name, last, settings| {
        let address = std::net::Ipv4Addr::new(192, 0, 2, last).into();
        sim.stand(Host::listening(name, None, &[address], &[Transport::Tcp], open(settings)))
    };
    let of_domain = || Settings::of_domain("example.com");
    let bob = stand("bob", 1, Settings { role: Role::Telephone(account), ..of_domain() });
    let board = stand("board", 2, of_domain());
    let mut directory = Directory::default();
    let nobody = User {
        display_name: None,
        groups: Vec::new(),
        ha1_md5: None,
        ha1_sha256: None,
        ha1_sha512_256: None,
    };
    directory.users.insert("bob".into(), nobody);
    sim.command(board, &Command::UseDirectory(Arc::new(directory)));
    sim.command(bob, &Command::Call(CallAction::Register { expires: HOUR }));
    pass(&mut sim, Duration::from_secs(1));
    assert_eq!(told(&mut sim), [true]);
    (sim, [bob, board])
}

fn pass(sim: &mut Sim, time: Duration) {
    let until = sim.now() + time;
    while sim.step(until) {}
}

/// Whether bob was registered, each time that he was told.
fn told(sim: &mut Sim) -> Vec<bool> {
    let mut told = Vec::new();
    while let Some(notice) = sim.poll_notice() {
        match notice.event {
            Event::Call(CallEvent::Registered { .. }) => told.push(true),
            Event::Call(CallEvent::NotRegistered(_)) => told.push(false),
            _ => {}
        }
    }
    told
}

/// When each REGISTER was sent since `first`.
fn registers(sim: &Sim, first: usize) -> Vec<Instant> {
    let messages = sim.tap().messages(first);
    let registers = messages.filter(|seen| seen.bytes.starts_with(b"REGISTER ") && !seen.again);
    registers.map(|seen| seen.at).collect()
}

#[test]
fn at_once_when_the_connection_dies() {
    let (mut sim, [bob, board]) = registered();
    pass(&mut sim, Duration::from_mins(2));
    let page = sim.tap().len();
    let died = sim.now();
    sim.break_connections(bob, board);
    pass(&mut sim, Duration::from_secs(1));
    assert_eq!(told(&mut sim), [true]);
    let drawn = sim.ladder(page).to_string();
    assert!(drawn.contains("REGISTER") && drawn.contains("200"), "{drawn}");
    let [again] = registers(&sim, page)[..] else { panic!("{drawn}") };
    assert!(again.since(died) < Duration::from_millis(500), "{drawn}");
    // The same binding, by its Call-ID and with the next number.
    let views: Vec<_> = sim.tap().messages(0).filter(|seen| seen.bytes.starts_with(b"REGISTER ")).collect();
    let views: Vec<View<'_>> = views.iter().map(|seen| View::parse(&seen.bytes).unwrap()).collect();
    assert_eq!(views[0].call_id(), views[1].call_id());
    assert_eq!(views[0].cseq().0 + 1, views[1].cseq().0);
    pass(&mut sim, HOUR);
    assert_eq!(told(&mut sim), [true], "the refresh");
}

/// The wait is between half and all of min(1800 s, 30 s · 2^failures), and so it goes on until somebody answers.
#[test]
fn after_longer_and_longer_waits_while_nobody_is_there() {
    let (mut sim, [bob, board]) = registered();
    pass(&mut sim, Duration::from_mins(2));
    let page = sim.tap().len();
    let silence = Fault::Silent(board);
    sim.fault(silence.clone());
    sim.break_connections(bob, board);
    let mut tries = vec![sim.now()];
    for _ in 0..8 {
        let until = sim.now() + HOUR;
        while sim.step(until) {
            if told(&mut sim).contains(&false) {
                tries.push(sim.now());
                break;
            }
        }
    }
    let waits: Vec<f64> = tries.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
    // To find out that nobody is there takes its time too.
    let opening = waits[0];
    for (failures, wait) in (1..).zip(&waits[1..]) {
        let most = (30.0 * f64::from(1 << failures)).min(1800.0);
        assert!((most / 2.0..=most).contains(&(wait - opening)), "{failures}: {waits:?}");
    }
    sim.lift(&silence);
    pass(&mut sim, HOUR);
    assert!(told(&mut sim).contains(&true));
    assert!(!registers(&sim, page).is_empty());
}

/// A server that takes registrations and hangs up is not asked without end.
#[test]
fn not_at_once_over_and_over() {
    let (mut sim, [bob, board]) = registered();
    let page = sim.tap().len();
    for _ in 0..60 {
        sim.break_connections(bob, board);
        pass(&mut sim, Duration::from_secs(1));
    }
    let asked = registers(&sim, page).len();
    assert!((2..=3).contains(&asked), "{asked} times in a minute");
}

/// A refresh that goes down with its connection is repeated over the next one, and nobody is told that it failed.
#[test]
fn a_refresh_that_dies_with_its_connection_is_repeated() {
    let (mut sim, [bob, board]) = registered();
    pass(&mut sim, Duration::from_mins(2));
    let page = sim.tap().len();
    sim.command(bob, &Command::Call(CallAction::Register { expires: HOUR }));
    let until = sim.now() + Duration::from_secs(1);
    while registers(&sim, page).is_empty() && sim.step(until) {}
    sim.break_connections(bob, board);
    pass(&mut sim, Duration::from_secs(2));
    assert_eq!(registers(&sim, page).len(), 2);
    assert_eq!(told(&mut sim), [true]);
}
