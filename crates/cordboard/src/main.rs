//! `cordboard`: switchboard, telephone and analyser in one binary.

fn main() {}
