//! What a proxy hop costs once the message is parsed: six edits and one new buffer.
//!
//! Run as `view_cost`; with a number of rounds it is for `valgrind --tool=callgrind`, and a round is one INVITE.

#![allow(
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "this measures time and prints it"
)]

use std::{hint::black_box, time::Instant};

use cordboard_sip::{Edits, Name, View};

#[path = "../tests/typical/mod.rs"]
mod typical;

fn hop(view: &View<'_>, edits: &mut Edits) {
    edits.clear();
    if let Some(route) = view.values(Name::ROUTE).next() {
        edits.remove_value(view, &route);
    }
    edits.set_request_uri(view, "sip:alice@192.0.2.101:5060;transport=udp");
    edits.set_received(view, std::net::Ipv4Addr::new(192, 0, 2, 201).into());
    edits.set_rport(view, 5062);
    edits.push_line(view, Name::VIA, "SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKproxy");
    edits.push_line(view, Name::RECORD_ROUTE, "<sip:203.0.113.1;lr>");
    edits.set_value(view, Name::MAX_FORWARDS, 69);
    black_box(edits.apply(view));
}

fn main() {
    let (_, bytes) = typical::MESSAGES[10];
    let view = View::parse(bytes).expect("a typical message is well-formed");
    let mut edits = Edits::new();
    if let Some(count) = std::env::args().nth(1) {
        for _ in 0..count.parse().expect("a number of rounds") {
            hop(black_box(&view), &mut edits);
        }
        return;
    }
    let mut batches: Vec<f64> = (0..500)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..1_000 {
                hop(black_box(&view), &mut edits);
            }
            start.elapsed().as_nanos() as f64 / 1_000.0
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    println!("{:.0} ns a hop at best, {:.0} in the median", batches[0], batches[batches.len() / 2]);
}
