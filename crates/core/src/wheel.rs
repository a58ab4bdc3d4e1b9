//! A hierarchical timer wheel: arming is a push, firing is a drain, and nothing is cancelled.
//!
//! An entry whose owner is gone or has moved its deadline fires once for nothing; owners check. Each
//! owner keeps at most one entry, so that the wheel holds no more entries than there are owners and
//! recent departures.

use crate::time::Instant;

const LEVEL0_BITS: u32 = 8;
const LEVEL_BITS: u32 = 6;
const LEVELS: usize = 4;

/// Deadlines with a key each, in steps of a millisecond.
#[derive(Debug)]
pub struct Wheel {
    /// The last millisecond that was fired.
    tick: u64,
    levels: [Level; LEVELS],
    len: usize,
}

#[derive(Debug)]
struct Level {
    slots: Vec<Vec<Entry>>,
    occupied: [u64; 4],
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    due: u64,
    key: u64,
}

impl Default for Wheel {
    fn default() -> Self {
        let level = |index| Level { slots: vec![Vec::new(); slots_of(index)], occupied: [0; 4] };
        Self { tick: 0, levels: std::array::from_fn(level), len: 0 }
    }
}

impl Wheel {
    /// Fires `key` at `due`, or at the next [`fire`](Self::fire) if that has passed.
    pub fn arm(&mut self, due: Instant, key: u64) {
        let due = due.as_micros().div_ceil(1000).max(self.tick + 1);
        self.len += 1;
        self.place(Entry { due, key });
    }

    /// Moves every key that is due by `now` into `fired`, in the order of their milliseconds.
    pub fn fire(&mut self, now: Instant, fired: &mut Vec<u64>) {
        let until = now.as_millis();
        while self.tick < until {
            if self.len == 0 {
                self.tick = until;
                return;
            }
            self.tick = self.next_stop(until);
            self.cascade();
            let slot = (self.tick & mask_of(0)) as usize;
            let level = &mut self.levels[0];
            if !level.slots[slot].is_empty() {
                level.clear(slot);
                self.len -= level.slots[slot].len();
                fired.extend(level.slots[slot].drain(..).map(|entry| entry.key));
            }
        }
    }

    /// When [`fire`](Self::fire) is wanted next: never late, sometimes early.
    pub fn next(&self) -> Option<Instant> {
        (self.len > 0).then(|| Instant::from_micros(self.next_stop(u64::MAX) * 1000))
    }

    /// Whether nothing is armed.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first millisecond after `tick` at which an entry is due or a slot has to be spread out,
    /// at most `until`.
    fn next_stop(&self, until: u64) -> u64 {
        let mut stop = until;
        for level in 0..LEVELS {
            let shift = shift_of(level);
            let at = self.tick >> shift;
            let width = slots_of(level) as u64;
            if let Some(ahead) =
                self.levels[level].next_occupied((at & (width - 1)) as usize, slots_of(level))
            {
                stop = stop.min((at + ahead) << shift);
            }
        }
        stop.max(self.tick + 1).min(until)
    }

    /// Spreads the slots of the upper levels that begin at `tick` over the levels below.
    fn cascade(&mut self) {
        for level in (1..LEVELS).rev() {
            let shift = shift_of(level);
            if self.tick & ((1 << shift) - 1) != 0 {
                continue;
            }
            let slot = ((self.tick >> shift) & mask_of(level)) as usize;
            if self.levels[level].slots[slot].is_empty() {
                continue;
            }
            self.levels[level].clear(slot);
            let mut entries = std::mem::take(&mut self.levels[level].slots[slot]);
            for entry in entries.drain(..) {
                self.place(entry);
            }
            if self.levels[level].slots[slot].is_empty() {
                self.levels[level].slots[slot] = entries;
            }
        }
    }

    fn place(&mut self, entry: Entry) {
        let ahead = entry.due.saturating_sub(self.tick);
        let level = (0..LEVELS - 1).find(|level| ahead < 1 << shift_of(level + 1)).unwrap_or(LEVELS - 1);
        let shift = shift_of(level);
        let horizon = (slots_of(level) as u64 - 1) << shift;
        let at = (self.tick + ahead.min(horizon)) >> shift;
        let slot = (at & mask_of(level)) as usize;
        self.levels[level].slots[slot].push(entry);
        self.levels[level].occupied[slot / 64] |= 1 << (slot % 64);
    }
}

impl Level {
    fn clear(&mut self, slot: usize) {
        self.occupied[slot / 64] &= !(1 << (slot % 64));
    }

    /// How many slots after `from` the next occupied one comes; a full turn for `from` itself.
    fn next_occupied(&self, from: usize, width: usize) -> Option<u64> {
        let (first, width) = (from as u64 + 1, width as u64);
        let mut ahead = 0;
        while ahead < width {
            let slot = (first + ahead) % width;
            let rest = self.occupied[(slot / 64) as usize] >> (slot % 64);
            if rest != 0 {
                let found = ahead + u64::from(rest.trailing_zeros());
                return (found < width).then_some(found + 1);
            }
            ahead += 64 - slot % 64;
        }
        None
    }
}

const fn slots_of(level: usize) -> usize {
    if level == 0 { 1 << LEVEL0_BITS } else { 1 << LEVEL_BITS }
}

const fn mask_of(level: usize) -> u64 {
    slots_of(level) as u64 - 1
}

const fn shift_of(level: usize) -> u32 {
    if level == 0 { 0 } else { LEVEL0_BITS + LEVEL_BITS * (level as u32 - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use std::time::Duration;

    fn millis(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn fires_at_the_millisecond_and_not_before() {
        let mut wheel = Wheel::default();
        let mut fired = Vec::new();
        wheel.arm(millis(500), 1);
        wheel.fire(millis(499), &mut fired);
        assert!(fired.is_empty());
        wheel.fire(millis(500), &mut fired);
        assert_eq!(fired, [1]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn whatever_the_distance_and_the_steps_it_fires_in_order_and_in_time() {
        let mut dice = Dice::new([3; 32], 0);
        for _ in 0..50 {
            let mut wheel = Wheel::default();
            let mut now = 0;
            let mut armed = Vec::new();
            for key in 0..200 {
                let bits = 1 + dice.below(26);
                let due = now + dice.below(1 << bits);
                wheel.arm(millis(due), key);
                armed.push((due.max(now + 1), key));
                let mut fired = Vec::new();
                let early = wheel.next().map(super::super::time::Instant::as_millis);
                let bits = dice.below(14);
                now += dice.below(1 << bits);
                wheel.fire(millis(now), &mut fired);
                let mut due_now: Vec<_> = armed.iter().copied().filter(|(due, _)| *due <= now).collect();
                due_now.sort_unstable();
                armed.retain(|(due, _)| *due > now);
                if let (Some(early), Some((first, _))) = (early, due_now.first()) {
                    assert!(early <= *first, "promised {early}, due {first}");
                }
                let mut keys: Vec<_> = due_now.into_iter().map(|(_, key)| key).collect();
                keys.sort_unstable();
                fired.sort_unstable();
                assert_eq!(fired, keys);
            }
        }
    }

    #[test]
    fn a_deadline_beyond_the_horizon_still_fires() {
        let mut wheel = Wheel::default();
        let mut fired = Vec::new();
        let far = Instant::START + Duration::from_hours(960);
        wheel.arm(far, 9);
        while let Some(next) = wheel.next() {
            wheel.fire(next, &mut fired);
        }
        assert_eq!(fired, [9]);
        assert_eq!(wheel.tick, far.as_millis());
    }
}
