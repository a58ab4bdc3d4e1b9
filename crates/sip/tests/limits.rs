//! The named bounds: the largest message that is taken, and the clear refusal of the next larger one.

use cordboard_sip::{
    Builder, Name, Reject, RejectWhy, Status, View,
    limits::{MAX_HEADER_LEN, MAX_HEADERS, MAX_MESSAGE, MAX_START_LINE},
};

/// Header lines that [`message`] writes by itself.
const LINES: usize = 7;

fn message(uri_length: usize, more: impl FnOnce(Builder) -> Builder, body: usize) -> Vec<u8> {
    let builder = Builder::request("OPTIONS", format!("sip:{}", "a".repeat(uri_length)))
        .line(Name::VIA, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1")
        .line(Name::FROM, "<sip:alice@example.com>;tag=a")
        .line(Name::TO, "<sip:bob@example.com>")
        .line(Name::CALL_ID, "1@192.0.2.1")
        .line(Name::CSEQ, "1 OPTIONS");
    more(builder).body("text/plain", &vec![b'x'; body]).to_vec()
}

fn refused(bytes: &[u8]) -> (RejectWhy, Option<Status>) {
    let reject: Reject = View::parse(bytes).expect_err("beyond the bound");
    let reply = reject.reply(bytes, ([192, 0, 2, 1], 5060).into()).expect("an answer");
    assert_eq!(View::parse(&reply).expect("a whole answer").status(), reject.status());
    (reject.why, reject.status())
}

#[test]
fn message_size() {
    let head = message(10, |b| b, 60_000).len() - 60_000;
    let largest = message(10, |b| b, MAX_MESSAGE - head);
    assert_eq!(View::parse(&largest).unwrap().bytes().len(), MAX_MESSAGE);
    let larger = message(10, |b| b, MAX_MESSAGE - head + 1);
    assert_eq!(refused(&larger), (RejectWhy::MessageTooLong, Some(Status::MESSAGE_TOO_LARGE)));
}

#[test]
fn header_count() {
    let with = |count: usize| message(10, |b| (0..count).fold(b, |b, i| b.other_line("X", i)), 0);
    assert_eq!(View::parse(&with(MAX_HEADERS - LINES)).unwrap().lines().count(), MAX_HEADERS);
    let more = with(MAX_HEADERS - LINES + 1);
    assert_eq!(refused(&more), (RejectWhy::TooManyHeaders, Some(Status::MESSAGE_TOO_LARGE)));
}

#[test]
fn header_length() {
    let with = |length: usize| message(10, |b| b.other_line("X", "x".repeat(length - "X: ".len())), 0);
    assert!(View::parse(&with(MAX_HEADER_LEN)).is_ok());
    assert_eq!(
        refused(&with(MAX_HEADER_LEN + 1)),
        (RejectWhy::HeaderTooLong, Some(Status::MESSAGE_TOO_LARGE))
    );
}

#[test]
fn a_name_longer_than_a_byte_counts_is_kept() {
    let name = "X".repeat(300);
    let bytes = message(10, |b| b.other_line(&name, "y"), 0);
    let view = View::parse(&bytes).unwrap();
    assert_eq!(view.named(&name).map(|line| line.value).collect::<Vec<_>>(), ["y"]);
}

#[test]
fn start_line_length() {
    let fixed = "OPTIONS sip: SIP/2.0".len();
    assert!(View::parse(&message(MAX_START_LINE - fixed, |b| b, 0)).is_ok());
    let longer = message(MAX_START_LINE - fixed + 1, |b| b, 0);
    assert_eq!(refused(&longer), (RejectWhy::StartLineTooLong, Some(Status::REQUEST_URI_TOO_LONG)));
}
