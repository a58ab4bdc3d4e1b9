//! What people set up for their calls: by the file, by `ctl` and over HTTP, and what survives.

use crate::served::{OPEN, Phone, Served};

/// Nobody has to prove anything; bob's calls go to carol, as the file says.
fn config() -> String {
    let user = |name: &str| format!("[[user]]\nname = \"{name}\"\npassword = \"x\"\n");
    format!("{OPEN}{}{}{}forward = {{ always = \"carol\" }}\n", user("alice"), user("carol"), user("bob"))
}

/// Alice calls bob; who is called.
fn rings(served: &Served) -> String {
    let mut carol = Phone::new("carol", served);
    let mut bob = Phone::new("bob", served);
    assert!(
        carol.registers(60, "").starts_with("SIP/2.0 200 ")
            && bob.registers(60, "").starts_with("SIP/2.0 200 ")
    );
    let mut alice = Phone::new("alice", served);
    alice.request("INVITE", "sip:bob@example.test", "bob", &format!("Contact: <{}>\r\n", alice.contact()));
    if alice.receive().starts_with("SIP/2.0 181 ") {
        let invite = carol.receives("INVITE ");
        assert!(invite.contains("Diversion: <sip:bob@example.test>;reason="), "{invite}");
        carol.answers(&invite, "603 Decline");
        carol.receives("ACK ");
        alice.receives("SIP/2.0 603 ");
        return "carol".to_owned();
    }
    let invite = bob.receives("INVITE ");
    bob.answers(&invite, "603 Decline");
    "bob".to_owned()
}

#[test]
fn what_the_file_says_is_done() {
    let served = Served::start(&config());
    assert!(served.says(&["forward", "bob"]).contains("bob: all calls go to carol"));
    assert_eq!(rings(&served), "carol");
}

#[test]
fn changed_rules_survive_sigkill() {
    let served = Served::start(&config());
    assert!(served.says(&["forward", "bob", "--off"]).contains("nothing is set up"));
    let screened = served.says(&["screen", "carol", "--deny-from", "*@spam.test", "--deny-to", "+1900*"]);
    assert!(screened.contains("takes no calls from *@spam.test") && screened.contains("may not call +1900*"));
    let served = Served::start_in(served.kill(), &config());
    assert!(served.says(&["forward", "bob"]).contains("nothing is set up"), "the file is overruled");
    assert!(served.says(&["find-me", "carol", "20:carol,bob", "5:alice"]).contains("carol and bob for 20 s"));
    let all = served.says(&["screen", "carol"]);
    assert!(all.contains("spam.test") && all.contains("alice for 5 s"), "each verb changes its part: {all}");
}

#[test]
fn a_rule_changes_the_next_call() {
    let served = Served::start(&config().replace("forward = { always = \"carol\" }\n", ""));
    served.says(&["forward", "bob", "--always", "carol"]);
    assert_eq!(rings(&served), "carol");
}

#[test]
fn rules_that_cannot_be_are_refused_and_change_nothing() {
    let served = Served::start(&config());
    let thousand = vec!["5:alice"; 1000];
    let list = [&["find-me", "bob"][..], &thousand].concat();
    for (words, says) in [
        (&["forward", "bob", "--always", "carlo"][..], "there is no user carlo"),
        (&["forward", "bob", "--busy", "bob"], "come back for ever"),
        (&["forward", "nobody", "--always", "carol"], "there is no user nobody"),
        (&["forward", "bob", "--no-answer", "carol"], "--after"),
        (&["forward", "bob", "--no-answer", "carol", "--after", "0"], "0 s is no time"),
        (&["find-me", "bob", "carol"], "is no step"),
        (&["screen", "bob", "--deny-to", "a b"], "`a b` matches nobody"),
        (&list, "a find-me list of 1000 steps is longer than any caller waits"),
    ] {
        let said = served.refuses(words);
        assert!(said.contains(says), "{:?}: {said}", &words[..words.len().min(4)]);
    }
    assert_eq!(served.says(&["forward", "bob"]), "bob: all calls go to carol\n");
}

#[test]
fn without_the_token_no_rule_is_changed() {
    let served = Served::start(&config());
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let url = format!("http://{}/v1/users/bob/rules", served.address("http"));
    let answer = agent.put(&url).header("Content-Type", "application/json").send("{}").expect("it answers");
    assert_eq!(answer.status().as_u16(), 401);
    let token = std::fs::read_to_string(served.data().join("token")).unwrap();
    let asks = |body: &str| {
        let request = agent.put(&url).header("Authorization", &format!("Bearer {}", token.trim()));
        let request = request.header("Content-Type", "application/json");
        request.send(body).expect("it answers").status().as_u16()
    };
    assert_eq!(asks(r#"{"forward": {"always": 7}}"#), 422, "a wrong type");
    assert_eq!(asks(r#"{"forward": {"always": "carlo"}}"#), 400);
    assert_eq!(served.says(&["forward", "bob"]), "bob: all calls go to carol\n");
    assert_eq!(asks("{}"), 200);
    assert!(served.says(&["forward", "bob"]).contains("nothing is set up"));
}
