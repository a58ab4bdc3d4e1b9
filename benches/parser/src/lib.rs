//! Cordboard's parser beside its rivals: the same eight fields of the same twenty messages.
//!
//! The eight are what a server needs before it can do anything with a message: method, Request-URI,
//! top Via and its branch, From and To tags, Call-ID, `CSeq`. Each [`contender`] reads them with its
//! own types in the cheapest way that its interface offers, and [`check`] insists that all read the
//! same. Two binaries measure: `bench-parser` nanoseconds and instructions, `bench-allocations` the
//! allocations, because its counting allocator would be in the way of the other two.

pub mod check;
pub mod contender;
pub mod fields;
pub mod messages;
