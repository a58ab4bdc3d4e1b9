//! People come and go while it runs.

use crate::served::{OPEN, Phone, Served};
use serde_json::Value;

const CLOSED: &str = "domain = \"example.test\"\n[[listen]]\ntransport = \"udp\"\naddress = \"127.0.0.1:0\"\n\
     [http]\naddress = \"127.0.0.1:0\"\n[[user]]\nname = \"alice\"\npassword = \"wonderland\"\n";

#[test]
fn people_are_added_listed_changed_and_removed() {
    let served = Served::start(CLOSED);
    assert!(
        served
            .says(&["users", "add", "dave", "--password", "one", "--group", "sales"])
            .contains("dave is added")
    );
    let list = served.says(&["users", "list"]);
    assert!(list.contains("alice") && list.contains("dave") && list.contains("sales"), "{list}");
    let made = served.says(&["--json", "users", "add", "erin", "--display-name", "Erin E."]);
    let made: Value = serde_json::from_str(&made).unwrap();
    assert!(made["password"].as_str().unwrap().len() > 12, "{made}");
    let list: Value = serde_json::from_str(&served.says(&["users", "list", "--json"])).unwrap();
    assert_eq!(list[2]["display_name"], "Erin E.");

    served.says(&["users", "passwd", "dave", "--password", "two"]);
    served.says(&["users", "remove", "dave"]);
    assert!(!served.says(&["users", "list"]).contains("dave"));
}

#[test]
fn what_cannot_be_is_refused_in_a_sentence() {
    let served = Served::start(CLOSED);
    for (words, says) in [
        (&["users", "remove", "nobody"][..], "there is no user nobody: `cordboard ctl users list` names all"),
        (&["users", "passwd", "nobody", "--password", "x"], "there is no user nobody"),
        (&["users", "remove", "alice"], "alice stands in the configuration file"),
        (&["users", "passwd", "alice", "--password", "x"], "alice stands in the configuration file"),
        (&["users", "add", "alice", "--password", "x"], "alice exists already"),
        (&["users", "add", "a b", "--password", "x"], "a b cannot be a user"),
        (&["users", "add", "carol", "--password", ""], "an empty password is none"),
        (&["calls", "--ladder", "nothing"], "no messages of this call"),
    ] {
        let said = served.refuses(words);
        assert!(said.contains(says), "{words:?}: {said}");
    }
}

#[test]
fn whoever_is_added_can_register_at_once_and_after_a_restart() {
    let mut served = Served::start(CLOSED);
    served.says(&["users", "add", "dave", "--password", "one"]);
    let challenge = Phone::new("dave", &served).registers(60, "");
    assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
    served.end();
    let folder = served.kill();
    let served = Served::start_in(folder, CLOSED);
    assert!(served.says(&["users", "list"]).contains("dave"), "dave is still there");
}

#[test]
fn another_domain_makes_passwords_useless_and_says_so() {
    let mut served = Served::start(OPEN);
    served.says(&["users", "add", "dave", "--password", "one"]);
    served.end();
    let folder = served.kill();
    let mut served = Served::start_in(folder, &OPEN.replace("example.test", "other.test"));
    assert!(served.says(&["users", "list"]).contains("password of another domain"));
    served.says(&["users", "passwd", "dave", "--password", "two"]);
    assert!(!served.says(&["users", "list"]).contains("password of another domain"));
    assert!(served.end().contains("of another domain"), "the log says so, too");
}
