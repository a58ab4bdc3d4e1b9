//! RFC 3665 §2.5, Unsuccessful Registration.

use crate::rfc3665::scene::{IMPOSTOR, SERVER};
use crate::{Phone, Stage};
use cordboard_sip::Status;

/// Somebody tries with a wrong password.
pub fn play(stage: &Stage) -> Phone<'_> {
    stage.switchboard(&SERVER);
    let impostor = stage.person(&IMPOSTOR);
    impostor.fails_to_register(Status::UNAUTHORIZED);
    impostor
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
             |<-401--------|
        ",
        );
        agrees(&stage, "2.5");
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
