//! RFC 5589, Session Initiation Protocol (SIP) Call Control - Transfer: what becomes of a transfer that fails, and of
//! one whose target is asked first.

pub mod s06_03_01_target_busy;
pub mod s06_03_02_no_answer;
pub mod s07_01_consultation_protected;
