//! The subscription usage of a dialog (RFC 6665): watching something, as several small tables.
//!
//! [`subscriber`] is the side that watches, whether it asked by SUBSCRIBE or got the subscription with
//! a REFER (RFC 3515 §2.4.4); [`notifier`] the side that is watched, and [`notify`] its NOTIFYs, one
//! at a time. [`duration`] says how long a subscription lasts and when to refresh it, [`failure`] what
//! a failed request inside it ends, and [`again`] whether to subscribe again after the end.

pub mod again;
pub mod duration;
pub mod failure;
pub mod notifier;
pub mod notify;
pub mod subscriber;
