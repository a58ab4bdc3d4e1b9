//! RFC 5359, Session Initiation Protocol Service Examples.

pub mod scene;

pub mod s02_01_call_hold;
pub mod s02_02_consultation_hold;
pub mod s02_03_music_on_hold;
pub mod s02_04_transfer_unattended;
pub mod s02_05_transfer_attended;
pub mod s02_06_transfer_instant_messaging;
pub mod s02_07_forwarding_unconditional;
pub mod s02_08_forwarding_busy;
pub mod s02_09_forwarding_no_answer;
pub mod s02_10_third_party_added;
pub mod s02_11_third_party_joins;
pub mod s02_12_find_me;
pub mod s02_13_incoming_screening;
pub mod s02_14_outgoing_screening;
pub mod s02_15_call_park;
pub mod s02_16_call_pickup;
pub mod s02_17_automatic_redial;
pub mod s02_18_click_to_dial;
