//! Who may ask over HTTP, and what Prometheus reads.

use crate::served::{OPEN, Phone, Served};

fn get(served: &Served, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let mut request = agent.get(format!("http://{}{path}", served.address("http")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.call().expect("it answers");
    (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
}

#[test]
fn without_the_token_nothing_is_told() {
    let served = Served::start(OPEN);
    let token = std::fs::read_to_string(served.data().join("token")).unwrap();
    let right = format!("Bearer {}", token.trim());
    let wrong = format!("Bearer {}", "0".repeat(token.trim().len()));
    assert_eq!(get(&served, "/v1/users", &[("Authorization", &right)]).0, 200);
    for headers in [&[][..], &[("Authorization", wrong.as_str())], &[("Authorization", token.trim())]] {
        let (status, says) = get(&served, "/v1/users", headers);
        assert!(status == 401 && says.contains("token"), "{headers:?}: {status} {says}");
    }
}

#[test]
fn a_web_page_cannot_ask() {
    let served = Served::start(OPEN);
    let token = std::fs::read_to_string(served.data().join("token")).unwrap();
    let right = format!("Bearer {}", token.trim());
    let http = served.address("http").to_string();
    let own = format!("http://{http}");
    for (status, headers) in [
        (403, [("Host", "evil.example"), ("Authorization", right.as_str())]),
        (403, [("Origin", "https://evil.example"), ("Authorization", right.as_str())]),
        (403, [("Origin", "null"), ("Authorization", right.as_str())]),
        (200, [("Origin", own.as_str()), ("Authorization", right.as_str())]),
    ] {
        assert_eq!(get(&served, "/v1/calls", &headers).0, status, "{headers:?}");
    }
    assert_eq!(get(&served, "/metrics", &[("Host", "evil.example")]).0, 403);
    assert_eq!(get(&served, "/nothing", &[]).0, 404);
}

#[test]
fn prometheus_reads_figures_without_names() {
    let served = Served::start(&format!("{OPEN}[[user]]\nname = \"alice\"\npassword = \"x\"\n"));
    Phone::new("alice", &served).registers(60, "");
    let (status, text) = get(&served, "/metrics", &[]);
    assert_eq!(status, 200);
    for line in [
        concat!("cordboard_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n"),
        "cordboard_registrations 1\n",
        "cordboard_registrations_total 1\n",
        "# TYPE cordboard_messages_received_total counter\n",
        "# TYPE cordboard_server_transactions gauge\n",
        "cordboard_users 1\n",
    ] {
        assert!(text.contains(line), "{line} is missing:\n{text}");
    }
    assert!(!text.contains("alice"));
}
