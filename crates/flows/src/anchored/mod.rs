//! What an operator does with calls of others: no RFC draws it, and each side must see nothing but what its peer might do.

use crate::rfc5359::scene::{ALICE, BOB, BY_PROXY, CAROL, PROXY};
use crate::{Person, Phone, Stage};
use cordboard_sim::HostId;

pub mod crossing;
pub mod end;
pub mod hold;
pub mod join;
pub mod to_call;
pub mod transfer;

/// Alice talks with Bob; Carol is there, too. All of them send everything through the switchboard.
fn call(stage: &Stage) -> ([Phone<'_>; 3], HostId) {
    let [alice, bob] = [ALICE, BOB].map(|person| by_proxy(stage, &person));
    let switchboard = stage.switchboard(&PROXY);
    let carol = by_proxy(stage, &CAROL);
    for phone in [alice, bob, carol] {
        phone.registers();
    }
    stage.turn_page();
    alice.dials(bob);
    bob.answers(alice);
    alice.is_answered();
    stage.turn_page();
    ([alice, bob, carol], switchboard)
}

fn by_proxy<'a>(stage: &'a Stage, person: &Person) -> Phone<'a> {
    stage.person(&Person { outbound_proxies: BY_PROXY, ..*person })
}
