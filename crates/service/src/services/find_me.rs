//! Find-me: RFC 5359 §2.12. The places where a user may be are rung one after the other, each for its time, or several
//! at the same time; whoever answers first has the call.

use super::{Place, RuleError};
use std::time::Duration;

/// Steps of one list.
pub const MAX_STEPS: usize = 10;

/// Places that ring at the same time.
pub const MAX_PLACES: usize = 10;

/// The shortest time that a phone rings.
pub const MIN_RINGS: Duration = Duration::from_secs(1);

/// The longest. Timer C would end it soon after (RFC 3261 §16.6 step 11).
pub const MAX_RINGS: Duration = Duration::from_mins(3);

/// Where a user is looked for; nowhere but at the registered phones if it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindMe {
    /// One after the other.
    pub steps: Vec<Step>,
}

/// What rings at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose phones, and which addresses. The user's own name stands for the user's own phones; of others only the
    /// phones ring, for their own lists and forwardings are for calls to them.
    pub places: Vec<Place>,
    /// For how long.
    pub rings: Duration,
}

impl FindMe {
    pub(super) fn check(&self, known: &impl Fn(&str) -> bool) -> Result<(), RuleError> {
        if self.steps.len() > MAX_STEPS {
            return Err(RuleError::TooManySteps(self.steps.len()));
        }
        for (n, step) in self.steps.iter().enumerate() {
            if step.places.is_empty() {
                return Err(RuleError::NoPlace(n + 1));
            }
            if step.places.len() > MAX_PLACES {
                return Err(RuleError::TooManyPlaces(step.places.len()));
            }
            if step.rings < MIN_RINGS || step.rings > MAX_RINGS {
                return Err(RuleError::Time(step.rings.as_secs()));
            }
            step.places.iter().try_for_each(|place| place.check(known))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(steps: usize, places: usize, seconds: u64) -> Result<(), RuleError> {
        let places = vec![Place::User("bob".into()); places];
        let step = Step { places, rings: Duration::from_secs(seconds) };
        FindMe { steps: vec![step; steps] }.check(&|name: &str| name == "bob")
    }

    #[test]
    fn a_list_of_a_thousand_is_refused_in_words() {
        assert_eq!(list(MAX_STEPS, MAX_PLACES, 10), Ok(()));
        assert_eq!(
            list(1000, 1, 10).unwrap_err().to_string(),
            "a find-me list of 1000 steps is longer than any caller waits: 10 are allowed"
        );
        assert_eq!(list(1, 1000, 10), Err(RuleError::TooManyPlaces(1000)));
        assert_eq!(list(2, 0, 10), Err(RuleError::NoPlace(1)));
        assert_eq!((list(1, 1, 0), list(1, 1, 181)), (Err(RuleError::Time(0)), Err(RuleError::Time(181))));
    }

    #[test]
    fn a_list_that_names_nobody_is_refused() {
        let step = Step { places: vec![Place::User("carlo".into())], rings: Duration::from_secs(5) };
        let checked = FindMe { steps: vec![step] }.check(&|name: &str| name == "bob");
        assert_eq!(checked, Err(RuleError::Nobody("carlo".into())));
    }
}
