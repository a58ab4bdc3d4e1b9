//! `bench-floor --port P --caller A --answerer B`: forwards until it is ended.

use bench_floor::Floor;
use clap::Parser;

#[derive(Parser)]
#[command(about = "Forwards every datagram unread between two loopback ports")]
struct Cli {
    #[command(flatten)]
    floor: Floor,
}

fn main() -> std::io::Result<()> {
    Cli::parse().floor.run()
}
