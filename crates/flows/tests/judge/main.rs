//! The judge judged: every golden flow matches a run of itself, legal reorderings match, and doctored runs differ
//! for the reason for which they were doctored.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doctored;
mod legal;
mod numbers;
mod printed;
mod run;
mod thorough;

use cordboard_flows::golden;
use run::Run;

#[test]
fn every_flow_matches_a_run_of_itself() {
    for flow in golden::all() {
        let verdict = Run::of(&flow.id).judged();
        assert!(verdict.is_match(), "{}: {verdict}", flow.id);
    }
}
