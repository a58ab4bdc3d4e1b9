//! What a routable view costs: parses the 20 typical messages and reads the eight fields of each.
//!
//! `cargo run --release -p cordboard-sip --example view_cost` prints nanoseconds a message; with an argument it
//! makes that many rounds and prints nothing about time, for an instruction count that repeats exactly:
//! `valgrind --tool=callgrind target/release/examples/view_cost 1000` divided by 20,000.

#![allow(
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "this measures time and prints it"
)]

use std::{hint::black_box, time::Instant};

use cordboard_sip::View;

#[path = "../tests/typical/mod.rs"]
mod typical;

/// Reads what a proxy or a transaction layer asks of every message.
fn read(bytes: &[u8]) {
    let parsed = View::parse(black_box(bytes));
    let view = parsed.as_ref().expect("a typical message is well-formed");
    black_box((view.method(), view.request_uri(), view.status()));
    black_box(view.top_via());
    black_box((view.from_tag(), view.to_tag()));
    black_box(view.call_id());
    black_box(view.cseq());
    black_box(view.top_route());
    black_box(view.max_forwards());
    black_box(view.contact());
}

fn rounds(count: u32) {
    for _ in 0..count {
        for (_, bytes) in typical::MESSAGES {
            read(bytes);
        }
    }
}

fn main() {
    if let Some(count) = std::env::args().nth(1) {
        rounds(count.parse().expect("a number of rounds"));
        return;
    }
    let mut batches: Vec<f64> = (0..500)
        .map(|_| {
            let start = Instant::now();
            rounds(50);
            start.elapsed().as_nanos() as f64 / 50.0 / typical::MESSAGES.len() as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    println!("{:.0} ns a message at best, {:.0} in the median", batches[0], batches[batches.len() / 2]);
}
