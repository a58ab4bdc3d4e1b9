//! What an operator sees and does of calls, over HTTP and by `ctl`: a demo switchboard and telephones, each a process of
//! its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calls;
mod description;
mod events;
mod operator;
#[path = "../phone/programs.rs"]
#[expect(dead_code, reason = "telephones do less here than in their own tests")]
mod programs;
