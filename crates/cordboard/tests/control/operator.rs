//! An operator of the demo: over HTTP, and by `ctl`.

use crate::programs::{Demo, cordboard};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whoever has the token.
pub(crate) struct Operator {
    http: String,
    data: String,
    token: String,
    agent: ureq::Agent,
}

impl Operator {
    pub(crate) fn of(demo: &Demo) -> Self {
        let data = demo.data.clone();
        let token = std::fs::read_to_string(format!("{data}/token")).unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_idle_connections(0)
            .build()
            .into();
        Self { http: demo.address("http").to_owned(), data, token: token.trim().to_owned(), agent }
    }

    /// Asks, with a body if there is one: the status, and the answer in JSON.
    pub(crate) fn asks(&self, method: &str, path: &str, body: Option<&str>) -> (u16, Value) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.http))
            .header("Authorization", format!("Bearer {}", self.token));
        let answer = match body {
            Some(body) => self
                .agent
                .run(request.header("Content-Type", "application/json").body(body.to_owned()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) fn ctl(&self, words: &[&str]) -> Output {
        cordboard().args(["ctl", "--data", &self.data]).args(words).stdin(Stdio::null()).output().unwrap()
    }

    /// What a wish that is fulfilled prints.
    #[track_caller]
    pub(crate) fn says(&self, words: &[&str]) -> String {
        let output = self.ctl(words);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Listens from now on by `ctl events --json`.
    pub(crate) fn listens(&self) -> Listener {
        let mut child = cordboard()
            .args(["ctl", "--data", &self.data, "events", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        let pipe = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || pipe.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut listener = Listener { child, lines, told: Vec::new() };
        // Somebody who comes and goes is seen as soon as there is an ear.
        let until = Instant::now() + PATIENCE;
        while listener.told.is_empty() {
            assert!(Instant::now() < until, "nothing is told");
            self.asks("POST", "/v1/users", Some(r#"{"name": "nobody-yet", "password": "x"}"#));
            self.asks("DELETE", "/v1/users/nobody-yet", None);
            if let Ok(line) = listener.lines.recv_timeout(Duration::from_millis(200)) {
                listener.told.push(serde_json::from_str(&line).unwrap());
            }
        }
        listener
    }
}

/// A `ctl events --json`.
pub(crate) struct Listener {
    child: Child,
    lines: Receiver<String>,
    told: Vec<Value>,
}

impl Listener {
    /// The next event of that name.
    #[track_caller]
    pub(crate) fn hears(&mut self, name: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("{name} is not told: {:#?}", self.told)
            };
            let event: Value = serde_json::from_str(&line).unwrap();
            self.told.push(event.clone());
            if event["event"] == name {
                return event;
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It has ended already if the switchboard has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
