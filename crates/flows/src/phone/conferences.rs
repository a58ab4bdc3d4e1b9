//! What people do with conferences: host one, watch who is in it, and ask a focus for somebody.

use super::Phone;
use crate::book::{Call, Progress};
use cordboard_service::call::CallAction;
use cordboard_service::watch::{Package, WatchAction, WatchName, Whom};
use cordboard_sip::body::conference_info::EndpointStatus;
use std::time::Duration;

/// For how long at a time somebody watches a conference.
const CONFERENCE: Duration = Duration::from_mins(2);

impl Phone<'_> {
    /// Makes a call the first of a conference, and holds the other side meanwhile (RFC 5589 §9).
    pub fn hosts(self, other: Phone<'_>) {
        self.change("hosts", other, false, |call| CallAction::Host { call, hold: true });
    }

    /// The same as [`Phone::consults`], in the conference with somebody.
    pub fn consults_in_conference_with(self, other: Phone<'_>, callee: Phone<'_>) {
        let said = format!("{}.consults_in_conference_with({}, {})", self.name, other.name, callee.name);
        let to = callee.address();
        let up = |call: &Call| call.progress == Progress::Established && call.is_with(other.user);
        self.stage.acts(
            &said,
            self.host,
            |book| book.find(up).map(|call| call.name),
            |book, with| {
                let call = book.dial(&to);
                CallAction::CallIn { call, to: to.as_str().into(), with, consult: true }
            },
        );
    }

    /// Subscribes to the conference of somebody who says to be its focus.
    pub fn watches_conference_of(self, other: Phone<'_>) {
        let focus = |call: &Call| {
            call.progress == Progress::Established && call.features.focus && call.is_with(other.user)
        };
        self.press("watches_conference_of", focus, |call| {
            CallAction::Watching(WatchAction::Begin {
                watch: WatchName(0),
                whom: Whom::Focus(call),
                package: Package::Conference,
                expires: CONFERENCE,
            })
        });
    }

    /// Waits until somebody in the conference that is watched is said to be so.
    pub fn sees(self, other: Phone<'_>, status: EndpointStatus) {
        let said = format!("{}.sees({}, {})", self.name, other.name, status.as_str());
        self.stage.waits(&said, |books| {
            books.of(self.host).conference.get(other.user).copied().flatten() == Some(status)
        });
    }

    /// Waits until somebody is said to be in the conference no more that is watched.
    pub fn sees_not(self, other: Phone<'_>) {
        self.stage.waits(&format!("{}.sees_not({})", self.name, other.name), |books| {
            !books.of(self.host).conference.contains_key(other.user)
        });
    }

    /// Watches it no longer.
    pub fn watches_no_conference(self) {
        self.stage.acts(
            &format!("{}.watches_no_conference()", self.name),
            self.host,
            |_| Some(()),
            |_, ()| CallAction::Watching(WatchAction::End(WatchName(0))),
        );
    }

    /// Waits until the conference that was watched is over.
    pub fn sees_nobody(self) {
        self.stage.waits(&format!("{}.sees_nobody()", self.name), |books| {
            books.of(self.host).conference.is_empty()
        });
    }

    /// Asks a focus to call somebody into its room (RFC 4579 §5.5).
    pub fn asks_into(self, room: Phone<'_>, whom: Phone<'_>) {
        self.asks_focus("asks_into", room, whom, "");
    }

    /// Asks a focus to have somebody leave its room (RFC 4579 §5.11).
    pub fn asks_out(self, room: Phone<'_>, whom: Phone<'_>) {
        self.asks_focus("asks_out", room, whom, ";method=BYE");
    }

    fn asks_focus(self, verb: &str, room: Phone<'_>, whom: Phone<'_>, method: &str) {
        let said = format!("{}.{verb}({}, {})", self.name, room.name, whom.name);
        let (focus, to) = (room.address(), format!("{}{method}", whom.address()));
        self.stage.acts(
            &said,
            self.host,
            |_| Some(()),
            |book, ()| {
                // What is learnt then is what became of this.
                book.asking.clear();
                let (whom, to) = (focus.into(), to.into());
                CallAction::ClickToDial { call: book.name(), whom, to, reports: true }
            },
        );
    }
}
