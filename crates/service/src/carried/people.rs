//! Our users as numbers, so that a dialog costs four bytes for each end.

use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Who is at one end of a dialog: one of our users, by number, or somebody from elsewhere.
pub(crate) type Party = Option<Number>;

/// The number of a user in one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Number(NonZeroU32);

/// The users that have called or been called. A name is never given up, so that the directory bounds them: only
/// who is in it, or was, comes here.
#[derive(Default)]
pub(crate) struct People {
    names: Vec<Arc<str>>,
    /// The hash needs no secret, for only an operator adds names.
    numbers: HashMap<Arc<str>, Number, FixedState>,
}

impl People {
    /// The number of a user of ours.
    pub(crate) fn enter(&mut self, name: &str) -> Party {
        if let Some(number) = self.numbers.get(name) {
            return Some(*number);
        }
        let number = Number(NonZeroU32::new(u32::try_from(self.names.len()).ok()?.checked_add(1)?)?);
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Some(number)
    }

    /// The same, if they have one already.
    pub(crate) fn find(&self, name: &str) -> Party {
        self.numbers.get(name).copied()
    }

    /// Who that is.
    pub(crate) fn name(&self, party: Party) -> Option<&str> {
        self.names.get(party?.0.get() as usize - 1).map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_keeps_the_number() {
        let mut people = People::default();
        let [alice, bob] = ["alice", "bob"].map(|name| people.enter(name));
        assert_ne!(alice, bob);
        assert_eq!(people.enter("alice"), alice);
        assert_eq!(people.find("bob"), bob);
        assert_eq!(people.find("carol"), None);
        assert_eq!(
            (people.name(alice), people.name(bob), people.name(None)),
            (Some("alice"), Some("bob"), None)
        );
        assert_eq!(size_of::<Party>(), 4);
    }
}
