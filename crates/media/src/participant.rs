//! Who else takes part: a bounded table of sources (RFC 3550 §6.2.1, §8.2).

use cordboard_core::time::Instant;
use std::net::SocketAddr;
use std::time::Duration;

use crate::reception::Reception;
use crate::rtcp::{ReportBlock, middle, to_units};

/// Most sources that are known at a time; a stranger has to wait for a place.
pub const MAX_PARTICIPANTS: usize = 16;

/// Longest CNAME that is kept is what fits its field.
const MAX_CNAME: usize = 255;

/// How long a source keeps its address, and its place in our ear, without a packet. After that another
/// address may take it up, and another source be heard.
pub const ABSENCE: Duration = Duration::from_millis(500);

/// How long an address that used our own name is remembered: about ten reports (§8.2).
const CONFLICT: Duration = Duration::from_secs(50);

/// Most such addresses.
const MAX_CONFLICTS: usize = 4;

/// How long packets may straggle after a goodbye (§6.2.1). Who sends after that did not mean it.
const STRAGGLING: Duration = Duration::from_secs(2);

/// Somebody else.
#[derive(Clone, Debug)]
pub struct Participant {
    /// Its name in packets.
    pub ssrc: u32,
    /// Where its RTP comes from, once it came.
    pub from: Option<SocketAddr>,
    /// What arrived of its RTP.
    pub reception: Option<Reception>,
    /// Its name in reports.
    pub cname: Option<Vec<u8>>,
    /// Whether it comes from the host that the session description names.
    is_expected: bool,
    /// When it said goodbye: stragglers are not heard.
    left: Option<Instant>,
    /// When anything came last.
    pub last_heard: Instant,
    /// When RTP came last.
    pub last_sound: Option<Instant>,
    /// The middle of the time in its last report, and when that arrived.
    last_report: Option<(u32, Instant)>,
    /// Whether RTP came since our last report.
    sent_since_report: bool,
}

impl Participant {
    fn new(ssrc: u32, now: Instant, is_expected: bool) -> Self {
        Self {
            ssrc,
            from: None,
            reception: None,
            cname: None,
            is_expected,
            left: None,
            last_heard: now,
            last_sound: None,
            last_report: None,
            sent_since_report: false,
        }
    }

    /// Whether it is proved: by packets in a row, or by a name (§6.2.1).
    pub fn is_valid(&self) -> bool {
        self.cname.is_some() || self.reception.as_ref().is_some_and(Reception::is_proved)
    }

    /// Whether it said goodbye.
    pub const fn has_left(&self) -> bool {
        self.left.is_some()
    }

    /// It says goodbye from `from`; `true` unless it had before. From where its RTP does not come from nobody
    /// can say it (§8.2).
    pub fn leaves(&mut self, now: Instant, from: SocketAddr) -> bool {
        let is_its_own = self.from.is_none_or(|known| known.ip() == from.ip());
        if is_its_own && !self.has_left() {
            self.left = Some(now);
            return true;
        }
        false
    }

    /// RTP came from `from`. `false` if that is another address than the one that it still comes from, or if
    /// it has only just left.
    pub fn sounds(&mut self, now: Instant, from: SocketAddr) -> bool {
        if self.left.is_some_and(|left| now - left <= STRAGGLING) {
            return false;
        }
        let is_absent = self.last_sound.is_none_or(|last| now - last > ABSENCE);
        if self.from != Some(from) && !is_absent {
            return false;
        }
        self.left = None;
        self.from = Some(from);
        self.last_heard = now;
        self.last_sound = Some(now);
        true
    }

    /// Its RTP was valid and counts for the next report.
    pub fn counted(&mut self) {
        self.sent_since_report = true;
    }

    /// Its sender report came.
    pub fn reported(&mut self, now: Instant, ntp: u64) {
        self.last_report = Some((middle(ntp), now));
    }

    /// Takes its CNAME.
    pub fn named(&mut self, cname: &[u8]) {
        self.cname = Some(cname[..cname.len().min(MAX_CNAME)].to_vec());
    }

    /// What our report says of it; nothing if nothing was heard since the last one (§6.4).
    fn block(&mut self, now: Instant) -> Option<ReportBlock> {
        if !std::mem::take(&mut self.sent_since_report) {
            return None;
        }
        let statistics = self.reception.as_mut()?.report();
        let (last_report, delay) =
            self.last_report.map_or((0, 0), |(middle, arrived)| (middle, to_units(now - arrived)));
        Some(ReportBlock { ssrc: self.ssrc, statistics, last_report, delay })
    }
}

/// Everybody else, and who used our name.
#[derive(Clone, Debug, Default)]
pub struct Participants {
    all: Vec<Participant>,
    conflicts: Vec<(SocketAddr, Instant)>,
}

impl Participants {
    /// The one called `ssrc`, who gets a place if there is one. The place of who is not proved, or has left,
    /// is free; for who comes from where it `is_expected` so is that of who does not, and never the other way
    /// round. The one who has been silent longest goes. `None` if there is no place.
    pub fn entry(&mut self, now: Instant, ssrc: u32, is_expected: bool) -> Option<&mut Participant> {
        let at = match self.all.iter().position(|known| known.ssrc == ssrc) {
            Some(at) => at,
            None if self.all.len() < MAX_PARTICIPANTS => {
                self.all.push(Participant::new(ssrc, now, is_expected));
                self.all.len() - 1
            }
            None => {
                let may_go = |known: &Participant| match (is_expected, known.is_expected) {
                    (true, false) => true,
                    (false, true) => false,
                    (true, true) | (false, false) => !known.is_valid() || known.has_left(),
                };
                let leaving = self.all.iter().enumerate().filter(|(_, known)| may_go(known));
                let (at, _) = leaving.min_by_key(|(_, known)| (known.is_expected, known.last_heard))?;
                self.all[at] = Participant::new(ssrc, now, is_expected);
                at
            }
        };
        self.all.get_mut(at)
    }

    /// The one called `ssrc`.
    pub fn find(&self, ssrc: u32) -> Option<&Participant> {
        self.all.iter().find(|known| known.ssrc == ssrc)
    }

    /// The one called `ssrc`, to be changed.
    pub fn find_mut(&mut self, ssrc: u32) -> Option<&mut Participant> {
        self.all.iter_mut().find(|known| known.ssrc == ssrc)
    }

    /// How many are proved and there.
    pub fn members(&self) -> u32 {
        self.all.iter().filter(|known| known.is_valid() && !known.has_left()).count() as u32
    }

    /// How many of them sent sound within `time`.
    pub fn senders(&self, now: Instant, time: Duration) -> u32 {
        let sends = |known: &&Participant| {
            known.is_valid() && !known.has_left() && known.last_sound.is_some_and(|last| now - last <= time)
        };
        self.all.iter().filter(sends).count() as u32
    }

    /// What our report says of them.
    pub fn blocks(&mut self, now: Instant) -> Vec<ReportBlock> {
        self.all.iter_mut().filter_map(|known| known.block(now)).collect()
    }

    /// Forgets those who have been silent for `time` (§6.3.5); the names of those who were proved and had
    /// not left.
    pub fn expire(&mut self, now: Instant, time: Duration) -> Vec<u32> {
        let is_gone = |known: &Participant| now - known.last_heard > time;
        let gone = self.all.iter().filter(|known| is_gone(known) && known.is_valid() && !known.has_left());
        let names = gone.map(|known| known.ssrc).collect();
        self.all.retain(|known| !is_gone(known));
        names
    }

    /// Forgets everybody: the other party has another address.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// Somebody at `from` uses our name. Whether that is news: what comes back from an address that we know
    /// of is our own sound in a loop, and does not make us change again (§8.2).
    pub fn conflict(&mut self, now: Instant, from: SocketAddr) -> bool {
        self.conflicts.retain(|(_, last)| now - *last <= CONFLICT);
        if let Some(known) = self.conflicts.iter_mut().find(|(known, _)| *known == from) {
            known.1 = now;
            return false;
        }
        if self.conflicts.len() == MAX_CONFLICTS {
            return false;
        }
        self.conflicts.push((from, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(milliseconds * 1000)
    }

    #[test]
    fn strangers_make_room_and_friends_do_not() {
        let mut participants = Participants::default();
        for ssrc in 0..MAX_PARTICIPANTS as u32 {
            participants.entry(at(ssrc.into()), ssrc, false).unwrap().named(b"friend");
        }
        assert!(participants.entry(at(100), 1000, false).is_none());
        assert!(participants.expire(at(100), Duration::from_millis(99)) == [0], "one falls silent");
        assert!(participants.entry(at(100), 1000, false).is_some());
        assert!(participants.entry(at(200), 1001, false).is_some(), "in place of the stranger");
        assert!(participants.find(1000).is_none());
        assert_eq!(participants.members(), MAX_PARTICIPANTS as u32 - 1);
        participants.find_mut(1001).unwrap().named(b"friend");
        assert!(participants.entry(at(300), 1002, false).is_none());
        assert!(
            participants.entry(at(300), 1002, true).is_some(),
            "a crowd does not lock out who is expected"
        );
        assert!(participants.find(1).is_none());
    }

    #[test]
    fn an_address_may_change_after_absence_only() {
        let mut participants = Participants::default();
        let known = participants.entry(at(0), 7, true).unwrap();
        assert!(known.sounds(at(0), address(1)));
        assert!(!known.sounds(at(20), address(2)));
        assert!(known.sounds(at(40), address(1)));
        assert!(known.sounds(at(541), address(2)));
        assert!(!known.sounds(at(560), address(1)));
    }

    #[test]
    fn nobody_else_says_goodbye_and_stragglers_are_not_heard() {
        let mut participants = Participants::default();
        let known = participants.entry(at(0), 7, true).unwrap();
        assert!(known.sounds(at(0), address(1)));
        known.named(b"friend");
        assert!(!known.leaves(at(10), SocketAddr::from(([192, 0, 2, 66], 2))) && !known.has_left());
        assert!(known.leaves(at(10), address(2)), "from its port for reports");
        assert!(!known.leaves(at(11), address(2)), "once");
        assert!(!known.sounds(at(20), address(1)));
        assert_eq!(participants.members(), 0);
        assert!(participants.find_mut(7).unwrap().sounds(at(2100), address(1)), "it did not mean it");
        assert_eq!(participants.members(), 1);
    }

    #[test]
    fn a_report_echoes_the_last_one_of_the_other() {
        let mut participants = Participants::default();
        let known = participants.entry(at(0), 7, true).unwrap();
        known.reception = Some(Reception::new(1));
        known.reported(at(1000), 0x0000_0005_8000_0000);
        assert_eq!(participants.blocks(at(2000)), [], "nothing came");
        participants.find_mut(7).unwrap().counted();
        let blocks = participants.blocks(at(2500));
        assert_eq!((blocks[0].ssrc, blocks[0].last_report, blocks[0].delay), (7, 0x5_8000, 0x1_8000));
        assert_eq!(participants.blocks(at(3000)), [], "told once");
    }

    #[test]
    fn a_loop_changes_our_name_once() {
        let mut participants = Participants::default();
        assert!(participants.conflict(at(0), address(1)));
        assert!(!participants.conflict(at(20), address(1)));
        assert!(participants.conflict(at(60_000), address(1)), "forgotten after ten reports");
        let news = (2..20).filter(|port| participants.conflict(at(60_000), address(*port))).count();
        assert_eq!(news, MAX_CONFLICTS - 1);
    }
}
