//! The golden flows: what the RFCs print and draw, corrected, as data.
//!
//! The lists stand in `data/`, one file an RFC, and the README there says how they were made and corrected. Only
//! the [judge](crate::judge) reads them; the plays know nothing of them.

use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// The lists, in the order in which they are told.
const LISTS: [(&str, &str); 4] = [
    ("rfc5359.json", include_str!("../data/rfc5359.json")),
    ("rfc5589.json", include_str!("../data/rfc5589.json")),
    ("rfc3665.json", include_str!("../data/rfc3665.json")),
    ("blog.json", include_str!("../data/blog.json")),
];

/// One flow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// What it is called: `5359-2.5`, `5589-fig7`, `3665-3.1`, `blog-000`.
    pub id: String,
    /// Where it stands: `RFC 5359 §2.5`.
    pub source: String,
    /// Its heading.
    pub title: String,
    /// Who takes part, by the RFC's names in lower case.
    pub actors: Vec<String>,
    /// What was changed in the flow as a whole, and why.
    #[serde(default)]
    pub correction: Option<String>,
    /// The messages in the order in which they are drawn.
    pub messages: Vec<Drawn>,
}

/// One message of a flow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// `F1` and so on.
    pub id: String,
    /// Who sends it.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The method, or the status and its reason phrase.
    pub start: String,
    /// Number and method of `CSeq`.
    pub cseq: String,
    /// The transaction on this hop. The ACK of a 2xx is one of its own (RFC 3261 §17.1.1.3).
    pub transaction: String,
    /// The dialog: its label. Nothing where there is none, as with REGISTER.
    #[serde(default)]
    pub dialog: Option<String>,
    /// What is so in it.
    #[serde(default)]
    pub facts: Facts,
    /// The messages that must have passed before it; everything else that is drawn between may pass in any order.
    #[serde(default)]
    pub after: Vec<String>,
    /// How long after the message before, in milliseconds, where a timer makes it.
    #[serde(default)]
    pub after_ms: Option<u64>,
    /// It may be absent.
    #[serde(default)]
    pub optional: bool,
    /// A repeat of an earlier one.
    #[serde(default)]
    pub retransmission: bool,
    /// It exists only over UDP.
    #[serde(default)]
    pub udp_only: bool,
    /// `flow`, or another part of the play, which is not judged.
    #[serde(default)]
    pub stage: Part,
    /// What differs from what is printed, and why.
    #[serde(default)]
    pub correction: Option<String>,
    /// What is said between this message and the next.
    #[serde(default)]
    pub remark: Option<String>,
    /// The message as printed and corrected, where it is printed.
    #[serde(default)]
    pub text: Option<String>,
}

/// To which part of a play a message belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The flow itself: the only part that is judged.
    #[default]
    Flow,
    /// What is arranged before, such as registrations.
    Setup,
    /// What clears away afterwards.
    Teardown,
    /// What happens beside it.
    Off,
}

/// What is so in a message. What is absent is not compared, except where a field says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The direction of its audio, from the sender's view (RFC 3264 §5.1); `none` where it carries no SDP.
    #[serde(default)]
    pub sdp: Option<String>,
    /// `no` where the Contact says `+sip.rendering="no"` (RFC 4235 §5.2); `none` where it must not.
    #[serde(default)]
    pub rendering: Option<String>,
    /// Whether the Contact is that of a focus (RFC 4579 §3.4).
    #[serde(default)]
    pub isfocus: Option<bool>,
    /// Whom Refer-To names.
    #[serde(default)]
    pub refer_to: Option<String>,
    /// The dialog that the Replaces inside Refer-To names. Where `refer_to` is set and this is absent, there must
    /// be none.
    #[serde(default)]
    pub refer_replaces: Option<Named>,
    /// Whom the link in the body names.
    #[serde(default)]
    pub link_to: Option<String>,
    /// The dialog that the Replaces inside that link names.
    #[serde(default)]
    pub link_replaces: Option<Named>,
    /// The dialog that Replaces names. An INVITE whose facts lack it must have none.
    #[serde(default)]
    pub replaces: Option<Named>,
    /// The dialog that Join names. An INVITE whose facts lack it must have none.
    #[serde(default)]
    pub join: Option<Named>,
    /// The dialog that Target-Dialog names, with the recipient's own tag as its local one (RFC 4538 §3).
    #[serde(default)]
    pub target_dialog: Option<String>,
    /// The event package.
    #[serde(default)]
    pub event: Option<String>,
    /// The transaction of the REFER whose `CSeq` number is the `id` of Event (RFC 3515 §2.4.6).
    #[serde(default)]
    pub event_id: Option<String>,
    /// The state of Subscription-State, and its reason if one is listed.
    #[serde(default)]
    pub subscription: Option<String>,
    /// The status in the `message/sipfrag` body.
    #[serde(default)]
    pub sipfrag: Option<u16>,
    /// Whether Referred-By is there.
    #[serde(default)]
    pub referred_by: Option<bool>,
    /// What Refer-Sub says (RFC 4488).
    #[serde(default)]
    pub refer_sub: Option<bool>,
    /// Option tags that Require must name.
    #[serde(default)]
    pub require: Vec<String>,
    /// The media type of the body.
    #[serde(default)]
    pub content: Option<String>,
}

/// A dialog as a header names it: whose tag stands where.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The label of the dialog.
    pub dialog: String,
    /// Whose tag the to-tag is: that of whoever receives the Replaces (RFC 3891 §3).
    pub to_tag: String,
    /// Whose tag the from-tag is.
    pub from_tag: String,
}

/// Every flow.
///
/// # Panics
///
/// If a list, which is compiled in, is broken.
pub fn all() -> &'static [Golden] {
    static FLOWS: OnceLock<Vec<Golden>> = OnceLock::new();
    FLOWS.get_or_init(|| {
        let listed = |(name, text): &(&str, &str)| -> Vec<Golden> {
            read(text).unwrap_or_else(|error| panic!("the compiled-in {name}: {error}"))
        };
        LISTS.iter().flat_map(listed).collect()
    })
}

/// Reads a list that somebody else made.
pub fn read(text: &str) -> Result<Vec<Golden>, serde_json::Error> {
    serde_json::from_str(text)
}

/// The flow of that name.
pub fn find(id: &str) -> Option<&'static Golden> {
    all().iter().find(|flow| flow.id == id)
}

impl Golden {
    /// The message of that name.
    pub fn message(&self, id: &str) -> Option<&Drawn> {
        self.messages.iter().find(|message| message.id == id)
    }
}

impl Drawn {
    /// The method or the status code.
    pub fn word(&self) -> &str {
        self.start.split(' ').next().unwrap_or_default()
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        self.word().parse().ok()
    }

    /// The method of its transaction; that of an ACK is `ACK`.
    pub fn method(&self) -> &str {
        self.cseq.rsplit(' ').next().unwrap_or_default()
    }
}

/// Holds the page of a stage against the list of a flow.
#[cfg(test)]
#[track_caller]
pub(crate) fn agrees(stage: &crate::Stage, id: &str) {
    let flow = find(id).expect("there is such a flow");
    let verdict = crate::judge::judge(flow, &stage.observed());
    assert!(verdict.is_match(), "{} {}: {verdict}\n{}", flow.source, flow.title, stage.ladder());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_lists_are_complete() {
        let count = |prefix: &str| all().iter().filter(|flow| flow.id.starts_with(prefix)).count();
        assert_eq!([count("3665-"), count("5589-fig"), count("5359-"), count("blog-")], [16, 18, 18, 2]);
        for section in 1..=18 {
            assert!(find(&format!("5359-2.{section}")).is_some(), "{section}");
        }
        let ids: BTreeSet<_> = all().iter().map(|flow| &flow.id).collect();
        assert_eq!(ids.len(), all().len());
        // RFC 3665 prints 193; three rings were added to §3.3.
        let printed = all().iter().filter(|flow| flow.id.starts_with("3665-"));
        assert_eq!(printed.map(|flow| flow.messages.len()).sum::<usize>(), 196);
    }

    #[test]
    fn every_message_is_between_actors_and_has_a_name_of_its_own() {
        for flow in all() {
            let ids: BTreeSet<_> = flow.messages.iter().map(|message| &message.id).collect();
            assert_eq!(ids.len(), flow.messages.len(), "{}", flow.id);
            for message in &flow.messages {
                assert!(
                    flow.actors.contains(&message.from) && flow.actors.contains(&message.to),
                    "{}",
                    flow.id
                );
                assert_ne!(message.from, message.to, "{} {}", flow.id, message.id);
            }
        }
    }

    /// Nobody can wait for what passes between others.
    #[test]
    fn an_edge_leads_to_an_earlier_message_of_the_sender() {
        for flow in all() {
            for (at, message) in flow.messages.iter().enumerate() {
                for id in &message.after {
                    let before = flow.messages[..at].iter().find(|before| before.id == *id);
                    let before = before.unwrap_or_else(|| panic!("{} {} after {id}", flow.id, message.id));
                    assert!(
                        before.from == message.from || before.to == message.from,
                        "{} {} after {id}",
                        flow.id,
                        message.id
                    );
                }
            }
        }
    }

    #[test]
    fn every_transaction_begins_with_its_request_and_stays_on_its_hop() {
        for flow in all() {
            for (at, message) in flow.messages.iter().enumerate() {
                let first = flow.messages.iter().position(|m| m.transaction == message.transaction).unwrap();
                let request = &flow.messages[first];
                assert!(first <= at && request.status().is_none(), "{} {}", flow.id, message.id);
                let (one, other) = (&message.from, &message.to);
                let ends = if message.status().is_some() { [other, one] } else { [one, other] };
                assert_eq!(ends, [&request.from, &request.to], "{} {}", flow.id, message.id);
                assert_eq!(message.dialog, request.dialog, "{} {}", flow.id, message.id);
            }
        }
    }

    #[test]
    fn facts_name_dialogs_people_and_transactions_of_the_flow() {
        for flow in all() {
            let has_dialog = |label: &String| flow.messages.iter().any(|m| m.dialog.as_ref() == Some(label));
            for Drawn { id, facts, .. } in &flow.messages {
                for named in [&facts.replaces, &facts.refer_replaces, &facts.link_replaces, &facts.join]
                    .into_iter()
                    .flatten()
                {
                    assert!(has_dialog(&named.dialog), "{} {id}", flow.id);
                    assert!(
                        flow.actors.contains(&named.to_tag) && flow.actors.contains(&named.from_tag),
                        "{} {id}",
                        flow.id
                    );
                }
                assert!(facts.target_dialog.as_ref().is_none_or(has_dialog), "{} {id}", flow.id);
                let people = [&facts.refer_to, &facts.link_to];
                assert!(
                    people.into_iter().flatten().all(|name| flow.actors.contains(name)),
                    "{} {id}",
                    flow.id
                );
                let refers =
                    |t: &String| flow.messages.iter().any(|m| m.transaction == *t && m.start == "REFER");
                assert!(facts.event_id.as_ref().is_none_or(refers), "{} {id}", flow.id);
            }
        }
    }

    #[test]
    fn answers_to_holds_take_what_is_sent() {
        for flow in all() {
            for hold in flow.messages.iter().filter(|m| m.facts.sdp.as_deref() == Some("sendonly")) {
                let mut own = flow.messages.iter().filter(|m| m.transaction == hold.transaction);
                let answer = own.find(|m| m.status() == Some(200)).expect("a hold is answered");
                assert_eq!(answer.facts.sdp.as_deref(), Some("recvonly"), "{} {}", flow.id, answer.id);
            }
        }
    }
}
