//! The numbers of the requests that one side sends and the other is shown: `CSeq` (RFC 3261 §12.2.1.1, §12.2.2).
//!
//! Requests of ours stand between those of the sender. Whatever it sends afterwards is shown with a higher number, and what
//! comes back with its own.

use cordboard_sip::Method;
use std::collections::VecDeque;

/// REFERs of one side whose numbers are remembered, for the NOTIFYs that name them (RFC 3515 §2.4.6), and INVITEs, for the ACKs
/// that are repeated when another has followed (RFC 3261 §13.2.2.4).
const MAX_REMEMBERED: usize = 16;

/// One direction of a dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The highest that the sender has used.
    sent: u32,
    /// The highest that the recipient was shown.
    shown: u32,
    /// By how much the next is raised.
    offset: u32,
    /// The last INVITEs, as they were sent and as they were shown, for their ACKs and PRACKs.
    invites: VecDeque<(u32, u32)>,
    refers: VecDeque<(u32, u32)>,
}

impl Numbers {
    /// A request passes that had this number; what it is shown with.
    pub(super) fn pass(&mut self, method: Method, cseq: u32) -> u32 {
        if method == Method::Ack {
            return self.of_invite(cseq);
        }
        if cseq > self.sent {
            if cseq.saturating_add(self.offset) <= self.shown {
                self.offset = self.shown + 1 - cseq;
            }
            self.sent = cseq;
            self.shown = cseq.saturating_add(self.offset);
        }
        // One that was overtaken stays below what overtook it, and is refused for it (§12.2.2).
        let shown = cseq.saturating_add(self.offset);
        match method {
            Method::Invite => remember(&mut self.invites, (cseq, shown)),
            Method::Refer => remember(&mut self.refers, (cseq, shown)),
            _ => {}
        }
        shown
    }

    /// The number of a request of ours.
    pub(super) const fn own(&mut self) -> u32 {
        self.shown = self.shown.saturating_add(1);
        self.shown
    }

    /// What the INVITE of this number is shown with.
    pub(super) fn of_invite(&self, cseq: u32) -> u32 {
        shown(&self.invites, cseq)
    }

    /// What the recipient calls a REFER of this number.
    pub(super) fn refer_shown(&self, cseq: u32) -> u32 {
        shown(&self.refers, cseq)
    }

    /// What the sender calls a REFER that the recipient calls by this number.
    pub(super) fn refer_sent(&self, cseq: u32) -> u32 {
        self.refers.iter().find(|(_, shown)| *shown == cseq).map_or(cseq, |(sent, _)| *sent)
    }

    /// Whether the sender has sent a REFER.
    pub(super) fn has_referred(&self) -> bool {
        !self.refers.is_empty()
    }
}

fn remember(requests: &mut VecDeque<(u32, u32)>, request: (u32, u32)) {
    requests.push_back(request);
    if requests.len() > MAX_REMEMBERED {
        requests.pop_front();
    }
}

/// What one of these is shown with; what is not among them, as it came.
fn shown(requests: &VecDeque<(u32, u32)>, cseq: u32) -> u32 {
    requests.iter().rfind(|(sent, _)| *sent == cseq).map_or(cseq, |(_, shown)| *shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cordboard_core::dice::Dice;
    use {Method::*, Numbers as N};

    #[test]
    fn ours_stand_between_theirs() {
        let mut numbers = N::default();
        assert_eq!(numbers.pass(Invite, 7), 7);
        assert_eq!(numbers.pass(Ack, 7), 7);
        assert_eq!((numbers.own(), numbers.own()), (8, 9));
        assert_eq!(numbers.pass(Info, 8), 10);
        assert_eq!(numbers.pass(Invite, 9), 11);
        assert_eq!(numbers.own(), 12);
        assert_eq!(numbers.pass(Update, 10), 13);
        assert_eq!(numbers.pass(Ack, 9), 11, "an ACK has the number of its INVITE");
    }

    /// A 200 that was answered by an ACK which got lost is repeated, also when its sender has been asked something else.
    #[test]
    fn an_ack_that_is_repeated_late_has_the_number_of_its_invite() {
        let mut numbers = N::default();
        numbers.own();
        assert_eq!(numbers.pass(Invite, 1), 2);
        assert_eq!(numbers.pass(Ack, 1), 2);
        numbers.own();
        assert_eq!(numbers.pass(Invite, 2), 4);
        assert_eq!((numbers.pass(Ack, 1), numbers.pass(Ack, 2)), (2, 4));
        for cseq in 3..100 {
            numbers.pass(Invite, cseq);
        }
        assert_eq!(numbers.invites.len(), MAX_REMEMBERED);
    }

    #[test]
    fn whoever_has_sent_nothing_yet_begins_above_ours() {
        let mut numbers = N::default();
        assert_eq!(numbers.own(), 1);
        assert_eq!(numbers.pass(Bye, 1), 2);
        let mut other = N::default();
        other.own();
        assert_eq!(other.pass(Bye, 4711), 4711, "what is above ours already stays as it is");
    }

    #[test]
    fn a_refer_is_called_by_each_side_as_it_knows_it() {
        let mut numbers = N::default();
        numbers.pass(Info, 5);
        numbers.own();
        assert_eq!(numbers.pass(Refer, 6), 7);
        assert_eq!((numbers.refer_shown(6), numbers.refer_sent(7)), (7, 6));
        assert_eq!(numbers.refer_sent(6), 6, "that one is ours");
    }

    /// Whatever the order: new requests are shown with rising numbers, repeats and ACKs with the same.
    #[test]
    fn shown_numbers_rise() {
        for seed in 0..200 {
            let mut dice = Dice::new([seed; 32], 0);
            let mut numbers = N::default();
            let (mut sent, mut last) = (dice.below(100) as u32, 0);
            for _ in 0..50 {
                let shown = if dice.below(3) == 0 {
                    numbers.own()
                } else {
                    sent += 1 + dice.below(3) as u32;
                    let shown = numbers.pass(Invite, sent);
                    assert_eq!(numbers.pass(Ack, sent), shown);
                    shown
                };
                assert!(shown > last, "seed {seed}");
                last = shown;
            }
        }
    }
}
