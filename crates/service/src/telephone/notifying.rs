//! What those who watch are told: the NOTIFYs of RFC 6665 §4.2.2, one at a time to each of them.

use super::Telephone;
use super::dialogs_told::sees;
use super::errand::{MAX_DATAGRAM_REQUEST, USUAL_HEAD};
use super::letter::{ContactLine, Purpose};
use super::usages::Written;
use super::watchers::Watcher;
use crate::desk::Desk;
use crate::dialog_news::{Sight, virtual_row};
use crate::watch::Package;
use cordboard_core::subscription::notifier;
use cordboard_core::subscription::notify::{Act, Input, of_answer, step};
use cordboard_core::time::Instant;
use cordboard_sip::body::dialog_info::Dialog as Row;
use cordboard_sip::body::presence::{Basic, Note, Presence, Tuple};
use cordboard_sip::{Method, Name, Status, View};

impl Telephone {
    /// Feeds the table of one watcher's NOTIFYs and does what it says.
    pub(super) fn advance_notify(&mut self, desk: &mut Desk, now: Instant, key: u64, input: Input) {
        let Some(watcher) = self.watchers.get_mut(key) else { return };
        let (state, acts) = step(watcher.sending, input);
        watcher.sending = state;
        for act in acts {
            match act {
                Act::Send => self.send_notify(desk, now, key, false),
                Act::SendLast => self.send_notify(desk, now, key, true),
                Act::TellLost => self.advance_watcher(desk, now, key, notifier::Input::Lost),
                Act::TellDone => self.forget_watcher(key),
            }
        }
    }

    fn send_notify(&mut self, desk: &mut Desk, now: Instant, key: u64, last: bool) {
        let body = self.document(desk, now, key, last);
        let Some(watcher) = self.watchers.get(key) else { return };
        let left = watcher.ends_at.map_or(0, |end| end.since(now).as_secs());
        let state = match watcher.why.filter(|_| last) {
            Some(why) => why.header(None),
            None => watcher.state.header(u32::try_from(left).unwrap_or(u32::MAX)),
        };
        let event = match &watcher.id {
            Some(id) => format!("{};id={id}", watcher.package.as_str()),
            None => watcher.package.as_str().to_owned(),
        };
        let written = Written {
            purpose: Purpose::Tell(key),
            method: Method::Notify,
            contact: ContactLine::Own(Box::default()),
            lines: vec![(Name::EVENT, event.into()), (Name::SUBSCRIPTION_STATE, state.to_string().into())],
            body: body.map(|body| (watcher.package.media_type(), body.into())),
        };
        let (home, realms) = (watcher.home, watcher.realms.clone());
        let more = watcher.news.has_changes();
        if self.write_at_home(desk, now, home, written, &realms).is_none() {
            self.advance_notify(desk, now, key, Input::Lost);
        } else if more && !last {
            self.advance_notify(desk, now, key, Input::Wanted);
        }
    }

    /// The final response to a NOTIFY, or none.
    pub(super) fn tell_answered(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        key: u64,
        status: Status,
        response: Option<&View<'_>>,
    ) {
        self.advance_notify(desk, now, key, of_answer(response.map(|_| status)));
    }

    /// The number for a NOTIFY that is sent again with credentials.
    pub(super) fn tell_cseq(&mut self, key: u64) -> Option<u32> {
        let home = self.watchers.get(key)?.home;
        self.home_mut(home).map(cordboard_core::dialog::Dialog::next_cseq)
    }

    /// The body of the next NOTIFY, with what is owed as it is now.
    fn document(&mut self, desk: &Desk, now: Instant, key: u64, last: bool) -> Option<String> {
        match self.watchers.get(key)?.package {
            Package::Dialog => self.dialog_info(key, last),
            Package::Presence => Some(self.presence(desk, key)?.to_string()),
            Package::Conference => self.conference_document(desk, now, key),
            Package::MessageSummary | Package::Reg => None,
        }
    }

    /// Our calls, or those of them that changed. What would not fit a datagram waits for the next NOTIFY.
    fn dialog_info(&mut self, key: u64, last: bool) -> Option<String> {
        let mut news = std::mem::take(&mut self.watchers.get_mut(key)?.news);
        let watcher = self.watchers.get(key)?;
        let target = self.home(watcher.home).map(|dialog| dialog.target().to_owned());
        let all = || match watcher.sight {
            Sight::Whole => {
                let seen = |row: &&Row| sees(watcher, target.as_deref(), row);
                self.told.rows().filter(seen).cloned().collect()
            }
            Sight::Virtual => vec![virtual_row(self.told.is_busy())],
        };
        let user = watcher.slot.as_ref().unwrap_or(&self.account.user);
        let entity = format!("sip:{user}@{}", self.account.domain);
        let room = if watcher.stream || last { usize::MAX } else { MAX_DATAGRAM_REQUEST - USUAL_HEAD };
        let document = news.next(entity, all, room);
        self.watchers.get_mut(key)?.news = news;
        document
    }

    /// Whether we can be reached (RFC 3856 §6.3), and for those who may know it, whether we are on the telephone.
    fn presence(&self, desk: &Desk, key: u64) -> Option<Presence> {
        let Watcher { sight, home, .. } = self.watchers.get(key)?;
        let on_the_phone = *sight == Sight::Whole && self.told.is_busy();
        let secure = self.home(*home)?.target().starts_with("sips:");
        let listener = desk.settings.listeners.first()?.id;
        let notes = if on_the_phone {
            vec![Note { text: "On the phone".into(), language: Some("en".into()) }]
        } else {
            Vec::new()
        };
        Some(Presence {
            entity: format!("sip:{}@{}", self.account.user, self.account.domain),
            tuples: vec![Tuple {
                id: "phone".into(),
                basic: Some(if self.refuses.is_none() { Basic::Open } else { Basic::Closed }),
                contact: Some((super::written::contact_uri(desk, &self.account, listener, secure), None)),
                notes,
                timestamp: None,
            }],
            notes: Vec::new(),
        })
    }
}
