//! Who is shown whom one talks to (RFC 4916).

pub mod after_a_transfer;
pub mod s05_01_after_the_answer;
