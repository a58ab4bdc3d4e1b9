//! What survives SIGKILL: the calls of the servers beside the switchboard, and what they have promised.

use crate::parking::parked;
use crate::programs::{Demo, call, says};
use serde_json::json;
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
