//! What happened in a call, drawn.

use crate::served::{OPEN, Phone, Served};

#[test]
fn a_call_is_listed_and_drawn() {
    let people = "[[user]]\nname = \"alice\"\npassword = \"x\"\n[[user]]\nname = \"bob\"\npassword = \"x\"\n";
    let served = Served::start(&format!("{OPEN}{people}"));
    let (mut alice, mut bob) = (Phone::new("alice", &served), Phone::new("bob", &served));
    assert!(bob.registers(600, "").starts_with("SIP/2.0 200 "));
    let contact = format!("Contact: <{}>\r\n", alice.contact());
    alice.request("INVITE", "sip:bob@example.test", "bob", &contact);
    let invite = bob.receives("INVITE ");
    bob.answers(&invite, "180 Ringing");
    alice.receives("SIP/2.0 180 ");
    bob.answers(&invite, "486 Busy Here");
    alice.receives("SIP/2.0 486 ");
    bob.receives("ACK ");

    let list = served.says(&["calls"]);
    assert!(list.contains("alice-call"), "{list}");
    let drawn = served.says(&["calls", "--ladder", "alice-c"]);
    for word in ["alice", "cordboard", "bob", "INVITE", "180", "486", "ACK"] {
        assert!(drawn.contains(word), "{word} is missing:\n{drawn}");
    }
    let facts: serde_json::Value =
        serde_json::from_str(&served.says(&["--json", "calls", "--ladder", "alice-call"])).unwrap();
    let first = &facts["messages"][0];
    assert_eq!(
        (&first["direction"], &first["start_line"]),
        (&"received".into(), &"INVITE sip:bob@example.test SIP/2.0".into())
    );
}
