//! Sessions that last as long as somebody refreshes them (RFC 4028).

pub mod s07_refresh;
pub mod s10_nobody_refreshes;
