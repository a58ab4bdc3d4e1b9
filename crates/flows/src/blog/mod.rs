//! Two flows that people who learn SIP ask about: transfers whose transferee ends the old call, or holds it meanwhile.

pub mod b000_transferred_by_refer;
pub mod b001_target_not_found;
