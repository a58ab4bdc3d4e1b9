//! RFC 5407 §3.3.3: a BYE crosses a REFER, which finds no session any more: 481. Bob is told that nobody was handed
//! over.

use super::in_a_call;
use crate::rfc5359::scene::CAROL;
use crate::{Phone, Stage};

/// Alice hangs up while Bob hands her over to Carol.
pub fn play(stage: &Stage) -> [Phone<'_>; 2] {
    let [alice, bob] = in_a_call(stage);
    let carol = stage.person(&CAROL);
    stage.name(CAROL.domain, CAROL.address);
    stage.at_once(|| {
        alice.hangs_up();
        bob.tries_to_transfer(alice, carol);
    });
    alice.is_alone();
    bob.is_alone();
    [alice, bob]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storm_seeds;

    #[test]
    fn on_a_still_network() {
        let stage = Stage::still();
        play(&stage);
        stage.drawn(
            "
                alice             bob
                  |--INVITE------->|
                  |<-180-----------|
                  |<-200-----------|
                  |--ACK---------->|
                  |<====audio=====>|
                  |--BYE---------->|
                  |<-REFER carol---|
                  |<-200-----------|
                  |--481---------->|
            ",
        );
        stage.talking([]);
    }

    #[test]
    fn in_a_storm() {
        for seed in storm_seeds() {
            let stage = Stage::storm(seed);
            play(&stage);
            stage.talking([]);
        }
    }

    #[test]
    fn in_an_unbounded_storm() {
        for seed in storm_seeds() {
            play(&Stage::unbounded_storm(seed));
        }
    }
}
