//! RFC 3665, Session Initiation Protocol (SIP) Basic Call Flow Examples.
//!
//! The drawings follow the RFC's lists as `data/rfc3665.json` corrects them; each flow's test holds what passed against
//! both. What a flow is told beforehand, such as who is registered, happens before its first page.

pub mod scene;

pub mod s02_01_new_registration;
pub mod s02_02_update_of_contact_list;
pub mod s02_03_request_for_contact_list;
pub mod s02_04_cancellation_of_registration;
pub mod s02_05_unsuccessful_registration;
pub mod s03_01_session_establishment;
pub mod s03_02_through_two_proxies;
pub mod s03_03_multiple_proxy_authentication;
pub mod s03_04_proxy_failure;
pub mod s03_05_through_an_alg;
pub mod s03_06_redirect_and_proxy;
pub mod s03_07_reinvite_with_address_change;
pub mod s03_08_no_answer;
pub mod s03_09_busy;
pub mod s03_10_no_response;
pub mod s03_11_temporarily_unavailable;

/// Holds the page of a stage against the RFC's list of a flow.
#[cfg(test)]
#[track_caller]
pub(crate) fn agrees(stage: &crate::Stage, section: &str) {
    crate::golden::agrees(stage, &format!("3665-{section}"));
}
