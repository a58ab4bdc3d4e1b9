//! A re-INVITE of ours: RFC 3261 §14.1, with the retry that glare asks for.

use crate::dice::Dice;
use std::time::Duration;

/// How often a change is tried again after a 491 before it is given up: what hinders it may take 64·T1 (RFC 3261
/// §17.1.2.2), and whoever did not choose the Call-ID waits for a second on average.
pub const MAX_GLARES: u8 = 64;

/// Where our change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is to be changed.
    Quiet,
    /// A change waits for its turn: another INVITE is under way, in either direction, or a 491 set the
    /// timer.
    Waiting,
    /// The re-INVITE is out.
    Sent,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A change is wanted.
    Wanted,
    /// Nothing hinders it any more.
    Free,
    /// The re-INVITE was answered 2xx.
    Accepted,
    /// It was answered 491.
    Glare,
    /// It was refused otherwise (§14.1: the session goes on as it was).
    Refused,
    /// The call is over.
    Over,
}

impl Input {
    /// All of them, for tests that walk the table.
    pub const ALL: [Self; 6] =
        [Self::Wanted, Self::Free, Self::Accepted, Self::Glare, Self::Refused, Self::Over];
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send the re-INVITE.
    Send,
    /// Start the timer of [`glare_wait`].
    StartTimer,
    /// The change holds from now on.
    Apply,
    /// The change is forgotten, and whoever wanted it is told.
    Forget,
}

/// The rules as a table.
#[rustfmt::skip]
pub const fn step(state: State, input: Input) -> (State, &'static [Act]) {
    use {Act::*, Input::*, State::*};
    match (state, input) {
        (Quiet, Wanted)            => (Waiting, &[]),
        (Waiting, Free)            => (Sent,    &[Send]),
        (Sent, Accepted)           => (Quiet,   &[Apply]),
        (Sent, Glare)              => (Waiting, &[StartTimer]),
        (Sent, Refused)            => (Quiet,   &[Forget]),
        (Waiting | Sent, Over)     => (Quiet,   &[]),
        // One at a time; answers to nothing.
        (Waiting | Sent, Wanted)
        | (Quiet | Sent, Free)
        | (Quiet | Waiting, Accepted | Glare | Refused)
        | (Quiet, Over)            => (state,   &[]),
    }
}

/// How long to wait after a 491 (§14.1): 2.1 to 4 s for whoever chose the Call-ID, 0 to 2 s for the
/// other, in steps of 10 ms, so that one goes first.
pub fn glare_wait(owns_call_id: bool, dice: &mut Dice) -> Duration {
    let steps = if owns_call_id { 210 + dice.below(191) } else { dice.below(201) };
    Duration::from_millis(10 * steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell() {
        use {Act::*, State::*};
        type Cell = (State, &'static [Act]);
        let row = |state| Input::ALL.map(|input| step(state, input));
        // Wanted, Free, Accepted, Glare, Refused, Over
        let stay: Cell = (Quiet, &[]);
        assert_eq!(row(Quiet), [(Waiting, &[][..]), stay, stay, stay, stay, stay]);
        let stay: Cell = (Waiting, &[]);
        assert_eq!(row(Waiting), [stay, (Sent, &[Send]), stay, stay, stay, (Quiet, &[])]);
        let sent: [Cell; 6] = [
            (Sent, &[]),
            (Sent, &[]),
            (Quiet, &[Apply]),
            (Waiting, &[StartTimer]),
            (Quiet, &[Forget]),
            (Quiet, &[]),
        ];
        assert_eq!(row(Sent), sent);
    }

    #[test]
    fn the_owner_of_the_call_id_waits_longer() {
        let mut dice = Dice::new([5; 32], 0);
        let mut shortest = [u128::MAX; 2];
        let mut longest = [0; 2];
        for _ in 0..5000 {
            for owner in [false, true] {
                let wait = glare_wait(owner, &mut dice).as_millis();
                assert_eq!(wait % 10, 0);
                shortest[usize::from(owner)] = shortest[usize::from(owner)].min(wait);
                longest[usize::from(owner)] = longest[usize::from(owner)].max(wait);
            }
        }
        assert_eq!((shortest, longest), ([0, 2100], [2000, 4000]));
    }
}
