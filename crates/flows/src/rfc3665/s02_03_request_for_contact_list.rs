//! RFC 3665 §2.3, Request for Current Contact List.

use crate::rfc3665::scene::{BOB, SERVER};
use crate::{Phone, Stage};

/// Bob, who is registered, asks what is known of him.
pub fn play(stage: &Stage) -> Phone<'_> {
    stage.switchboard(&SERVER);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    bob.lists_contacts(1);
    bob
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc3665::agrees;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.drawn(
            "
            bob              server
             |--REGISTER list-->|
             |<-200-------------|
        ",
        );
        agrees(&stage, "2.3");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
