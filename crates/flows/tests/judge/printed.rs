//! The corrected messages, as the RFCs print them, judged: what is printed agrees with the facts that are listed.

use bytes::Bytes;
use cordboard_flows::golden::{self, Drawn, Golden};
use cordboard_flows::judge::{Observed, ObservedMessage, judge};
use std::fmt::Write as _;
use std::time::Duration;

/// The message as it would be sent: lines joined where the RFC had to break them, the body measured.
fn bytes(text: &str) -> Bytes {
    let mut joined = String::new();
    let mut one_line = false;
    for line in text.lines() {
        match line.trim() {
            "<allOneLine>" => one_line = true,
            "</allOneLine>" => {
                one_line = false;
                joined += "\r\n";
            }
            piece if one_line => joined += piece,
            _ => {
                joined += line;
                joined += "\r\n";
            }
        }
    }
    let (head, body) = joined.split_once("\r\n\r\n").unwrap_or((joined.trim_end(), ""));
    let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-Length"));
    let head: String = lines.flat_map(|line| [line, "\r\n"]).collect();
    Bytes::from(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
}

fn printed(flow: &Golden) -> Observed {
    let prints = flow.messages.iter().filter_map(|drawn: &Drawn| {
        Some(ObservedMessage {
            at: Duration::ZERO,
            from: drawn.from.clone(),
            to: drawn.to.clone(),
            bytes: bytes(drawn.text.as_ref()?),
            stage: drawn.stage,
            retransmission: drawn.retransmission,
        })
    });
    Observed { messages: prints.collect() }
}

#[test]
fn what_is_printed_matches_what_is_listed() {
    let mut judged = 0;
    let mut told = String::new();
    for flow in golden::all().iter().filter(|flow| flow.messages.iter().any(|drawn| drawn.text.is_some())) {
        let verdict = judge(flow, &printed(flow));
        if !verdict.is_match() {
            writeln!(told, "{}: {verdict}", flow.id).unwrap();
        }
        judged += 1;
    }
    assert!(told.is_empty(), "{told}");
    assert_eq!(judged, 34);
}
