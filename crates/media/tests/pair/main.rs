//! Two sessions back to back in virtual time: who hears whom, in all weathers.

mod calls;
mod storms;
mod world;
