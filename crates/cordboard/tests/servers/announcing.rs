//! Why a call is refused, to be listened to: RFC 5359 §2.13 and §2.14.

use cordboard_service::call::CallEvent;

use crate::office::{DOMAIN, Office, at};

const SAID: &str = "[announcements]\nscreened_in = \"sorry\"\nscreened_out = \"built-in\"\n\
     [[announcement]]\nname = \"sorry\"\nfile = \"1200.wav\"\n";

/// The stranger is told where it is said, calls there, hears it to its end, and is alone again.
#[test]
fn who_is_refused_hears_why() {
    let office =
        Office::open_with(SAID, "screen = { deny_from = [\"*@elsewhere.test\"], deny_to = [\"bob\"] }");
    let mut eve = office.stranger("eve", 660);
    let call = eve.dials(&at("alice"));
    let told = eve.tells("where to hear why", |event| matches!(event, CallEvent::ErrorInfo(..)));
    let CallEvent::ErrorInfo(_, uris) = told else { unreachable!("waited for it") };
    assert_eq!(*uris[0], *format!("sip:sorry@{DOMAIN}"));
    assert_eq!(eve.ends(call), Some(403));
    let listens = eve.dials(&uris[0]);
    eve.is_up(listens);
    eve.hears(listens, 1200);
    assert_eq!(eve.ends(listens), None, "the server hangs up");
}

#[test]
fn who_may_not_call_somebody_hears_so_too() {
    let office = Office::open_with(SAID, "screen = { deny_from = [], deny_to = [\"bob\"] }");
    let mut alice = office.phone("alice", 660);
    let call = alice.dials(&at("bob"));
    let told = alice.tells("where to hear why", |event| matches!(event, CallEvent::ErrorInfo(..)));
    let CallEvent::ErrorInfo(_, uris) = told else { unreachable!("waited for it") };
    assert_eq!(*uris[0], *format!("sip:screened-out@{DOMAIN}"));
    alice.ends(call);
    let listens = alice.dials(&uris[0]);
    alice.is_up(listens);
    assert_eq!(alice.ends(listens), None);
    let nobody = alice.dials(&at("announcements"));
    assert_eq!(alice.ends(nobody), Some(404), "there is nothing to be heard there");
}
