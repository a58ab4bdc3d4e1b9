//! A session that changes before it is answered (RFC 3311).

pub mod s08_hold_before_the_answer;
