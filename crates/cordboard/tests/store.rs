//! What is answered is kept: through restarts, through SIGKILL, through a disk that fails.

use cordboard::store::{Store, Translator, UserRow};
use cordboard_core::session::media::Origin;
use cordboard_core::time::Instant;
use cordboard_core::transport::{Flow, ListenerId, Transport};
use cordboard_net::Clock;
use cordboard_service::directory::User;
use cordboard_service::door::Answer;
use cordboard_service::kept::{Purpose, Record, RecordName, Side, WrittenCall};
use cordboard_service::location::{Aor, Change, ContactChange, Located, RegisterError, Registration, Wanted};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

fn open(folder: &Path) -> (Store, Clock) {
    let clock = Clock::new();
    let listeners = vec![
        (Transport::Udp, "127.0.0.1:5060".parse().expect("an address")),
        (Transport::Tcp, "127.0.0.1:5060".parse().expect("an address")),
    ];
    let store =
        Store::open(folder, Translator { clock, listeners }, 10, [1; 16], std::sync::Arc::new(|_, _, _| {}))
            .expect("it opens");
    (store, clock)
}

fn flow(transport: Transport) -> Flow {
    let (listener, connection) = if transport == Transport::Udp { (0, 0) } else { (1, 7) };
    Flow {
        transport,
        listener: ListenerId(listener),
        connection,
        remote: "127.0.0.9:5070".parse().expect("an address"),
    }
}

fn asks(user: &str, cseq: u32, expires: u64, transport: Transport) -> Registration {
    Registration {
        aor: Aor(format!("{user}@example.com").into()),
        call_id: format!("call-of-{user}").into(),
        cseq,
        flow: flow(transport),
        path: vec!["<sip:edge.example.com;lr>".into()],
        action: Change::Update(vec![ContactChange {
            uri: format!("sip:{user}@127.0.0.9:5070").into(),
            q: 700,
            expires: Duration::from_secs(expires),
            instance: Some("<urn:uuid:1>".into()),
            reg_id: 2,
            outbound: true,
        }]),
    }
}

fn register(store: &Store, now: Instant, asked: &Registration) -> Answer {
    let (answer, wait) = channel();
    store.register(now, asked, answer);
    wait.recv_timeout(Duration::from_secs(30)).expect("an answer")
}

fn locate(store: &Store, clock: &Clock, user: &str) -> Located {
    store.locate(clock.now(), &Wanted::Aor(Aor(format!("{user}@example.com").into())))
}

fn accepted(answer: &Answer) -> bool {
    matches!(answer, Answer::Registered(Ok(_)))
}

#[test]
fn a_binding_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = open(folder.path());
    assert!(accepted(&register(&store, clock.now(), &asks("alice", 3, 3600, Transport::Udp))));
    let before = locate(&store, &clock, "alice");
    assert_eq!(before.targets.len(), 1);
    drop(store);
    let (store, clock) = open(folder.path());
    assert_eq!(locate(&store, &clock, "alice"), before);
    let again = register(&store, clock.now(), &asks("alice", 3, 3600, Transport::Udp));
    assert_eq!(again, Answer::Registered(Err(RegisterError::OutOfOrder)), "the order came back too");
}

#[test]
fn a_connection_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = open(folder.path());
    let asked = Registration { path: Vec::new(), ..asks("alice", 3, 3600, Transport::Tcp) };
    register(&store, clock.now(), &asked);
    assert_eq!(locate(&store, &clock, "alice").targets.len(), 1);
    drop(store);
    let (store, clock) = open(folder.path());
    let located = locate(&store, &clock, "alice");
    assert!(located.targets.is_empty() && located.only_dead_flows, "{located:?}");
}

#[test]
fn a_refresh_is_written_soon_and_what_ended_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = open(folder.path());
    register(&store, clock.now(), &asks("alice", 1, 100, Transport::Udp));
    register(&store, clock.now(), &asks("bob", 1, 100, Transport::Udp));
    let much_later = clock.now() + Duration::from_secs(50);
    register(&store, much_later, &asks("alice", 2, 1000, Transport::Udp));
    let begun = std::time::Instant::now();
    while store.figures().waiting > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "a refresh is never written");
        std::thread::yield_now();
    }
    drop(store);
    let database = rusqlite::Connection::open(folder.path().join("cordboard.db")).unwrap();
    let cseq: i64 = database.query_row("SELECT max(cseq) FROM freshness", (), |row| row.get(0)).unwrap();
    assert_eq!(cseq, 2);
    // Both ended while nobody ran.
    database.execute("UPDATE freshness SET expires = expires - 10000000", ()).unwrap();
    drop(open(folder.path()));
    let left: i64 = database
        .query_row("SELECT (SELECT count(*) FROM binding) + count(*) FROM freshness", (), |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn what_the_disk_refuses_is_refused_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = open(folder.path());
    register(&store, clock.now(), &asks("alice", 1, 3600, Transport::Udp));
    let database = rusqlite::Connection::open(folder.path().join("cordboard.db")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON binding BEGIN SELECT RAISE(FAIL, 'disk is full'); END;
             CREATE TRIGGER stuck BEFORE DELETE ON binding BEGIN SELECT RAISE(FAIL, 'disk is full'); END;",
        )
        .unwrap();
    let refused = Answer::Registered(Err(RegisterError::NotStored));
    assert_eq!(register(&store, clock.now(), &asks("bob", 1, 3600, Transport::Udp)), refused);
    assert_eq!(register(&store, clock.now(), &asks("alice", 2, 0, Transport::Udp)), refused);
    assert!(locate(&store, &clock, "bob").targets.is_empty(), "bob is not there");
    assert_eq!(locate(&store, &clock, "alice").targets.len(), 1, "alice is still there");
    assert_eq!(store.figures().failures, 2);

    database.execute_batch("DROP TRIGGER full; DROP TRIGGER stuck;").unwrap();
    assert!(accepted(&register(&store, clock.now(), &asks("bob", 2, 3600, Transport::Udp))));
    assert!(accepted(&register(&store, clock.now(), &asks("alice", 3, 0, Transport::Udp))));
    drop(store);
    let (store, clock) = open(folder.path());
    assert_eq!(locate(&store, &clock, "bob").targets.len(), 1);
    assert!(locate(&store, &clock, "alice").targets.is_empty());
}

/// A parked call as its server has it written down.
fn parked(slot: &str, due: Option<Instant>) -> Record {
    Record {
        purpose: Purpose::Slot { slot: slot.into(), parker: Some("sip:bob@example.com".into()) },
        call: Some(WrittenCall {
            side: Side::Caller,
            dialog: cordboard_core::dialog::Written {
                call_id: "c1".into(),
                local_tag: "p1".into(),
                remote_tag: "a1".into(),
                local: "<sip:701@example.com>;tag=p1".into(),
                remote: "<sip:alice@example.com>;tag=a1".into(),
                target: "sip:alice@192.0.2.1".into(),
                routes: vec!["<sip:192.0.2.9;lr>".into()],
                local_seq: 1,
                remote_seq: None,
                created_by: 1,
            },
            session: Origin::new(77).written(),
            holds: true,
            listener: 0,
            timer: None,
            knows: Vec::new(),
        }),
        due,
    }
}

fn write_down(store: &Store, server: &str, name: &str, record: Option<&Record>) -> Answer {
    let (answer, wait) = channel();
    let text = record.map(|record| record.to_text().expect("a small one").into());
    let due = record.and_then(|record| record.due);
    store.write_down(server, RecordName(name.into()), (text, due), answer);
    wait.recv_timeout(Duration::from_secs(30)).expect("an answer")
}

#[test]
fn what_a_server_has_written_down_is_there_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = open(folder.path());
    let later = clock.now() + Duration::from_secs(90);
    for (name, slot) in [("a", "701"), ("b", "702"), ("c", "703")] {
        assert_eq!(write_down(&store, "park", name, Some(&parked(slot, Some(later)))), Answer::Kept(true));
    }
    assert_eq!(write_down(&store, "park", "a", None), Answer::Kept(true));
    assert_eq!(write_down(&store, "park", "b", Some(&parked("705", None))), Answer::Kept(true));
    assert_eq!(write_down(&store, "gone", "a", Some(&parked("701", None))), Answer::Kept(true));
    drop(store);
    let (store, clock) = open(folder.path());
    let left = store.left_by("park");
    let slots: Vec<_> = left.iter().map(|(name, record)| (&*name.0, record.purpose.clone())).collect();
    let slot = |slot: &str| parked(slot, None).purpose;
    assert_eq!(slots, [("b", slot("705")), ("c", slot("703"))]);
    assert_eq!(left[0].1, parked("705", None));
    // The same moment, by another clock.
    let due = left[1].1.due.unwrap();
    let wait = due.since(clock.now());
    assert!(wait > Duration::from_secs(30) && wait <= Duration::from_secs(90), "{wait:?}");
    assert!(store.left_by("park").is_empty(), "it is given out once");
    store.abandon_all_but(&["park"]);
    drop(store);
    let (store, _) = open(folder.path());
    assert!(store.left_by("gone").is_empty(), "a server that is not there any more leaves nothing");
    assert_eq!(store.left_by("park").len(), 2, "what was given out stays until it is over");
}

#[test]
fn a_damaged_record_is_left_out_and_the_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    for name in ["a", "b", "c"] {
        write_down(&store, "park", name, Some(&parked("701", None)));
    }
    drop(store);
    let database = rusqlite::Connection::open(folder.path().join("cordboard.db")).unwrap();
    database.execute("UPDATE kept SET record = substr(record, 1, 40) WHERE name = 'a'", ()).unwrap();
    database
        .execute("UPDATE kept SET record = replace(record, 'tag=a1', 'tag=a2') WHERE name = 'b'", ())
        .unwrap();
    let (store, _) = open(folder.path());
    let left = store.left_by("park");
    assert_eq!(left.iter().map(|(name, _)| &*name.0).collect::<Vec<_>>(), ["c"]);
    let rows: i64 = database.query_row("SELECT count(*) FROM kept", (), |row| row.get(0)).unwrap();
    assert_eq!(rows, 1, "it will never be of use");
}

#[test]
fn what_the_disk_does_not_take_is_said_not_to_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let database = rusqlite::Connection::open(folder.path().join("cordboard.db")).unwrap();
    database
        .execute_batch(
            "CREATE TRIGGER full BEFORE INSERT ON kept BEGIN SELECT RAISE(FAIL, 'disk is full'); END;",
        )
        .unwrap();
    assert_eq!(write_down(&store, "park", "a", Some(&parked("701", None))), Answer::Kept(false));
    database.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(write_down(&store, "park", "a", Some(&parked("701", None))), Answer::Kept(true));
}

#[test]
fn people_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let alice = UserRow {
        name: "alice".into(),
        realm: "example.com".into(),
        user: User {
            display_name: Some("Alice".into()),
            groups: vec!["sales".into(), "first, floor".into()],
            ha1_md5: Some([1; 16]),
            ha1_sha256: Some([2; 32]),
            ha1_sha512_256: None,
        },
    };
    store.put_user(alice.clone()).unwrap();
    store.put_user(UserRow { name: "bob".into(), ..alice.clone() }).unwrap();
    store.remove_user("bob").unwrap();
    let says = store.remove_user("bob").unwrap_err().to_string();
    assert!(says.contains("no user bob") && says.contains("users list"), "{says}");
    drop(store);
    let (store, _) = open(folder.path());
    let users = store.users();
    assert_eq!(users.len(), 1);
    assert_eq!((&users[0].name, &users[0].user.groups), (&alice.name, &alice.user.groups));
    assert_eq!((users[0].user.ha1_md5, users[0].user.ha1_sha512_256), (Some([1; 16]), None));
}

/// The other process of [`survives_sigkill_at_any_moment`]: registers and removes without end, and
/// says on standard output what was answered.
#[test]
#[ignore = "started by survives_sigkill_at_any_moment"]
fn registers_until_it_is_killed() {
    let folder = std::env::var("CORDBOARD_TEST_FOLDER").expect("the folder of the database");
    let first: u32 = std::env::var("CORDBOARD_TEST_CSEQ").expect("a number").parse().expect("a number");
    let (store, clock) = open(Path::new(&folder));
    for cseq in first.. {
        // Many at once, so that they share commits.
        let asked: Vec<_> = (0..20u32).map(|user| (format!("u{user}"), lifetime(user, cseq))).collect();
        let waiting: Vec<_> = asked
            .iter()
            .map(|(user, expires)| {
                let (answer, wait) = channel();
                store.register(clock.now(), &asks(user, cseq, *expires, Transport::Udp), answer);
                wait
            })
            .collect();
        let mut out = std::io::stdout().lock();
        for ((user, expires), wait) in asked.iter().zip(waiting) {
            let answer = wait.recv().expect("an answer");
            assert!(accepted(&answer), "{answer:?}");
            writeln!(out, "\nanswered {user} {expires} {cseq}").expect("somebody reads");
        }
    }
}

/// What user `u{user}` asks for: now and then to be removed.
fn lifetime(user: u32, cseq: u32) -> u64 {
    if (cseq / 4 + user).is_multiple_of(3) { 0 } else { 3600 }
}

#[test]
fn survives_sigkill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = cordboard_core::dice::Dice::new([5; 32], 0);
    let mut cseq = 1;
    for round in 0..8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "registers_until_it_is_killed", "--ignored", "--nocapture"])
            .env("CORDBOARD_TEST_FOLDER", folder.path())
            .env("CORDBOARD_TEST_CSEQ", cseq.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut answers = BTreeMap::new();
        let mut left = 100 + dice.below(2_000);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mut words = line.split(' ');
            if let (Some("answered"), Some(user), Some(expires), Some(at)) =
                (words.next(), words.next(), words.next(), words.next())
                && let (Ok(expires), Ok(at)) = (expires.parse::<u64>(), at.parse::<u32>())
            {
                answers.insert(user.to_owned(), (expires, at));
                left = left.saturating_sub(1);
            }
            if left == 0 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(answers.len() == 20, "round {round}: everybody was answered at least once");
        let (store, clock) = open(folder.path());
        for (user, (expires, at)) in &answers {
            // The next request was perhaps kept, though not answered.
            let number: u32 = user[1..].parse().unwrap();
            let may_be = [*expires > 0, lifetime(number, at + 1) > 0];
            let bound = locate(&store, &clock, user).targets.len() == 1;
            assert!(
                may_be.contains(&bound),
                "round {round}: {user} is there: {bound}, answered at {at}: {expires}"
            );
            cseq = cseq.max(at + 3);
        }
    }
}
