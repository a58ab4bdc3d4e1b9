//! See `crates/sip/tests/fuzz/events.rs`.

#![no_main]

#[path = "../../crates/sip/tests/fuzz/mod.rs"]
#[allow(dead_code, reason = "each target runs one harness")]
mod harness;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| harness::events::events(bytes));
