//! A dialog written down, so that another process goes on with it (RFC 3261 §12: "dialog state").

use super::{Dialog, DialogId, MAX_ROUTES, State};
use cordboard_sip::Malformed;
use cordboard_sip::header::{CallId, NameAddrRef};
use cordboard_sip::{UriRef, header::Tag};
use serde::{Deserialize, Serialize};

/// How many numbers are left out when a dialog is taken up: those of requests that were sent after it was written down.
/// Gaps are legal (RFC 3261 §12.2.2), so that a request need not wait until its number is kept.
pub const CSEQ_MARGIN: u32 = 1_000;

/// `CSeq` numbers are below 2^31 (RFC 3261 §8.1.1.5).
const MAX_CSEQ: u32 = 1 << 31;

/// One end of a confirmed dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    /// The Call-ID.
    pub call_id: Box<str>,
    /// Our tag.
    pub local_tag: Box<str>,
    /// The other side's tag; empty for a peer of RFC 2543.
    pub remote_tag: Box<str>,
    /// From of what we send.
    pub local: Box<str>,
    /// To of what we send.
    pub remote: Box<str>,
    /// The remote target.
    pub target: Box<str>,
    /// The route set, in the order in which our requests pass it.
    pub routes: Vec<Box<str>>,
    /// The `CSeq` number of the last request that we sent.
    pub local_seq: u32,
    /// That of the last that came.
    pub remote_seq: Option<u32>,
    /// That of the request that created it.
    pub created_by: u32,
}

impl Written {
    /// Whether both say the same, but for how many requests have passed since one of them was written.
    pub fn is_as_good_as(&self, newer: &Self) -> bool {
        let same =
            Self { local_seq: newer.local_seq, remote_seq: newer.remote_seq, ..self.clone() } == *newer;
        same && newer.local_seq.saturating_sub(self.local_seq) < CSEQ_MARGIN / 2
    }
}

impl Dialog {
    /// What has to be known to go on with it; nothing of one that is not confirmed.
    pub fn written(&self) -> Option<Written> {
        (self.state == State::Confirmed).then(|| Written {
            call_id: self.id.call_id.clone(),
            local_tag: self.id.local_tag.clone(),
            remote_tag: self.id.remote_tag.clone(),
            local: self.local.clone(),
            remote: self.remote.clone(),
            target: self.target.clone(),
            routes: self.routes.to_vec(),
            local_seq: self.local_seq,
            remote_seq: self.remote_seq,
            created_by: self.created_by,
        })
    }

    /// Goes on with a dialog; the next request has a number that is certainly higher than any before.
    ///
    /// # Errors
    /// What is written is no dialog.
    pub fn take_up(written: &Written) -> Result<Self, Malformed> {
        CallId::new(&written.call_id)?;
        Tag::new(&written.local_tag)?;
        if !written.remote_tag.is_empty() {
            Tag::new(&written.remote_tag)?;
        }
        end(&written.local, &written.local_tag)?;
        end(&written.remote, &written.remote_tag)?;
        one_line(&written.target)?;
        UriRef::parse(&written.target)?;
        if written.routes.len() > MAX_ROUTES {
            return Err(Malformed::new("the route set has more elements than a request can pass"));
        }
        for route in &written.routes {
            one_line(route)?;
            NameAddrRef::parse(route)?.uri()?;
        }
        let numbers = [Some(written.local_seq.saturating_add(CSEQ_MARGIN)), written.remote_seq];
        if numbers.into_iter().flatten().chain([written.created_by]).any(|number| number >= MAX_CSEQ) {
            return Err(Malformed::new("a CSeq number is 2^31 or more"));
        }
        Ok(Self {
            id: DialogId {
                call_id: written.call_id.clone(),
                local_tag: written.local_tag.clone(),
                remote_tag: written.remote_tag.clone(),
            },
            state: State::Confirmed,
            local: written.local.clone(),
            remote: written.remote.clone(),
            target: written.target.clone(),
            routes: written.routes.clone().into(),
            local_seq: written.local_seq + CSEQ_MARGIN,
            remote_seq: written.remote_seq,
            created_by: written.created_by,
            routes_open: false,
        })
    }
}

/// An address with the tag of its end.
fn end(address: &str, tag: &str) -> Result<(), Malformed> {
    one_line(address)?;
    let address = NameAddrRef::parse(address)?;
    address.uri()?;
    if address.params().get("tag").unwrap_or_default() == tag {
        Ok(())
    } else {
        Err(Malformed::new("an address of the dialog has another tag than the dialog"))
    }
}

/// What goes into a header as it is must not end it.
fn one_line(text: &str) -> Result<(), Malformed> {
    if text.contains(|char: char| char.is_ascii_control() && char != '\t') {
        return Err(Malformed::new("a value of the dialog has control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> Written {
        Written {
            call_id: "c1".into(),
            local_tag: "a1".into(),
            remote_tag: "b1".into(),
            local: "Alice <sip:alice@example.com>;tag=a1".into(),
            remote: "<sip:bob@example.com>;tag=b1".into(),
            target: "sip:bob@192.0.2.4".into(),
            routes: vec!["<sip:p1;lr>".into(), "<sip:p2;lr>".into()],
            local_seq: 7,
            remote_seq: Some(3),
            created_by: 7,
        }
    }

    #[test]
    fn what_is_taken_up_is_the_dialog_that_was_written() {
        let mut dialog = Dialog::take_up(&written()).unwrap();
        assert_eq!(dialog.state(), State::Confirmed);
        assert_eq!((dialog.id().remote_tag.as_ref(), dialog.target()), ("b1", "sip:bob@192.0.2.4"));
        assert_eq!(&*dialog.way().next_hop, "sip:p1;lr");
        assert_eq!(dialog.next_cseq(), 7 + CSEQ_MARGIN + 1, "no number is used twice");
        let again = dialog.written().unwrap();
        assert_eq!(Written { local_seq: 7, ..again }, written());
    }

    /// §12.2.2: numbers only have to rise, so that not each request is a reason to write.
    #[test]
    fn a_few_requests_more_are_no_reason_to_write_it_down_anew() {
        let old = written();
        let newer = |local_seq| Written { local_seq, remote_seq: Some(99), ..written() };
        assert!(old.is_as_good_as(&newer(8)));
        assert!(!old.is_as_good_as(&newer(7 + CSEQ_MARGIN)));
        assert!(!old.is_as_good_as(&Written { target: "sip:bob@192.0.2.5".into(), ..written() }));
    }

    #[test]
    fn an_early_dialog_is_not_written() {
        let mut dialog = Dialog::take_up(&written()).unwrap();
        dialog.advance(crate::dialog::state::Input::Bye);
        assert_eq!(dialog.written(), None);
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let damaged = [
            Written { call_id: "two words".into(), ..written() },
            Written { call_id: "".into(), ..written() },
            Written { local_tag: "a2".into(), ..written() },
            Written { remote_tag: "b;1".into(), ..written() },
            Written { remote: "<sip:bob@example.com;tag=b1".into(), ..written() },
            Written { local: "<sip:alice@example.com>\r\nVia: x;tag=a1".into(), ..written() },
            Written { target: "bob".into(), ..written() },
            Written { target: "sip:bob@192.0.2.4\r\nVia: x".into(), ..written() },
            Written { routes: vec!["<sip:p1".into()], ..written() },
            Written { routes: vec!["<sip:p1;lr>".into(); MAX_ROUTES + 1], ..written() },
            Written { local_seq: u32::MAX, ..written() },
            Written { remote_seq: Some(1 << 31), ..written() },
        ];
        for damaged in damaged {
            assert!(Dialog::take_up(&damaged).is_err(), "{damaged:?}");
        }
    }
}
