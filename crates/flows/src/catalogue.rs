//! The catalogue: every flow that can be played by name, in the order in which it is told. The tests, the pages
//! under `docs/flows` and `cordboard flows` all read this one list.
//!
//! ```
//! use cordboard_flows::catalogue;
//!
//! let hold = catalogue::find("5359-2.1").expect("it is in the catalogue");
//! assert_eq!(hold.to_string(), "5359-2.1 Call Hold (RFC 5359 §2.1)");
//! assert_eq!(catalogue::nearest("5359-21")[0], "5359-2.1");
//! ```

use crate::stage::Stage;
use crate::{blog, rfc3665, rfc5359, rfc5589};
use std::fmt;

/// Names that are proposed in the place of one that is unknown.
const MOST_PROPOSALS: usize = 3;

/// One flow that can be played.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// What it is called: `5359-2.5`, `5589-fig7`, `3665-3.1`, `blog-000`.
    pub id: &'static str,
    /// Where it stands: `RFC 5359 §2.5`.
    pub source: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Plays it.
    pub play: fn(&Stage),
    /// How many pages of the play come before the flow and only set it up.
    pub setup_pages: usize,
    /// Who is talking with whom when the play is over, by their names on the stage.
    pub talking: &'static [[&'static str; 2]],
}

#[rustfmt::skip]
const FLOWS: &[Entry] = &[
    Entry::new("5359-2.1", "RFC 5359 §2.1", "Call Hold", |s| { rfc5359::s02_01_call_hold::play(s); }).set_up(),
    Entry::new("5359-2.2", "RFC 5359 §2.2", "Consultation Hold", |s| { rfc5359::s02_02_consultation_hold::play(s); }).set_up(),
    Entry::new("5359-2.3", "RFC 5359 §2.3", "Music on Hold", |s| { rfc5359::s02_03_music_on_hold::play(s); }).talking(&[["alice", "bob"]]),
    Entry::new("5359-2.4", "RFC 5359 §2.4", "Transfer - Unattended", |s| { rfc5359::s02_04_transfer_unattended::play(s); }).talking(&[["bob", "carol"]]),
    Entry::new("5359-2.5", "RFC 5359 §2.5", "Transfer - Attended", |s| { rfc5359::s02_05_transfer_attended::play(s); }).talking(&[["alice", "carol"]]),
    Entry::new("5359-2.6", "RFC 5359 §2.6", "Transfer - Instant Messaging", |s| { rfc5359::s02_06_transfer_instant_messaging::play(s); }).talking(&[["alice", "carol"]]),
    Entry::new("5359-2.7", "RFC 5359 §2.7", "Call Forwarding Unconditional", |s| { rfc5359::s02_07_forwarding_unconditional::play(s); }),
    Entry::new("5359-2.8", "RFC 5359 §2.8", "Call Forwarding - Busy", |s| { rfc5359::s02_08_forwarding_busy::play(s); }).set_up(),
    Entry::new("5359-2.9", "RFC 5359 §2.9", "Call Forwarding - No Answer", |s| { rfc5359::s02_09_forwarding_no_answer::play(s); }).set_up(),
    Entry::new("5359-2.10", "RFC 5359 §2.10", "3-Way Conference - Third Party Is Added", |s| { rfc5359::s02_10_third_party_added::play(s); }).talking(&[["alice", "bob"], ["bob", "carol"]]),
    Entry::new("5359-2.11", "RFC 5359 §2.11", "3-Way Conference - Third Party Joins", |s| { rfc5359::s02_11_third_party_joins::play(s); }).talking(&[["alice", "bob"], ["bob", "carol"]]),
    Entry::new("5359-2.12", "RFC 5359 §2.12", "Find-Me", |s| { rfc5359::s02_12_find_me::play(s); }).set_up(),
    Entry::new("5359-2.13", "RFC 5359 §2.13", "Call Management (Incoming Call Screening)", |s| { rfc5359::s02_13_incoming_screening::play(s); }),
    Entry::new("5359-2.14", "RFC 5359 §2.14", "Call Management (Outgoing Call Screening)", |s| { rfc5359::s02_14_outgoing_screening::play(s); }),
    Entry::new("5359-2.15", "RFC 5359 §2.15", "Call Park", |s| { rfc5359::s02_15_call_park::play(s); }).talking(&[["alice", "carol"]]),
    Entry::new("5359-2.16", "RFC 5359 §2.16", "Call Pickup", |s| { rfc5359::s02_16_call_pickup::play(s); }),
    Entry::new("5359-2.17", "RFC 5359 §2.17", "Automatic Redial", |s| { rfc5359::s02_17_automatic_redial::play(s); }).set_up().talking(&[["alice", "bob"]]),
    Entry::new("5359-2.18", "RFC 5359 §2.18", "Click to Dial", |s| { rfc5359::s02_18_click_to_dial::play(s); }).talking(&[["bob", "carol"]]),
    Entry::new("5589-fig1", "RFC 5589, figure 1", "Basic Transfer Call Flow", |s| { rfc5589::fig01_basic::play(s); }),
    Entry::new("5589-fig2", "RFC 5589, figure 2", "Transfer with Dialog Reuse", |s| { rfc5589::fig02_dialog_reuse::play(s); }),
    Entry::new("5589-fig3", "RFC 5589, figure 3", "Failed Transfer - Target Busy", |s| { rfc5589::fig03_target_busy::play(s); }),
    Entry::new("5589-fig4", "RFC 5589, figure 4", "Failed Transfer - Target Does Not Answer", |s| { rfc5589::fig04_no_answer::play(s); }),
    Entry::new("5589-fig5", "RFC 5589, figure 5", "Transfer with Consultation Hold - Exposing Transfer Target", |s| { rfc5589::fig05_consultation_exposed::play(s); }),
    Entry::new("5589-fig6", "RFC 5589, figure 6", "Transfer Protecting Transfer Target", |s| { rfc5589::fig06_consultation_protected::play(s); }),
    Entry::new("5589-fig7", "RFC 5589, figure 7", "Attended Transfer Call Flow", |s| { rfc5589::fig07_attended::play(s); }),
    Entry::new("5589-fig8", "RFC 5589, figure 8", "Recovery When One Party Does Not Support REFER", |s| { rfc5589::fig08_without_refer::play(s); }),
    Entry::new("5589-fig9", "RFC 5589, figure 9", "Attended Transfer Call Flow with a Contact URI Not Known to Be Globally Routable", |s| { rfc5589::fig09_contact_not_routable::play(s); }).set_up(),
    Entry::new("5589-fig10", "RFC 5589, figure 10", "Attended Transfer Call Flow with Non-Routable Contact URI and AOR Failure", |s| { rfc5589::fig10_address_screened::play(s); }).set_up(),
    Entry::new("5589-fig11", "RFC 5589, figure 11", "Recommended Semi-Attended Transfer Call Flow", |s| { rfc5589::fig11_semi_attended::play(s); }),
    Entry::new("5589-fig12", "RFC 5589, figure 12", "Semi-Attended Transfer as Blind Transfer Call Flow (Not Recommended)", |s| { rfc5589::fig12_semi_attended_as_blind::play(s); }),
    Entry::new("5589-fig13", "RFC 5589, figure 13", "Semi-Attended Transfer as Attended Transfer Call Flow (Not Recommended)", |s| { rfc5589::fig13_semi_attended_as_attended::play(s); }),
    Entry::new("5589-fig14", "RFC 5589, figure 14", "Attended Transfer Fallback to Basic Transfer Using Require:replaces", |s| { rfc5589::fig14_fallback_required::play(s); }),
    Entry::new("5589-fig15", "RFC 5589, figure 15", "Attended Transfer Fallback to Basic Transfer", |s| { rfc5589::fig15_fallback::play(s); }),
    Entry::new("5589-fig16", "RFC 5589, figure 16", "Attended Transfer Call Flow with Referred-By", |s| { rfc5589::fig16_referred_by::play(s); }),
    Entry::new("5589-fig17", "RFC 5589, figure 17", "Attended Transfer as an Ad Hoc Conference", |s| { rfc5589::fig17_conference::play(s); }).talking(&[["alice", "carol"]]),
    Entry::new("5589-fig18", "RFC 5589, figure 18", "Transfer with Multiple Parties Example", |s| { rfc5589::fig18_several_parties::play(s); }),
    Entry::new("3665-2.1", "RFC 3665 §2.1", "Successful New Registration", |s| { rfc3665::s02_01_new_registration::play(s); }),
    Entry::new("3665-2.2", "RFC 3665 §2.2", "Update of Contact List", |s| { rfc3665::s02_02_update_of_contact_list::play(s); }).set_up(),
    Entry::new("3665-2.3", "RFC 3665 §2.3", "Request for Current Contact List", |s| { rfc3665::s02_03_request_for_contact_list::play(s); }).set_up(),
    Entry::new("3665-2.4", "RFC 3665 §2.4", "Cancellation of Registration", |s| { rfc3665::s02_04_cancellation_of_registration::play(s); }).set_up(),
    Entry::new("3665-2.5", "RFC 3665 §2.5", "Unsuccessful Registration", |s| { rfc3665::s02_05_unsuccessful_registration::play(s); }),
    Entry::new("3665-3.1", "RFC 3665 §3.1", "Successful Session Establishment", |s| { rfc3665::s03_01_session_establishment::play(s); }),
    Entry::new("3665-3.2", "RFC 3665 §3.2", "Session Establishment Through Two Proxies", |s| { rfc3665::s03_02_through_two_proxies::play(s); }).set_up(),
    Entry::new("3665-3.3", "RFC 3665 §3.3", "Session with Multiple Proxy Authentication", |s| { rfc3665::s03_03_multiple_proxy_authentication::play(s); }).set_up().talking(&[["alice", "bob"]]),
    Entry::new("3665-3.4", "RFC 3665 §3.4", "Successful Session with Proxy Failure", |s| { rfc3665::s03_04_proxy_failure::play(s); }).set_up(),
    Entry::new("3665-3.5", "RFC 3665 §3.5", "Session Through a SIP ALG", |s| { rfc3665::s03_05_through_an_alg::play(s); }).set_up(),
    Entry::new("3665-3.6", "RFC 3665 §3.6", "Session via Redirect and Proxy Servers with SDP in ACK", |s| { rfc3665::s03_06_redirect_and_proxy::play(s); }).set_up(),
    Entry::new("3665-3.7", "RFC 3665 §3.7", "Session with re-INVITE (IP Address Change)", |s| { rfc3665::s03_07_reinvite_with_address_change::play(s); }).set_up(),
    Entry::new("3665-3.8", "RFC 3665 §3.8", "Unsuccessful No Answer", |s| { rfc3665::s03_08_no_answer::play(s); }).set_up(),
    Entry::new("3665-3.9", "RFC 3665 §3.9", "Unsuccessful Busy", |s| { rfc3665::s03_09_busy::play(s); }).set_up(),
    Entry::new("3665-3.10", "RFC 3665 §3.10", "Unsuccessful No Response from User Agent", |s| { rfc3665::s03_10_no_response::play(s); }).set_up(),
    Entry::new("3665-3.11", "RFC 3665 §3.11", "Unsuccessful Temporarily Unavailable", |s| { rfc3665::s03_11_temporarily_unavailable::play(s); }).set_up(),
    Entry::new("blog-000", "a call transferred by REFER", "Call Transferred by REFER", |s| { blog::b000_transferred_by_refer::play(s); }),
    Entry::new("blog-001", "a transfer that fails", "Transfer to a Target That Is Not Found", |s| { blog::b001_target_not_found::play(s); }).talking(&[["transferee", "transferor"]]),
];

/// Every flow.
pub const fn all() -> &'static [Entry] {
    FLOWS
}

/// The flow of that name.
pub fn find(id: &str) -> Option<&'static Entry> {
    FLOWS.iter().find(|entry| entry.id.eq_ignore_ascii_case(id))
}

/// The names that come nearest to one that is unknown, the nearest first.
pub fn nearest(id: &str) -> Vec<&'static str> {
    let wanted = id.to_ascii_lowercase();
    let mut ranked: Vec<_> = FLOWS.iter().map(|entry| (distance(&wanted, entry.id), entry.id)).collect();
    ranked.sort_by_key(|(distance, _)| *distance);
    ranked.into_iter().map(|(_, id)| id).take(MOST_PROPOSALS).collect()
}

/// How many letters must be changed, added or taken away to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (at, theirs) in other.chars().enumerate() {
            let changed = diagonal + usize::from(letter != theirs);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

impl Entry {
    const fn new(id: &'static str, source: &'static str, title: &'static str, play: fn(&Stage)) -> Self {
        Self { id, source, title, play, setup_pages: 0, talking: &[] }
    }

    /// The play's first page comes before the flow: who is registered, and what is known already.
    const fn set_up(self) -> Self {
        Self { setup_pages: 1, ..self }
    }

    /// These are talking when it is over, and nobody else.
    const fn talking(self, talking: &'static [[&'static str; 2]]) -> Self {
        Self { talking, ..self }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.id, self.title, self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden;
    use std::collections::BTreeSet;

    #[test]
    fn every_flow_is_told_once_and_as_its_list_tells_it() {
        let ids: BTreeSet<&str> = FLOWS.iter().map(|entry| entry.id).collect();
        assert_eq!(ids.len(), FLOWS.len());
        for entry in FLOWS {
            let list = golden::find(entry.id).unwrap_or_else(|| panic!("{entry} has no list"));
            assert_eq!((entry.source, entry.title), (&*list.source, &*list.title));
            let people = entry.talking.iter().flatten();
            assert!(people.into_iter().all(|name| list.actors.iter().any(|actor| actor == name)), "{entry}");
        }
    }

    #[test]
    fn the_nearest_names_come_first() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("3665-3.12").first(), Some(&"3665-3.1"));
        assert_eq!(nearest("5359-2,5").first(), Some(&"5359-2.5"));
        assert_eq!(nearest("").len(), MOST_PROPOSALS);
    }
}
