//! RFC 3665 §2.1, Successful New Registration.

use crate::rfc3665::scene::{BOB, SERVER};
use crate::{Phone, Stage};

/// Bob turns his telephone on.
pub fn play(stage: &Stage) -> Phone<'_> {
    stage.switchboard(&SERVER);
    let bob = stage.person(&BOB);
    bob.registers();
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
            bob         server
             |--REGISTER-->|
             |<-401--------|
             |--REGISTER-->|
             |<-200--------|
        ",
        );
        agrees(&stage, "2.1");
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage).lists_contacts(1);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
