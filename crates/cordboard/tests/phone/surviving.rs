//! What survives SIGKILL: the calls of the servers beside the switchboard, and what they have promised.

use crate::parking::parked;
use crate::programs::{Demo, call, says};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::net::UdpSocket;

/// A switchboard for four people of one group, always on the same port, with a park server.
fn config(more: &str) -> String {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = format!(
        "domain = \"127.0.0.1\"\nshards = 2\n[http]\naddress = \"127.0.0.1:0\"\n[log]\nlevel = \"warn\"\n\
         [[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:{port}\"\n\
         [[park]]\nname = \"park\"\nslots = [\"701-703\"]\ngroups = [\"all\"]\n{more}"
    );
    for name in ["alice", "bob", "carol", "bill"] {
        write!(config, "[[user]]\nname = \"{name}\"\npassword = \"secret\"\ngroups = [\"all\"]\n").unwrap();
    }
    config
}

/// Whoever is parked when the switchboard is killed is in the same slot when it is back, hears it, and is handed over to
/// whoever dials the slot.
#[test]
fn a_parked_call_survives_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("");
    let board = Demo::configured(folder.path(), &config);
    let mut alice = board.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = board.registered("bob", "udp", &[]);
    let mut carol = board.registered("carol", "udp", &["--tone", "880"]);
    call(&mut alice, &mut bob, "bob");
    bob.does("transfer 702");
    alice.tells("held");
    let before = parked(&board);
    assert_eq!((before.len(), &*before[0][0], &*before[0][1]), (1, "702", "parked"));
    board.dies();

    let board = Demo::configured(folder.path(), &config);
    assert_eq!(parked(&board), before, "nothing of it is forgotten");
    carol.does("dial 702");
    says(&carol.tells("referred"), json!({ "call": 1, "new": 2 }));
    alice.tells("taken-over");
    alice.hears(880);
    carol.hears(440);
    assert_eq!(parked(&board), [[""; 4]; 0]);
    board.dies();

    let board = Demo::configured(folder.path(), &config);
    assert_eq!(parked(&board), [[""; 4]; 0], "who was retrieved is not there again");
}

/// Whoever is to be called back when the switchboard is killed is called back when it is there again, and only once.
#[test]
fn a_redial_that_waits_survives_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("[codes]\nredial = \"*66\"\nredial_off = \"*68\"\n");
    let board = Demo::configured(folder.path(), &config);
    let mut alice = board.registered("alice", "udp", &[]);
    let mut bob = board.registered("bob", "udp", &["--tone", "660"]);
    let mut carol = board.registered("carol", "udp", &["--tone", "880"]);
    call(&mut alice, &mut bob, "bob");
    carol.does("dial *66bob");
    carol.tells("ended");
    says(&board.ctl(&["redial", "list"])[0], json!({ "id": 1, "state": "waiting", "tries": 3 }));
    board.dies();
    alice.does("hangup &");
    bob.does("hangup &");

    let board = Demo::configured(folder.path(), &config);
    carol.tells("incoming");
    carol.does("answer");
    carol.tells("referred");
    bob.tells("incoming");
    bob.does("answer");
    carol.hears(660);
    bob.hears(880);
    assert_eq!(board.ctl(&["redial", "list"]), json!([]));
    board.dies();

    let board = Demo::configured(folder.path(), &config);
    assert_eq!(board.ctl(&["redial", "list"]), json!([]), "what is done is done");
}

/// Who is in the room, as the operator sees it.
fn in_room(board: &Demo) -> Vec<(String, String)> {
    let rooms = board.ctl(&["conference", "list"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parties = rooms[0]["parties"].as_array().unwrap().iter();
    parties.map(|party| (text(&party["who"]), text(&party["state"]))).collect()
}

/// Who is in a conference room when the switchboard is killed is in it when it is back, and hears the others; the operator puts
/// one of them out and calls them in again.
#[test]
fn a_conference_room_survives_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(
        "[[conference]]\nname = \"conference\"\nrooms = [\"800-801\"]\nlimit = 3\ngroups = [\"all\"]\n",
    );
    let board = Demo::configured(folder.path(), &config);
    let mut alice = board.registered("alice", "udp", &["--tone", "440"]);
    let mut bob = board.registered("bob", "udp", &["--tone", "660", "--auto-answer"]);
    let mut carol = board.registered("carol", "udp", &["--tone", "880"]);
    for phone in [&mut alice, &mut bob, &mut carol] {
        phone.does("dial 800");
    }
    alice.hears_together(&[660, 880]);
    let three = in_room(&board);
    assert!(three.len() == 3 && three.iter().all(|(_, state)| state == "in"), "{three:?}");
    board.dies();

    alice.hears_nothing();
    let board = Demo::configured(folder.path(), &config);
    alice.hears_together(&[660, 880]);
    bob.hears_together(&[440, 880]);
    let mut again = in_room(&board);
    again.sort();
    let mut before = three;
    before.sort();
    assert_eq!(again, before, "nobody is forgotten");
    // The room is full, as it was.
    let mut bill = board.registered("bill", "udp", &[]);
    bill.says("dial 800");
    says(&bill.tells("ended"), json!({ "status": 486 }));
    assert_eq!(board.ctl(&["conference", "remove", "800", "bob"])["left"], 1);
    bob.tells("ended");
    carol.hears(440);
    assert_eq!(board.ctl(&["conference", "invite", "800", "bob"])["outcome"], "completed");
    carol.hears_together(&[440, 660]);
    assert_eq!(board.ctl(&["conference", "end", "800"])["left"], 3);
    for phone in [&mut alice, &mut bob, &mut carol] {
        phone.tells("ended");
    }
    board.dies();
    let board = Demo::configured(folder.path(), &config);
    assert_eq!(in_room(&board), [], "who has left is not there again");
}
