//! A table whose keys are never used twice, so that a late answer finds nothing instead of a stranger.

use slab::Slab;

/// Values by key.
pub(crate) struct Keyed<T> {
    slots: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { slots: Slab::new(), generation: 0 }
    }
}

impl<T> Keyed<T> {
    pub(crate) fn insert(&mut self, value: T) -> u64 {
        self.generation = self.generation.wrapping_add(1);
        let slot = self.slots.insert((self.generation, value));
        u64::from(self.generation) << 32 | slot as u64
    }

    pub(crate) fn get(&self, key: u64) -> Option<&T> {
        let (generation, value) = self.slots.get(key as u32 as usize)?;
        (*generation == (key >> 32) as u32).then_some(value)
    }

    pub(crate) fn get_mut(&mut self, key: u64) -> Option<&mut T> {
        let (generation, value) = self.slots.get_mut(key as u32 as usize)?;
        (*generation == (key >> 32) as u32).then_some(value)
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<T> {
        self.get(key)?;
        Some(self.slots.remove(key as u32 as usize).1)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().map(|(_, (_, value))| value)
    }

    /// All of them with their keys, in no order that means anything.
    pub(crate) fn with_keys(&self) -> impl Iterator<Item = (u64, &T)> {
        let key = |generation: u32, slot: usize| u64::from(generation) << 32 | slot as u64;
        self.slots.iter().map(move |(slot, (generation, value))| (key(*generation, slot), value))
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_key_finds_nothing() {
        let mut keyed = Keyed::default();
        let first = keyed.insert('a');
        assert_eq!(keyed.remove(first), Some('a'));
        let second = keyed.insert('b');
        assert_ne!(first, second);
        assert_eq!((keyed.get(first), keyed.get(second)), (None, Some(&'b')));
        assert_eq!(keyed.remove(first), None);
        assert_eq!(keyed.len(), 1);
    }
}
