//! Calls whose provisional responses are reliable (RFC 3262).

pub mod s05_delayed_offer;
pub mod s05_early_media;
