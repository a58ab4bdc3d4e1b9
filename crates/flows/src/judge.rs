//! Holding what passed against the list of messages that an RFC prints for a flow.

use crate::stage::Stage;
use cordboard_ladder::{Comparison, Ladder, Message, Row, Times};
use serde::Deserialize;

/// The 16 flows of RFC 3665, corrected; the README beside the file says how.
const RFC3665: &str = include_str!("../data/rfc3665.json");

/// One flow as the RFC lists it.
#[derive(Debug, Deserialize)]
pub struct Flow {
    /// The section, such as `3.2`.
    pub section: String,
    /// Its heading.
    pub title: String,
    messages: Vec<Listed>,
}

/// One message of a list.
#[derive(Debug, Deserialize)]
struct Listed {
    start: String,
    from: String,
    to: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    retransmission: bool,
}

/// The flows of RFC 3665.
///
/// # Panics
///
/// If the data file, which is compiled in, is broken.
pub fn rfc3665() -> Vec<Flow> {
    serde_json::from_str(RFC3665).expect("the compiled-in list of RFC 3665 is readable")
}

impl Flow {
    /// The list as a ladder: methods and status codes; a 100 may be absent.
    pub fn ladder(&self) -> Ladder {
        let mut ladder = Ladder::default();
        for listed in &self.messages {
            let word = listed.start.split(' ').next().unwrap_or_default();
            ladder.push(Message {
                optional: listed.optional || word == "100",
                retransmission: listed.retransmission,
                ..Message::new(actor(&listed.from), actor(&listed.to), word)
            });
        }
        let words: Vec<&str> = self.messages.iter().map(|listed| word_of(&listed.start)).collect();
        for (row, pair) in words.windows(2).enumerate() {
            // RFC 3261 §9.2: the CANCEL is answered in its own transaction, in no order with the INVITE's.
            if *pair == ["200", "487"]
                && let [Row::Message(one), Row::Message(other)] = &mut ladder.rows[row..row + 2]
            {
                (one.swaps, other.swaps) = (true, true);
            }
        }
        ladder
    }

    /// In what the page of a stage differs from the list, as the same methods and statuses between the same
    /// pairs in the same order; 100s and repeats are folded. Methods and statuses that are `allowed` may come
    /// without being on the list.
    pub fn differences(&self, stage: &Stage, allowed: &[&str]) -> Result<(), String> {
        let ladder = self.ladder();
        let mut observed = stage.ladder();
        for row in &mut observed.rows {
            if let Row::Message(message) = row {
                message.optional |= allowed.contains(&message.label.as_str());
            }
        }
        let comparison = Comparison { times: Times::Ignored, fold_retransmissions: true, media: false };
        comparison
            .check(&ladder, &observed)
            .map_err(|mismatch| format!("RFC 3665 §{} {}: {mismatch}", self.section, self.title))
    }
}

fn word_of(start: &str) -> &str {
    start.split(' ').next().unwrap_or_default()
}

/// The names of the list as they are drawn: `Proxy 1` is `proxy1`, `SIP Server` is `server`.
fn actor(name: &str) -> String {
    name.trim_start_matches("SIP ").trim_end_matches(" Server").replace(' ', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sixteen_and_readable() {
        let flows = rfc3665();
        assert_eq!(flows.len(), 16);
        assert_eq!(flows.iter().map(|flow| flow.messages.len()).sum::<usize>(), 193);
        assert_eq!(
            ["SIP Server", "Redirect Server", "Proxy 3", "SIP ALG", "Bob"].map(actor),
            ["server", "redirect", "proxy3", "alg", "bob"]
        );
        let no_answer = flows.iter().find(|flow| flow.section == "3.8").unwrap().ladder();
        assert!(no_answer.messages().any(|message| message.label == "487" && message.swaps));
    }
}
