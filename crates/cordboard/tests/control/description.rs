//! The description of the API fits what it does: every path and method, each answer, each way to ask wrongly.

use crate::operator::Operator;
use crate::programs::{Demo, call, says};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The description as it is served.
fn description(operator: &Operator) -> Value {
    let (status, description) = operator.asks("GET", "/v1/openapi.json", None);
    assert_eq!(status, 200);
    description
}

/// Every path with its methods, in capitals.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    operations
}

/// Holds an answer against what an operation says of it.
#[track_caller]
fn fits(description: &Value, operation: &Value, status: u16, answer: &Value) {
    let said = &operation["responses"];
    let response = said.get(status.to_string()).unwrap_or(&said["default"]);
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{status} is not described: {operation}");
    let mut whole = schema.clone();
    whole["components"] = description["components"].clone();
    let validator = jsonschema::draft202012::new(&whole).unwrap();
    let wrong: Vec<String> = validator.iter_errors(answer).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{answer}\n{wrong:#?}");
}

#[track_caller]
fn operation<'a>(description: &'a Value, method: &str, path: &str) -> &'a Value {
    &description["paths"][path][method.to_lowercase()]
}

#[test]
fn the_file_in_the_docs_is_what_the_code_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let written = format!("{:#}\n", cordboard::api::description());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(file, &written).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == written, "UPDATE_OPENAPI=1 writes docs/openapi.json anew");
}

/// Whatever is not described is not there, and whatever is described is.
#[test]
fn every_method_of_every_path() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let description = description(&operator);
    let operations = operations(&description);
    assert!(operations.len() >= 14, "{}", operations.len());
    let paths: BTreeSet<&String> = operations.iter().map(|(path, ..)| path).collect();
    for path in paths {
        let concrete = path.replace("{name}", "zoe").replace("{id}", "no-such-call").replace("{slot}", "1");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let described = operations.iter().find(|(other, theirs, _)| other == path && theirs == method);
            let streams = path == "/v1/events" && method == "GET";
            if streams {
                continue;
            }
            let (status, answer) = operator.asks(method, &concrete, None);
            match described {
                None => {
                    assert_eq!(status, 405, "{method} {path}: {answer}");
                    assert!(answer["error"].as_str().unwrap().contains("openapi"), "{answer}");
                }
                Some((.., operation)) if answer.is_object() || answer.is_array() => {
                    assert_ne!(status, 405, "{method} {path}");
                    fits(&description, operation, status, &answer);
                }
                Some(_) => assert_eq!((status, &**path), (200, "/metrics"), "{answer}"),
            }
        }
    }
}

/// A body of a wrong type, with something unknown in it, without something that is needed, of another kind, or none at all.
#[test]
fn what_is_wrong_is_said_in_json() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let description = description(&operator);
    let mut tried = 0;
    for (path, method, operation) in operations(&description) {
        let Some(body) = operation.get("requestBody") else { continue };
        let reference = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let schema = description.pointer(&reference[1..]).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false), "{method} {path} takes whatever comes");
        let path = path.replace("{name}", "bob").replace("{id}", "no-such-call").replace("{slot}", "1");
        let whole: Map<String, Value> = schema["properties"].as_object().unwrap().clone();
        let mut bodies = vec!["{".to_owned(), "[7]".to_owned(), json!({ "no-such-key": 1 }).to_string()];
        bodies.extend(whole.keys().map(|key| json!({ key: { "wrong": ["type"] } }).to_string()));
        for body in bodies {
            let (status, answer) = operator.asks(&method, &path, Some(&body));
            assert!(matches!(status, 400 | 422), "{method} {path} {body}: {status} {answer}");
            assert!(answer["error"].as_str().is_some_and(|says| says.len() > 10), "{answer}");
            tried += 1;
        }
        let (status, answer) = operator.asks(&method, &path, None);
        assert!(matches!(status, 415 | 400), "{method} {path} without a body: {status} {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert!(tried >= 12, "{tried}");
    for path in ["/v1/registrations?limit=many", "/v1/calls/x?width=-1", "/v1/registrations?usr=bob"] {
        let (status, answer) = operator.asks("GET", path, None);
        assert!(status == 400 && answer["error"].is_string(), "{path}: {status} {answer}");
    }
    let (status, answer) = operator.asks("GET", "/v1/nothing", None);
    assert!(status == 404 && answer["error"].is_string(), "{status} {answer}");
}

/// Answers with something in them.
#[test]
fn real_answers_are_as_described() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let description = description(&operator);
    let mut listener = operator.listens();
    let mut alice = demo.registered("alice", "udp", &[]);
    let mut bob = demo.registered("bob", "tcp", &[]);
    call(&mut alice, &mut bob, "bob");
    let call_id = listener.hears("answered")["call_id"].as_str().unwrap().to_owned();
    let asked = |method: &str, template: &str, path: &str, body: Option<&str>| {
        let (status, answer) = operator.asks(method, path, body);
        assert_eq!(status, 200, "{method} {path}: {answer}");
        fits(&description, operation(&description, method, template), status, &answer);
        answer
    };
    let rules = r#"{"forward": {"busy": "carol"}, "find_me": [{"ring": ["bob"], "for_s": 5}]}"#;
    asked("POST", "/v1/users", "/v1/users", Some(r#"{"name": "zoe", "password": "x", "groups": ["demo"]}"#));
    asked("PUT", "/v1/users/{name}/password", "/v1/users/zoe/password", Some(r#"{"password": "y"}"#));
    asked("PUT", "/v1/users/{name}/groups", "/v1/users/zoe/groups", Some(r#"{"groups": []}"#));
    assert!(asked("GET", "/v1/users", "/v1/users", None).as_array().unwrap().len() > 4);
    asked("PUT", "/v1/users/{name}/rules", "/v1/users/bob/rules", Some(rules));
    asked("GET", "/v1/users/{name}/rules", "/v1/users/bob/rules", None);
    asked("DELETE", "/v1/users/{name}/rules", "/v1/users/bob/rules", None);
    asked("DELETE", "/v1/users/{name}", "/v1/users/zoe", None);
    asked("PUT", "/v1/users/{name}/groups", "/v1/users/bob/groups", Some(r#"{"groups": ["demo", "sales"]}"#));
    asked("DELETE", "/v1/users/{name}/groups", "/v1/users/bob/groups", None);
    let setup = r#"{"slots": ["701-703", "750"], "ring_back_s": 60}"#;
    asked("PATCH", "/v1/servers/{name}", "/v1/servers/park", Some(setup));
    let servers = asked("GET", "/v1/servers", "/v1/servers", None);
    let park = servers.as_array().unwrap().iter().find(|server| server["name"] == "park").unwrap();
    assert_eq!(park["setup"]["slots"], json!(["701", "702", "703", "750"]), "{park}");
    asked("DELETE", "/v1/servers/{name}/setup", "/v1/servers/park/setup", None);
    let (status, answer) = operator.asks("PATCH", "/v1/servers/park", Some("{}"));
    assert_eq!(status, 400, "nothing is said: {answer}");
    let registrations = asked("GET", "/v1/registrations", "/v1/registrations?limit=1", None);
    assert_eq!(
        (registrations["more"].clone(), registrations["registrations"][0].is_object()),
        (json!(1), true)
    );
    assert!(!asked("GET", "/v1/calls", "/v1/calls", None).as_array().unwrap().is_empty());
    let redial = asked("POST", "/v1/redials", "/v1/redials", Some(r#"{"asker": "carol", "wanted": "bob"}"#));
    assert_eq!(asked("GET", "/v1/redials", "/v1/redials", None)[0]["id"], redial["id"]);
    asked("DELETE", "/v1/redials/{id}", &format!("/v1/redials/{}", redial["id"]), None);
    let shown = asked("GET", "/v1/calls/{id}", &format!("/v1/calls/{call_id}"), None);
    assert!(shown["messages"].as_array().unwrap().len() >= 4, "{shown}");
    bob.does("dial 800");
    bob.tells("established");
    let who = r#"{"who": "bob"}"#;
    let rooms = asked("GET", "/v1/conferences", "/v1/conferences", None);
    assert_eq!(rooms[0]["parties"][0]["who"], "sip:bob@127.0.0.1", "{rooms}");
    for (verb, room, body, wanted) in [
        ("invite", "800", who, 409),
        ("remove", "801", who, 404),
        ("invite", "802", who, 404),
        ("invite", "801", r#"{"who": "tel:1"}"#, 400),
        ("invite", "801", r#"{"whom": "bob"}"#, 422),
    ] {
        let path = format!("/v1/conferences/{room}/{verb}");
        let (status, answer) = operator.asks("POST", &path, Some(body));
        assert_eq!(status, wanted, "{path} {body}: {answer}");
        let template = format!("/v1/conferences/{{name}}/{verb}");
        fits(&description, operation(&description, "POST", &template), status, &answer);
    }
    let removed = asked("POST", "/v1/conferences/{name}/remove", "/v1/conferences/800/remove", Some(who));
    assert_eq!((&removed["outcome"], &removed["left"]), (&json!("completed"), &json!(1)));
    let nobody = r#"{"who": "nobody"}"#;
    let invited = asked("POST", "/v1/conferences/{name}/invite", "/v1/conferences/800/invite", Some(nobody));
    assert_eq!((&invited["outcome"], &invited["status"]), (&json!("not-found"), &json!(404)), "{invited}");
    let ended = asked("POST", "/v1/conferences/{name}/end", "/v1/conferences/800/end", None);
    assert_eq!((&ended["outcome"], &ended["left"]), (&json!("completed"), &json!(0)));
    let (status, answer) = operator.asks("POST", "/v1/reload", None);
    assert_eq!(status, 409, "the demo has no file: {answer}");
    fits(&description, operation(&description, "POST", "/v1/reload"), status, &answer);
}

/// Each event of the stream is one of those that are described.
#[test]
fn events_are_as_described() {
    let demo = Demo::start();
    let operator = Operator::of(&demo);
    let description = description(&operator);
    let mut listener = operator.listens();
    let schema = &operation(&description, "GET", "/v1/events")["responses"]["200"]["content"]["text/event-stream"]
        ["schema"];
    let mut whole = schema.clone();
    whole["components"] = description["components"].clone();
    let validator = jsonschema::draft202012::new(&whole).unwrap();
    let mut alice = demo.registered("alice", "udp", &[]);
    let mut bob = demo.registered("bob", "udp", &[]);
    call(&mut alice, &mut bob, "bob");
    operator.says(&["screen", "bob", "--deny-from", "*@spam.example"]);
    bob.does("transfer nobody &");
    for name in ["registered", "ringing", "answered", "rules-changed", "referred", "transferred"] {
        let event = listener.hears(name);
        let wrong: Vec<String> = validator.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{event}\n{wrong:#?}");
    }
    operator.says(&["redial", "ask", "carol", "bill"]);
    for (name, outcome) in [
        ("redial-waiting", json!(null)),
        ("redial-called", json!(null)),
        ("redial-ended", json!("cancelled")),
    ] {
        if name == "redial-ended" {
            operator.says(&["redial", "cancel", "1"]);
        }
        let event = listener.hears(name);
        assert!(validator.is_valid(&event), "{event}");
        says(&event, json!({ "id": 1, "asker": "sip:carol@127.0.0.1", "wanted": "sip:bill@127.0.0.1" }));
        assert_eq!(event["outcome"], outcome);
    }
    assert!(
        !validator.is_valid(&json!({ "n": 1, "unix_ms": 1, "event": "ringing" })),
        "a call has a Call-ID"
    );
    assert!(!validator.is_valid(&json!({ "n": 1, "unix_ms": 1, "event": "never-heard-of" })));
}
