//! RFC 5589, Session Initiation Protocol (SIP) Call Control - Transfer: one flow a figure.

pub mod scene;

pub mod fig01_basic;
pub mod fig02_dialog_reuse;
pub mod fig03_target_busy;
pub mod fig04_no_answer;
pub mod fig05_consultation_exposed;
pub mod fig06_consultation_protected;
pub mod fig07_attended;
pub mod fig08_without_refer;
pub mod fig09_contact_not_routable;
pub mod fig10_address_screened;
pub mod fig11_semi_attended;
pub mod fig12_semi_attended_as_blind;
pub mod fig13_semi_attended_as_attended;
pub mod fig14_fallback_required;
pub mod fig15_fallback;
pub mod fig16_referred_by;
pub mod fig17_conference;
pub mod fig18_several_parties;
