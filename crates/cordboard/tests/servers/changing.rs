//! Servers that are set up otherwise while they run: their calls go on, and nobody is put out.

use cordboard_service::call::{CallAction, CallEvent, CallName};
use cordboard_service::watch::{Package, WatchAction, WatchEvent, WatchName, Whom};
use serde_json::{Value, json};
use std::time::Duration;

use crate::office::{Office, at};
use crate::parking::is_taken_over;
use crate::telephone::{Telephone, talk};

const SERVERS: &str = "[[park]]\nname = \"park\"\nslots = [\"701-702\"]\nring_back_s = 300\ngroups = [\"sales\"]\n\
     [[music]]\nname = \"music\"\nfiles = [\"620.wav\"]\ngroups = [\"sales\"]\n\
     [[conference]]\nname = \"conference\"\nrooms = [\"800-801\"]\nlimit = 2\ngroups = [\"sales\"]\n\
     [redial]\nwait_s = 600\n";

/// Bob hands his call over to a slot; the call that waits there.
#[track_caller]
fn waits(bob: &mut Telephone, alice: &mut Telephone, call: CallName, slot: &str) -> CallName {
    bob.press(CallAction::Transfer { call, to: at(slot) });
    let told = alice.tells("where it goes", |event| matches!(event, CallEvent::Referred { .. }));
    let CallEvent::Referred { new, .. } = told else { unreachable!("waited for it") };
    alice.is_up(new);
    new
}

/// How a server is set up, and who says so.
fn setup(office: &Office, name: &str) -> (Value, Value) {
    let servers: Value = serde_json::from_str(&office.ctl(&["--json", "servers", "list"]).unwrap()).unwrap();
    let server = servers.as_array().unwrap().iter().find(|server| server["name"] == name).unwrap();
    (server["setup"].clone(), server["from"].clone())
}

fn set(office: &Office, words: &[&str]) -> Result<String, String> {
    let words: Vec<&str> = ["servers", "set"].into_iter().chain(words.iter().copied()).collect();
    office.ctl(&words)
}

#[test]
fn slots_come_and_go_while_somebody_waits() {
    let office = Office::open(SERVERS);
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let lamp = WatchName(1);
    let (whom, expires) = (Whom::Address(at("702")), Duration::from_mins(10));
    carol.press(CallAction::Watching(WatchAction::Begin {
        watch: lamp,
        whom,
        package: Package::Dialog,
        expires,
    }));
    carol.tells("the lamp", |event| matches!(event, CallEvent::Watching(WatchEvent::State { .. })));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    let parked = waits(&mut bob, &mut alice, call, "701");
    let mut listener = office.listens();
    let taken = set(&office, &["park", "--slots", "702-703"]).unwrap_err();
    assert!(taken.contains("somebody is in 701"), "{taken}");
    assert_eq!(setup(&office, "park").0["slots"], json!(["701", "702"]), "nothing has changed");
    assert_eq!(
        set(&office, &["park", "--slots", "703-704,701", "--ring-back", "7"]).unwrap(),
        "park is set up so from now on\n"
    );
    let all = json!({ "slots": ["703", "704", "701"], "ring_back_s": 7, "groups": ["sales"] });
    assert_eq!(listener.hears("server-changed")["setup"], all);
    assert_eq!(setup(&office, "park"), (all, json!("database")));
    carol.tells(
        "that the slot is no more",
        |event| matches!(event, CallEvent::Watching(WatchEvent::Ended { watch, .. }) if *watch == lamp),
    );
    let gone = carol.dials(&at("702"));
    assert_eq!(carol.ends(gone), Some(404));
    alice.hears(parked, 620);
    let [_, second] = talk(&mut carol, &mut bob, &at("bob"));
    let also = waits(&mut bob, &mut carol, second, "704");
    carol.hears(also, 620);
    let fetched = bob.new_call();
    bob.press(CallAction::Retrieve { call: fetched, from: at("701") });
    bob.is_up(fetched);
    is_taken_over(&mut alice);
    bob.hears(fetched, 440);
    assert_eq!(office.parked().len(), 1);
    let taken = office.ctl(&["servers", "reset", "park"]).unwrap_err();
    assert!(taken.contains("somebody is in 704"), "{taken}");
    carol.press(CallAction::HangUp(also));
    carol.ends(also);
    office.ctl(&["servers", "reset", "park"]).unwrap();
    assert_eq!(setup(&office, "park").1, json!("file"));
    assert_eq!(setup(&office, "park").0["slots"], json!(["701", "702"]));
}

/// A server that was made for one call has ports for another.
#[test]
fn a_server_that_grows_has_sound_for_all() {
    let office =
        Office::open("[[music]]\nname = \"music\"\nfiles = [\"620.wav\"]\ncalls = 1\ngroups = [\"sales\"]\n");
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let [_, first] = talk(&mut alice, &mut bob, &at("bob"));
    bob.press(CallAction::MusicOnHold { call: first, from: at("music") });
    let held = is_taken_over(&mut alice);
    alice.hears(held, 620);
    let [_, second] = talk(&mut carol, &mut bob, &at("bob"));
    let music = CallAction::MusicOnHold { call: second, from: at("music") };
    bob.press(music.clone());
    bob.tells(
        "that there is no room",
        |event| matches!(event, CallEvent::Transferred { outcome, .. } if !outcome.is_success()),
    );
    set(&office, &["music", "--calls", "2"]).unwrap();
    bob.press(music);
    let also = is_taken_over(&mut carol);
    carol.hears(also, 620);
    alice.hears(held, 620);
}

/// Rooms come and go, and take fewer.
#[test]
fn no_room_goes_in_which_somebody_is() {
    let office = Office::open(SERVERS);
    set(&office, &["conference", "--rooms", "800-809", "--limit", "20"]).unwrap();
    let [mut alice, mut bob, mut carol] =
        [("alice", 440), ("bob", 660), ("carol", 880)].map(|(name, tone)| office.phone(name, tone));
    let into = |phone: &mut Telephone| {
        let call = phone.dials(&at("809"));
        phone.is_up(call);
        call
    };
    let [in_alice, in_bob] = [into(&mut alice), into(&mut bob)];
    alice.hears(in_alice, 660);
    let taken = set(&office, &["conference", "--rooms", "800-808"]).unwrap_err();
    assert!(taken.contains("somebody is in 809"), "{taken}");
    set(&office, &["conference", "--limit", "2"]).unwrap();
    let third = carol.dials(&at("809"));
    assert_eq!(carol.ends(third), Some(486), "the room is full now");
    bob.hears(in_bob, 440);
}

/// Whom a server serves, what is heard there, and how long it waits.
#[test]
fn groups_music_and_times_change_at_run_time() {
    let office = Office::open(SERVERS);
    let [mut alice, mut bob, mut mallory] =
        [("alice", 440), ("bob", 660), ("mallory", 880)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    let parked = waits(&mut bob, &mut alice, call, "701");
    alice.hears(parked, 620);
    set(&office, &["music", "--files", office.folder.path().join("1200.wav").to_str().unwrap()]).unwrap();
    alice.hears(parked, 1200);
    let refused = mallory.dials(&at("701"));
    assert_eq!(mallory.ends(refused), Some(403));
    set(&office, &["park", "--groups", "sales,others"]).unwrap();
    let fetched = mallory.new_call();
    mallory.press(CallAction::Retrieve { call: fetched, from: at("701") });
    mallory.is_up(fetched);
    let taken = is_taken_over(&mut alice);
    alice.hears(taken, 880);
    set(&office, &["redial", "--wait", "60", "--tries", "2"]).unwrap();
    office.ctl(&["redial", "ask", "alice", "bob"]).unwrap();
    let redials: Value = serde_json::from_str(&office.ctl(&["--json", "redial", "list"]).unwrap()).unwrap();
    let left = redials[0]["left_s"].as_u64().unwrap();
    assert!((30..=60).contains(&left), "{redials}");
}

/// What would be wrong in the file is refused in the same words, and nothing changes.
#[test]
fn what_cannot_be_set_up_is_refused_and_changes_nothing() {
    let office = Office::open(SERVERS);
    office.ctl(&["users", "add", "705", "--password", "x"]).unwrap();
    let servers = || office.ctl(&["--json", "servers", "list"]).unwrap();
    let before = servers();
    for (words, says) in [
        (&["parc", "--slots", "701"][..], "there is no server parc"),
        (&["park", "--slots", "720-701"], "`720-701` is no range of numbers"),
        (&["park", "--slots", "701,701"], "`701` is a park slot already"),
        (&["park", "--slots", "alice"], "`alice` is a user already"),
        (&["park", "--slots", "704-706"], "`705` is a user already"),
        (&["park", "--slots", "800"], "cannot be a conference room too"),
        (&["park", "--slots", "1000-1200"], "`1000-1200` is no range of numbers"),
        (&["park", "--slots", "a b"], "`a b` cannot be a park slot"),
        (&["park", "--ring-back", "1"], "1 is out of range"),
        (&["park", "--music", "silence"], "there is no music `silence`"),
        (&["park", "--rooms", "900"], "try slots, ring_back_s, music, groups"),
        (&["music", "--files", "/nowhere/at.wav"], "/nowhere/at.wav cannot be read"),
        (&["music", "--files", "cordboard.toml"], "cordboard.toml"),
        (&["conference", "--limit", "1"], "1 is out of range"),
        (&["redial", "--tries", "0"], "0 is out of range"),
        (&["park"], "required arguments were not provided"),
    ] {
        let told = set(&office, words).unwrap_err();
        assert!(told.contains(says), "{words:?}: {told}");
    }
    let nobody = office.ctl(&["servers", "reset", "parc"]).unwrap_err();
    assert!(nobody.contains("there is no server parc"), "{nobody}");
    assert_eq!(servers(), before);
}

/// The file is read again: what it says of servers that run is used, and those that do not run yet need a restart. What an operator has
/// set up counts more.
#[test]
fn a_section_that_was_changed_counts_from_the_reload_on() {
    let office = Office::open(SERVERS);
    let [mut alice, mut bob] = [("alice", 440), ("bob", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut bob, &at("bob"));
    let parked = waits(&mut bob, &mut alice, call, "702");
    set(&office, &["conference", "--limit", "5"]).unwrap();
    office.edit(|file| file.replace("701-702", "703-704"));
    let taken = office.ctl(&["reload"]).unwrap_err();
    assert!(taken.contains("somebody is in 702"), "{taken}");
    office.edit(|file| file.replace("703-704", "702-703").replace("limit = 2", "limit = 4"));
    let told = office.ctl(&["reload"]).unwrap();
    assert!(!told.contains("restart"), "{told}");
    assert_eq!(setup(&office, "park").0["slots"], json!(["702", "703"]));
    assert_eq!(setup(&office, "conference").0["limit"], json!(5), "as the operator says");
    alice.hears(parked, 620);
    office.edit(|file| format!("{file}[[park]]\nname = \"other\"\nslots = [\"750\"]\n"));
    let told = office.ctl(&["reload"]).unwrap();
    assert!(told.contains("servers"), "{told}");
    assert_eq!(setup(&office, "park").0["slots"], json!(["702", "703"]));
    office.edit(|file| {
        let (before, after) = file.split_once("[[conference]]").unwrap();
        format!("{before}{}", &after[after.find("[redial]").unwrap()..])
    });
    assert!(office.ctl(&["reload"]).unwrap().contains("servers"));
    let gone = set(&office, &["conference", "--limit", "6"]).unwrap_err();
    assert!(gone.contains("there is no server conference"), "{gone}");
}

/// What an operator has set up is there after a crash; somebody of the file is in the groups into which they were put.
#[test]
fn what_was_set_up_survives_sigkill() {
    let mut office = Office::open(SERVERS);
    set(&office, &["park", "--slots", "701,750"]).unwrap();
    assert_eq!(
        office.ctl(&["users", "groups", "mallory", "sales"]).unwrap(),
        "mallory is in these groups now\n"
    );
    office.kill_and_start();
    assert_eq!(
        setup(&office, "park"),
        (json!({ "slots": ["701", "750"], "ring_back_s": 300, "groups": ["sales"] }), json!("database"))
    );
    let [mut alice, mut mallory] =
        [("alice", 440), ("mallory", 660)].map(|(name, tone)| office.phone(name, tone));
    let [_, call] = talk(&mut alice, &mut mallory, &at("mallory"));
    let parked = waits(&mut mallory, &mut alice, call, "750");
    alice.hears(parked, 620);
    alice.press(CallAction::HangUp(parked));
    alice.ends(parked);
    office.ctl(&["users", "groups", "mallory", "--reset"]).unwrap();
    let refused = mallory.dials(&at("750"));
    assert_eq!(mallory.ends(refused), Some(403));
    let stored = office.ctl(&["users", "groups", "nobody", "--reset"]).unwrap_err();
    assert!(stored.contains("there is no user nobody"), "{stored}");
}

/// What was set up and fits the file no longer is left alone: the switchboard starts as the file says, and says so.
#[test]
fn what_was_set_up_and_does_not_fit_any_more_keeps_nothing_from_starting() {
    let mut office = Office::open(SERVERS);
    set(&office, &["park", "--slots", "701,dora"]).unwrap();
    office.edit(|file| format!("{file}[[user]]\nname = \"dora\"\npassword = \"pw-dora\"\n"));
    let told = office.ctl(&["reload"]).unwrap_err();
    assert!(told.contains("`dora` is a user already"), "{told}");
    office.kill_and_start();
    assert_eq!(setup(&office, "park").0["slots"], json!(["701", "702"]));
}
