//! The races of RFC 5407: two messages cross, and each side has to make sense of what comes to it in a state in which
//! its sender did not know it to be. §3 draws them; the appendices add cases that are none, or that fork. What needs a
//! peer that our telephones never are is played by hand (`crates/service/tests/telephone/races.rs`).

pub mod a_early_bye_at_a_fork;
pub mod b_bye_before_a_lost_reinvite;
pub mod c_cancel_in_the_early_dialog;
pub mod s03_01_01_invite_again;
pub mod s03_01_02_cancel;
pub mod s03_01_03_early_bye;
pub mod s03_01_04_reinvite_before_the_ack;
pub mod s03_01_05_reinvite_before_the_answer;
pub mod s03_01_06_bye_before_the_ack;
pub mod s03_02_01_two_byes;
pub mod s03_02_02_bye_and_reinvite;
pub mod s03_02_03_bye_after_reinvite;
pub mod s03_02_04_ack_after_the_bye;
pub mod s03_03_01_two_reinvites;
pub mod s03_03_02_update_and_reinvite;
pub mod s03_03_03_bye_and_refer;

use crate::rfc3665::scene::{ALICE_BY_HERSELF, BOB};
use crate::{Phone, Stage};

/// Alice and Bob, who find each other without a server.
fn alice_and_bob(stage: &Stage) -> [Phone<'_>; 2] {
    let both = [&ALICE_BY_HERSELF, &BOB].map(|person| stage.person(person));
    stage.name(BOB.domain, BOB.address);
    both
}

/// The same in a call that Alice made.
fn in_a_call(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = alice_and_bob(stage);
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    bob.is_answered();
    [alice, bob]
}
