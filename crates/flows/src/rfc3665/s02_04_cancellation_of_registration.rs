//! RFC 3665 §2.4, Cancellation of Registration.

use crate::rfc3665::scene::{BOB, SERVER};
use crate::{Phone, Stage};

/// Bob takes every contact of his away.
pub fn play(stage: &Stage) -> Phone<'_> {
    stage.switchboard(&SERVER);
    let bob = stage.person(&BOB);
    bob.registers();
    stage.turn_page();
    bob.unregisters_everything();
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
            bob           server
             |--REGISTER *-->|
             |<-200----------|
        ",
        );
        agrees(&stage, "2.4");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage).lists_contacts(0);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
