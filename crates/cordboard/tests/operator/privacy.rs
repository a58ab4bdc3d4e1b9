//! The log says what happened, not to whom.

use crate::served::{OPEN, Phone, Served};

#[test]
fn nothing_private_is_logged() {
    for format in ["text", "json"] {
        let config =
            OPEN.replace("registers = false", "registers = true").replace("calls = false", "calls = true");
        let mut served = Served::start(&format!(
            "{config}[log]\nlevel = \"trace\"\nformat = \"{format}\"\n\
             [[user]]\nname = \"wilhelmina\"\npassword = \"hunter2\"\n"
        ));
        let token = std::fs::read_to_string(served.data().join("token")).unwrap();
        served.says(&["users", "add", "maximilian", "--password", "hunter3"]);
        served.says(&["users", "passwd", "maximilian", "--password", "hunter4"]);

        let mut phone = Phone::new("wilhelmina", &served);
        let challenge = phone.registers(60, "");
        assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
        let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let forged = format!(
            "Authorization: Digest username=\"wilhelmina\", realm=\"example.test\", nonce=\"{nonce}\", \
             uri=\"sip:example.test\", response=\"{}\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"c\"\r\n",
            "0".repeat(32)
        );
        phone.registers(60, &forged);
        phone.request("INVITE", "sip:+49301234567@elsewhere.test", "+49301234567", "");
        phone.receive();
        phone.send("garbage that wilhelmina sent");
        served.says(&["registrations"]);
        let log = served.end();
        assert!(log.contains("a user was added") && log.contains('~'), "{log}");
        let port = phone.contact().rsplit(':').next().unwrap().to_owned();
        for secret in
            ["wilhelmina", "maximilian", "hunter", "49301234567", token.trim(), nonce, &format!(":{port}")]
        {
            assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
        }
        if format == "json" {
            for line in log.lines() {
                assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
            }
        }
    }
}
