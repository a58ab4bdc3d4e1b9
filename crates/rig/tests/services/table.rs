//! Which test shows which service with which phone that we did not write.

use std::collections::BTreeSet;
use std::path::Path;

/// The phones; `SIPp` is a caller that has only what its script says.
const PHONES: [&str; 3] = ["linphone", "baresip", "SIPp"];

/// The service, the phone, what part it has, and the test.
#[rustfmt::skip]
const SHOWN: &[(&str, &str, &str, &str)] = &[
    ("music",      "linphone", "is held with it",                      "sounding::who_is_held_hears_music"),
    // It knows no Replaces, so that no server plays to it in the place of whoever holds it.
    ("music",      "baresip",  "hears it while it is parked",          "sounding::who_is_parked_hears_music"),
    ("music",      "SIPp",     "is held with it",                      "sounding::sipp_is_held_with_music"),
    ("park",       "linphone", "parks, is parked, dials the slot",     "parking::by_transfer_to_a_slot_and_by_dialling_it"),
    ("park",       "baresip",  "parks, is parked, dials the slot",     "bridging::linphone_waits_and_baresip_dials_the_slot"),
    ("park",       "SIPp",     "is parked, dials the slot",            "strangers::sipp_is_parked"),
    ("forwarding", "linphone", "calls, forwards, is forwarded to",     "forwarding::when_busy_by_the_switchboard"),
    ("forwarding", "baresip",  "calls, forwards, is forwarded to",     "forwarding::when_nobody_answers_by_the_caller"),
    ("forwarding", "SIPp",     "calls",                                "forwarding::always_by_the_caller"),
    ("codes",      "linphone", "forwards and takes back",              "codes::calls_are_forwarded_and_taken_back"),
    ("codes",      "baresip",  "forwards and takes back",              "codes::calls_are_forwarded_and_taken_back"),
    ("codes",      "SIPp",     "calls who forwards",                   "codes::calls_are_forwarded_and_taken_back"),
    ("find-me",    "linphone", "calls, is passed over, is found",      "finding::in_sequence"),
    ("find-me",    "baresip",  "calls, is passed over, is found",      "finding::at_the_same_time"),
    ("find-me",    "SIPp",     "calls",                                "finding::in_sequence"),
    ("screening",  "linphone", "refuses, is refused, hears why",       "screening::callers_are_refused_by_name"),
    ("screening",  "baresip",  "refuses, is refused, hears why",       "sounding::who_is_refused_hears_why"),
    ("screening",  "SIPp",     "is refused, calls the announcement",   "sounding::who_is_refused_hears_why"),
    ("pickup",     "linphone", "picks up by a code, is taken over",    "picking::by_replaces"),
    ("pickup",     "baresip",  "picks up by a code",                   "strangers::sipp_is_picked_up"),
    ("pickup",     "SIPp",     "is picked up",                         "strangers::sipp_is_picked_up"),
    ("conference", "linphone", "is called into one of five",           "among::a_conference_of_five"),
    ("conference", "baresip",  "is called into one of five",           "among::a_conference_of_five"),
    ("conference", "SIPp",     "joins a call",                         "among::sipp_joins_a_call"),
    ("lamps",      "linphone", "is watched",                           "among::a_lamp_shows_every_step"),
    ("lamps",      "baresip",  "calls whoever is watched",             "among::a_lamp_shows_every_step"),
    ("lamps",      "SIPp",     "watches",                              "among::a_lamp_shows_every_step"),
    ("operator",   "linphone", "is held, resumed, sent on and ended",  "operating::baresip_and_linphone_are_handled"),
    ("operator",   "baresip",  "is held, resumed, sent on and ended",  "operating::linphone_and_baresip_are_handled"),
    ("rooms",      "linphone", "dials in and is called in",            "rooms::a_room_of_three_and_of_five"),
    ("rooms",      "baresip",  "dials in",                             "rooms::a_room_of_three_and_of_five"),
    ("rooms",      "SIPp",     "watches",                              "rooms::a_room_of_three_and_of_five"),
    ("redial",     "linphone", "asks for it by a code, is waited for", "redialling::by_a_dialled_code"),
    ("redial",     "baresip",  "asks for it by a code, is waited for", "redialling::by_a_dialled_code"),
];

/// What is shown with the other two only: what an operator handles, or a redial server calls, are telephones.
const WITHOUT: [(&str, &str); 2] = [("operator", "SIPp"), ("redial", "SIPp")];

#[test]
fn every_service_is_shown_with_every_phone() {
    let services: BTreeSet<&str> = SHOWN.iter().map(|(service, ..)| *service).collect();
    for service in services {
        for phone in PHONES {
            let is_shown = SHOWN.iter().any(|(other, with, ..)| (*other, *with) == (service, phone));
            assert!(is_shown != WITHOUT.contains(&(service, phone)), "{service} with {phone}");
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services");
    for (service, phone, _, test) in SHOWN {
        let (file, name) = test.split_once("::").expect("a file and a test");
        let text = std::fs::read_to_string(folder.join(file).with_extension("rs")).expect("it can be read");
        let exists = text.contains(&format!("#[test]\nfn {name}("));
        assert!(exists, "{service} with {phone} is shown by no test called {test}");
    }
}
