//! `bench-allocations`: allocations a message for each contender, as one line of JSON.
//!
//! A binary of its own, for it brings an allocator that counts.

use allocation_counter::measure;
use bench_parser::contender::Contender;
use bench_parser::messages::TYPICAL;

fn main() -> anyhow::Result<()> {
    let counts = Contender::ALL.map(|contender| {
        // Whatever is set up on first use is not the message's.
        read_all(contender);
        let counted = measure(|| read_all(contender));
        counted.count_total as f64 / TYPICAL.len() as f64
    });
    println!("{}", serde_json::to_string(&counts)?);
    Ok(())
}

fn read_all(contender: Contender) {
    for message in TYPICAL {
        contender.work(message.bytes);
    }
}
