//! The numbers of requests, in any run: doctored ones are told, and what the wire leaves open is not.

use crate::run::Run;
use bytes::Bytes;
use cordboard_flows::golden;
use cordboard_flows::judge::numbers;

/// Alice hands Bob over, by a switchboard: F5 is her REFER, F9 her BYE, and `F9+` that on its way to him.
fn relayed() -> Run {
    Run::of("5359-2.4").relayed("switchboard")
}

/// Holds that the numbers of a run are wrong in just these ways.
#[track_caller]
fn counts(run: &Run, wanted: &[&str]) {
    let told: Vec<String> = numbers(&run.observed()).iter().map(ToString::to_string).collect();
    assert_eq!(told, wanted);
}

/// The BYE on its second hop once more, as if it had been forgotten, with another number if one is given.
fn bye_again(run: &Run, number: u32) -> Bytes {
    let text = String::from_utf8(run.bytes("F9+").to_vec()).unwrap();
    let again = text.replacen("proxy\r\n", "proxyagain\r\n", 1);
    assert_ne!(text, again);
    Bytes::from(again.replace("CSeq: 102", &format!("CSeq: {number}")))
}

#[test]
fn every_golden_flow_counts() {
    for flow in golden::all() {
        counts(&Run::of(&flow.id), &[]);
        counts(&Run::of(&flow.id).relayed("switchboard"), &[]);
    }
}

/// As the first hop of who has raised the number of a request, and sent its response back as it came.
#[test]
fn a_response_bears_the_number_of_its_request() {
    let raised = relayed().edit("F9+", "CSeq: 102", "CSeq: 110").edit("F10", "CSeq: 102", "CSeq: 110");
    counts(&raised, &[]);
    counts(
        &raised.edit("F10+", "CSeq: 102", "CSeq: 110"),
        &["message 20 (200 OK to BYE switchboard -> alice) bears the number 110, and its request 102"],
    );
    counts(
        &relayed().drop(&["F9+"]),
        &["message 18 (200 OK to BYE bob -> switchboard) answers nothing that was seen"],
    );
}

#[test]
fn the_numbers_of_one_side_rise() {
    for (number, wanted) in [
        (100, "bears 100, which is not above the 101 of the request before it"),
        (101, "bears 101 as a request before it does"),
    ] {
        let other = format!("CSeq: {number}");
        counts(
            &relayed().edit("F9+", "CSeq: 102", &other).edit("F10", "CSeq: 102", &other),
            &[&format!("message 18 (BYE switchboard -> bob) {wanted}")],
        );
    }
}

/// Who was overtaken on the hop before keeps its place, for its recipient to see it.
#[test]
fn what_was_overtaken_stays_below() {
    let overtaken = relayed().before("F9", "F5+").before("F9+", "F5+");
    counts(&overtaken, &[]);
    counts(
        &overtaken.edit("F5+", "CSeq: 101", "CSeq: 103").edit("F6", "CSeq: 101", "CSeq: 103"),
        &["message 12 (REFER switchboard -> bob) was overtaken, and bears 103, which is not below 102"],
    );
}

/// What is repeated after its transaction is forgotten goes on in another, with the number that it had.
#[test]
fn a_repeat_has_the_number_that_it_had() {
    let run = relayed();
    let again = |number| relayed().with("F9++", "switchboard", "bob", bye_again(&run, number));
    counts(&again(102), &[]);
    let last = run.observed().messages.len() + 1;
    counts(
        &again(103),
        &[&format!("message {last} (BYE switchboard -> bob) is a repeat, and bears 103 instead of 102")],
    );
}

#[test]
fn an_ack_has_the_number_of_an_invite() {
    counts(
        &relayed().edit("F4+", "CSeq: 1 ACK", "CSeq: 5 ACK"),
        &["message 8 (ACK switchboard -> alice) bears the number 5 of no INVITE"],
    );
}
