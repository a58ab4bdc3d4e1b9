//! Several streams of sound brought together: each party hears all others and not itself.
//!
//! Each stream keeps its own time, so that nobody waits for anybody: what a party says is kept for a moment, and every
//! other party has a place of its own in that. Who is too loud together is made quieter, not cut off.

use std::collections::VecDeque;

use crate::session::RATE;

/// Most parties that are mixed.
pub const MAX_PARTIES: usize = 32;

/// Samples of each party that are kept: 200 ms.
const KEPT: usize = RATE as usize / 5;

/// Who reads what a party says stays this close behind it: 60 ms. What is older is left out.
const MAX_BEHIND: u64 = RATE as u64 * 60 / 1000;

/// How fast what was made quieter becomes louder again: by a tenth each packet, which nobody hears happen.
const RECOVERY: f64 = 1.1;

/// In so many samples it becomes quieter: 2 ms.
const ATTACK: f64 = RATE as f64 / 500.0;

/// One of the parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId(u32);

/// A mixer of the sounds of several parties.
///
/// ```
/// use cordboard_media::mixer::Mixer;
///
/// let mut mixer = Mixer::default();
/// let [alice, bob, carol] = [(); 3].map(|()| mixer.enter().expect("there is room"));
/// mixer.exchange(alice, &[100; 160], &mut [0; 160]);
/// mixer.exchange(bob, &[20; 160], &mut [0; 160]);
/// let mut to_carol = [0; 160];
/// mixer.exchange(carol, &[3; 160], &mut to_carol);
/// assert_eq!(to_carol, [120; 160]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mixer {
    parties: Vec<Voice>,
    entered: u32,
}

#[derive(Clone, Debug)]
struct Voice {
    id: PartyId,
    said: VecDeque<i16>,
    /// How many samples it has ever said.
    written: u64,
    /// How far it has heard each of the others.
    heard: Vec<(PartyId, u64)>,
    /// How loud its mix is at the moment, 1 at most.
    gain: f64,
}

impl Mixer {
    /// Lets another party in; `None` if there are [`MAX_PARTIES`].
    pub fn enter(&mut self) -> Option<PartyId> {
        if self.parties.len() == MAX_PARTIES {
            return None;
        }
        let id = PartyId(self.entered);
        self.entered = self.entered.wrapping_add(1);
        self.parties.push(Voice {
            id,
            said: VecDeque::with_capacity(KEPT),
            written: 0,
            heard: Vec::new(),
            gain: 1.0,
        });
        Some(id)
    }

    /// A party leaves.
    pub fn leave(&mut self, id: PartyId) {
        self.parties.retain(|party| party.id != id);
        for party in &mut self.parties {
            party.heard.retain(|(whom, _)| *whom != id);
        }
    }

    /// How many parties there are.
    pub fn parties(&self) -> usize {
        self.parties.len()
    }

    /// One moment of one party: what it `said`, and what it is to hear, which is added to what is in `hears` already. Both
    /// have [`RATE`] samples a second.
    pub fn exchange(&mut self, id: PartyId, said: &[i16], hears: &mut [i16]) {
        let Some(at) = self.parties.iter().position(|party| party.id == id) else { return };
        let mut sum: Vec<i32> = hears.iter().map(|sample| i32::from(*sample)).collect();
        let mut positions = std::mem::take(&mut self.parties[at].heard);
        for other in self.parties.iter().filter(|party| party.id != id) {
            let known = positions.iter().position(|(whom, _)| *whom == other.id);
            let place = known.unwrap_or_else(|| {
                positions.push((other.id, 0));
                positions.len() - 1
            });
            if let Some((_, position)) = positions.get_mut(place) {
                *position = other.adds_to(&mut sum, *position);
            }
        }
        let party = &mut self.parties[at];
        party.heard = positions;
        party.says(said);
        party.limit(&sum, hears);
    }
}

impl Voice {
    fn says(&mut self, samples: &[i16]) {
        self.said.extend(samples);
        self.written += samples.len() as u64;
        let surplus = self.said.len().saturating_sub(KEPT);
        self.said.drain(..surplus);
    }

    /// Adds what it said from `position` on; returns how far that was. Where not enough has been said yet there is
    /// silence, and the reader stays a packet further behind from then on.
    fn adds_to(&self, sum: &mut [i32], position: u64) -> u64 {
        let wanted = sum.len() as u64;
        let is_lost = self.written.saturating_sub(position) > MAX_BEHIND + wanted;
        let from = if is_lost { self.written - wanted } else { position };
        if from + wanted > self.written {
            return from;
        }
        let oldest = self.written - self.said.len() as u64;
        // What is wanted was said within what is kept, unless a packet is longer than that.
        let skipped = from.saturating_sub(oldest) as usize;
        for (sum, sample) in sum.iter_mut().zip(self.said.iter().skip(skipped)) {
            *sum += i32::from(*sample);
        }
        from + wanted
    }

    /// Writes the mix as loud as it may be: a loud moment is made quieter as a whole, and it takes a while until what follows
    /// is as loud as before.
    fn limit(&mut self, sum: &[i32], out: &mut [i16]) {
        let loudest = sum.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
        let allowed = f64::from(i16::MAX) / f64::from(loudest).max(f64::from(i16::MAX));
        let before = self.gain;
        self.gain = (before * RECOVERY).min(allowed);
        let mut share = 0.0_f64;
        for (sample, out) in sum.iter().zip(out) {
            let gain = before + (self.gain - before) * share.min(1.0);
            share += 1.0 / ATTACK;
            let loud = f64::from(*sample) * gain;
            *out = loud.round().clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::{level, share};
    use crate::source::{Source, Tone};

    const PACKET: usize = 160;

    /// Lets each party say its tone for a second, in this order each packet, and returns what each has heard.
    fn second(levels: &[(u16, f64)]) -> Vec<Vec<i16>> {
        let mut mixer = Mixer::default();
        let mut parties: Vec<_> = levels
            .iter()
            .map(|(frequency, level)| {
                let tone = Tone { frequency: *frequency, level: *level };
                (mixer.enter().unwrap(), Source::tone(tone), Vec::new())
            })
            .collect();
        for _ in 0..50 {
            for (id, source, heard) in &mut parties {
                let (mut said, mut hears) = ([0; PACKET], [0; PACKET]);
                source.fill(RATE, &mut said);
                mixer.exchange(*id, &said, &mut hears);
                heard.extend(hears);
            }
        }
        parties.into_iter().map(|(.., heard)| heard).collect()
    }

    #[test]
    fn everybody_hears_all_others_and_not_themselves() {
        let tones = [(400, -20.0), (700, -20.0), (1100, -20.0), (1700, -20.0), (2300, -20.0)];
        for (who, heard) in second(&tones).iter().enumerate() {
            for (whom, (frequency, _)) in tones.iter().enumerate() {
                let part = share(&heard[1600..], RATE, f64::from(*frequency));
                if who == whom {
                    assert!(part < 0.001, "{who} hears themselves: {part}");
                } else {
                    assert!((part - 0.25).abs() < 0.01, "{who} hears {whom}: {part}");
                }
            }
        }
    }

    #[test]
    fn loud_voices_together_are_made_quieter_and_not_cut_off() {
        let heard = second(&[(400, -60.0), (700, -4.0), (1100, -4.0), (1700, -4.0)]).remove(0);
        let steady = &heard[1600..];
        let pure: f64 = [700.0, 1100.0, 1700.0].iter().map(|tone| share(steady, RATE, *tone)).sum();
        assert!(pure > 0.99, "clipping would bring in other tones: {pure}");
        assert!(level(steady) > -9.0, "as loud as it can be: {}", level(steady));
    }

    #[test]
    fn after_a_loud_moment_it_becomes_as_loud_as_before() {
        let mut mixer = Mixer::default();
        let [one, other, hearer] = [(); 3].map(|()| mixer.enter().unwrap());
        let mut hears = [0; PACKET];
        for loud in [true, false] {
            for _ in 0..20 {
                let said = [if loud { 30_000 } else { 1000 }; PACKET];
                mixer.exchange(one, &said, &mut [0; PACKET]);
                mixer.exchange(other, &said, &mut [0; PACKET]);
                hears = [0; PACKET];
                mixer.exchange(hearer, &[0; PACKET], &mut hears);
            }
            assert_eq!(hears[PACKET - 1], if loud { i16::MAX } else { 2000 });
        }
    }

    #[test]
    fn who_is_late_is_waited_for_a_moment_and_who_is_ahead_is_not_kept() {
        let mut mixer = Mixer::default();
        let [speaker, hearer] = [(); 2].map(|()| mixer.enter().unwrap());
        let hear = |mixer: &mut Mixer| {
            let mut hears = [0; PACKET];
            mixer.exchange(hearer, &[0; PACKET], &mut hears);
            hears[0]
        };
        assert_eq!(hear(&mut mixer), 0, "nothing has been said");
        mixer.exchange(speaker, &[1; PACKET], &mut [0; PACKET]);
        mixer.exchange(speaker, &[2; PACKET], &mut [0; PACKET]);
        assert_eq!([hear(&mut mixer), hear(&mut mixer), hear(&mut mixer)], [1, 2, 0]);
        for said in 3..20 {
            mixer.exchange(speaker, &[said; PACKET], &mut [0; PACKET]);
        }
        assert_eq!(hear(&mut mixer), 19, "the rest is too old");
    }

    #[test]
    fn who_leaves_is_heard_no_more_and_makes_room() {
        let mut mixer = Mixer::default();
        let all: Vec<PartyId> = std::iter::from_fn(|| mixer.enter()).collect();
        assert_eq!(all.len(), MAX_PARTIES);
        mixer.exchange(all[0], &[9; PACKET], &mut [0; PACKET]);
        mixer.leave(all[0]);
        let mut hears = [0; PACKET];
        mixer.exchange(all[1], &[0; PACKET], &mut hears);
        assert_eq!(hears, [0; PACKET]);
        mixer.exchange(all[0], &[9; PACKET], &mut [0; PACKET]);
        assert_eq!(mixer.parties(), MAX_PARTIES - 1, "who has left says nothing");
        assert!(mixer.enter().is_some_and(|id| !all.contains(&id)));
    }
}
