//! A performance as one JSON object, for other tools.

use super::Performance;
use crate::golden::Part;
use crate::judge::{Difference, ObservedMessage};
use cordboard_sim::facts;
use cordboard_sip::View;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::net::SocketAddr;

/// One flow, played.
#[derive(Clone, Debug, Serialize)]
pub struct Report<'a> {
    /// What it is called.
    pub flow: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// `match` or `differs`.
    pub verdict: &'static str,
    /// In what it differs.
    pub differences: &'a [Difference],
    /// Where everything random came from.
    pub seed: u64,
    /// Over what people talked.
    pub transport: &'static str,
    /// Who stood where.
    #[serde(serialize_with = "as_map")]
    pub actors: &'a [(String, SocketAddr)],
    /// What a tap on the wire saw.
    pub messages: Vec<Passed<'a>>,
    /// Who talked with whom when the flow was over.
    pub talking: &'a [[String; 2]],
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub struct Passed<'a> {
    /// Its number, from 1.
    pub n: usize,
    /// When it was sent, since the run began.
    pub at_ms: f64,
    /// By whom.
    pub from: &'a str,
    /// To whom.
    pub to: &'a str,
    /// Its first line.
    pub start_line: String,
    /// Number and method.
    pub cseq: Option<String>,
    /// Which call.
    pub call_id: Option<String>,
    /// The one fact that matters, where there is one: `hold`, `200`, `carol`.
    pub note: Option<String>,
    /// To which part of the play it belongs.
    pub stage: Part,
    /// The same message went the same way before.
    pub retransmission: bool,
}

impl<'a> Report<'a> {
    pub(super) fn of(performance: &'a Performance) -> Self {
        let Performance { flow, terms, actors, observed, talking, verdict, .. } = performance;
        let numbered = observed.messages.iter().zip(1..);
        Self {
            flow: flow.id,
            title: flow.title,
            verdict: verdict.word(),
            differences: verdict.differences(),
            seed: terms.seed,
            transport: terms.transport.token(),
            actors,
            messages: numbered.map(|(message, n)| Passed::of(n, message)).collect(),
            talking,
        }
    }
}

impl<'a> Passed<'a> {
    fn of(n: usize, message: &'a ObservedMessage) -> Self {
        let view = View::parse(&message.bytes).ok();
        let first = message.bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        let note = view.as_ref().and_then(|view| {
            let (label, _) = facts::label_and_facts(view);
            label.split_once(' ').map(|(_, fact)| fact.to_owned())
        });
        Self {
            n,
            at_ms: tenths(message.at.as_micros()),
            from: &message.from,
            to: &message.to,
            start_line: String::from_utf8_lossy(first).into_owned(),
            cseq: view.as_ref().map(|view| format!("{} {}", view.cseq().0, view.method_text())),
            call_id: view.as_ref().map(|view| view.call_id().to_owned()),
            note,
            stage: message.stage,
            retransmission: message.retransmission,
        }
    }
}

/// Milliseconds with one digit behind the point.
fn tenths(micros: u128) -> f64 {
    let tenths = u32::try_from(micros / 100).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

fn as_map<S: Serializer>(actors: &&[(String, SocketAddr)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(actors.len()))?;
    for (name, at) in *actors {
        map.serialize_entry(name, at)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::super::{House, Terms};
    use super::*;
    use crate::catalogue;
    use cordboard_core::transport::Transport;
    use serde_json::{Value, json};

    #[test]
    fn a_report_has_the_shape_that_other_tools_rely_on() {
        let flow = catalogue::find("5359-2.5").expect("it is in the catalogue");
        let terms = Terms { house: House::Simulated, transport: Transport::Udp, loss: 0, seed: 3 };
        let told: Value = serde_json::to_value(Performance::of(flow, terms).report()).expect("it is told");
        let keys: Vec<&String> = told.as_object().expect("an object").keys().collect();
        let wanted =
            ["actors", "differences", "flow", "messages", "seed", "talking", "title", "transport", "verdict"];
        assert_eq!(keys, wanted, "in the order of the alphabet, for so serde_json keeps them");
        assert_eq!(told["verdict"], "match");
        assert_eq!(told["seed"], 3);
        assert_eq!(told["actors"]["alice"], "192.0.2.101:5060");
        assert_eq!(told["talking"], json!([["alice", "carol"]]));
        let first = &told["messages"][0];
        assert_eq!(first["n"], 1);
        assert_eq!((first["from"].as_str(), first["to"].as_str()), (Some("alice"), Some("bob")));
        assert_eq!(first["start_line"], "INVITE sip:bob@biloxi.example.com SIP/2.0");
        assert_eq!(first["cseq"], "1 INVITE");
        assert!(first["call_id"].is_string() && first["at_ms"].is_f64(), "{first}");
        assert_eq!((&first["note"], &first["retransmission"]), (&Value::Null, &Value::Bool(false)));
        let messages = told["messages"].as_array().expect("a list");
        let stages: Vec<&str> = messages.iter().filter_map(|message| message["stage"].as_str()).collect();
        assert_eq!((stages.first(), stages.last()), (Some(&"flow"), Some(&"teardown")));
        let notes: Vec<&str> = messages.iter().filter_map(|message| message["note"].as_str()).collect();
        assert_eq!(notes, ["hold", "hold", "carol", "100", "200"]);
    }
}
