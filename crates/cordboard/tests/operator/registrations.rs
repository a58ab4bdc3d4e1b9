//! Where people are, through restarts.

use crate::served::{OPEN, Phone, Served};
use serde_json::Value;

fn config(served: Option<&Served>) -> String {
    let people = "[[user]]\nname = \"alice\"\npassword = \"x\"\n[[user]]\nname = \"bob\"\npassword = \"x\"\n";
    let open = served.map_or_else(
        || OPEN.to_owned(),
        |served| OPEN.replacen("127.0.0.1:0", &served.address("udp").to_string(), 1),
    );
    format!("{open}{people}")
}

#[test]
fn registrations_survive_a_kill_and_removals_too() {
    let served = Served::start(&config(None));
    let (mut alice, mut bob) = (Phone::new("alice", &served), Phone::new("bob", &served));
    assert!(alice.registers(600, "").starts_with("SIP/2.0 200 "));
    assert!(bob.registers(600, "").starts_with("SIP/2.0 200 "));
    assert!(bob.registers(0, "").starts_with("SIP/2.0 200 "));
    let shown = served.says(&["registrations"]);
    assert!(shown.contains("alice@example.test") && shown.contains(&alice.contact()), "{shown}");

    let config = config(Some(&served));
    let served = Served::start_in(served.kill(), &config);
    let list: Value = serde_json::from_str(&served.says(&["--json", "registrations"])).unwrap();
    let list = list["registrations"].as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!(list[0]["contact"], alice.contact().as_str());
    assert_eq!(list[0]["reachable"], true);
    assert!(served.says(&["registrations", "bob"]).contains("nobody is registered"));

    // A call to a phone on UDP goes through at once.
    bob.request("MESSAGE", "sip:alice@example.test", "alice", "");
    assert!(alice.receives("MESSAGE").contains("bob-call"));
}
