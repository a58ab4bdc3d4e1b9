//! Two answers that RFC 3261 makes a caller ready for, and that its example flows do not draw.

pub mod s09_01_200_after_cancel;
pub mod s13_02_02_04_two_200s;
