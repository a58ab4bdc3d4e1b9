//! The refer usage of a dialog (RFC 3515): somebody asks somebody else to call a third, and is told how that goes.
//!
//! [`issuer`] is whoever sent the REFER, [`recipient`] whoever acts on it. In a transfer (RFC 5589 §2) the first is the
//! transferor and the second the transferee.

pub mod issuer;
pub mod recipient;
