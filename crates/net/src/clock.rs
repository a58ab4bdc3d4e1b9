//! The clock of a driver, and its seed: the only places where time and chance come in.

use cordboard_core::time::Instant;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells monotonic time as the agents want it, and what it was on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: std::time::Instant,
    wall: SystemTime,
}

impl Clock {
    /// A clock that starts now. One process has one, made before anything that needs the time.
    #[allow(clippy::new_without_default, reason = "a default that reads the time would surprise")]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now(), wall: SystemTime::now() }
    }

    /// Microseconds since the clock was made.
    pub fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// What the wall clock shows at `instant`, by the offset known when this clock was made.
    pub fn wall(&self, instant: Instant) -> SystemTime {
        self.wall + Duration::from_micros(instant.as_micros())
    }

    /// The instant at which the wall clock shows `wall`; the start for all that was before it.
    pub fn instant(&self, wall: SystemTime) -> Instant {
        Instant::START + wall.duration_since(self.wall).unwrap_or(Duration::ZERO)
    }

    /// Seconds since 1970 at `instant`, as databases like to keep them.
    pub fn unix_seconds(&self, instant: Instant) -> u64 {
        self.wall(instant).duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// Thirty-two bytes of the operating system's randomness.
pub fn system_seed() -> Result<[u8; 32], std::io::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_and_the_clock_agree() {
        let clock = Clock::new();
        let later = Instant::from_micros(5_000_000);
        assert_eq!(clock.instant(clock.wall(later)), later);
        assert_eq!(clock.instant(UNIX_EPOCH), Instant::START);
        assert!(clock.unix_seconds(later) > 1_600_000_000);
    }

    #[test]
    fn two_seeds_differ() {
        assert_ne!(system_seed().unwrap(), system_seed().unwrap());
    }
}
