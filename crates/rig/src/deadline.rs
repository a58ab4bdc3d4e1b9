//! Waiting for something to become true, never for time to pass.

use std::thread;
use std::time::{Duration, Instant};

/// How long a phone may take for one step before the test fails.
pub const STEP: Duration = Duration::from_secs(10);

/// How often a condition without an event is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Asks `look` until it answers, and gives its answer; after `within`, panics saying `what` was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(Instant::now() < end, "waited {within:?} in vain for {what}");
        thread::sleep(LOOK_AGAIN);
    }
}
