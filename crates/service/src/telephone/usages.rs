//! The dialogs in which subscriptions live: that of a call, or one of their own (RFC 6665 §4.4.1, RFC 5057).
//!
//! Several usages may share a dialog and count its requests together; it is forgotten with the last of them.

use super::Telephone;
use super::letter::{ContactLine, Letter, Purpose};
use super::wallet::Realm;
use crate::desk::Desk;
use cordboard_core::dialog::Dialog;
use cordboard_core::time::Instant;
use cordboard_core::transport::ListenerId;
use cordboard_sip::{Method, Name, View};

/// In which dialog a usage lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// One that a SUBSCRIBE made.
    Own(u64),
    /// That of a call, by its leg.
    Call(u64, usize),
}

/// A dialog that a SUBSCRIBE made.
pub(super) struct OwnDialog {
    pub(super) dialog: Dialog,
    /// From which listener it goes on.
    listener: ListenerId,
    usages: u32,
}

impl Telephone {
    /// Keeps a new dialog, for one usage so far.
    pub(super) fn found_home(&mut self, dialog: Dialog, listener: ListenerId) -> Home {
        Home::Own(self.own_dialogs.insert(OwnDialog { dialog, listener, usages: 1 }))
    }

    /// One more usage moves in.
    pub(super) fn enter_home(&mut self, home: Home) {
        match home {
            Home::Own(key) => {
                if let Some(own) = self.own_dialogs.get_mut(key) {
                    own.usages += 1;
                }
            }
            Home::Call(at, _) => {
                if let Some(call) = self.calls.get_mut(at) {
                    call.usages += 1;
                }
            }
        }
    }

    /// A usage moves out.
    pub(super) fn leave_home(&mut self, home: Home) {
        match home {
            Home::Own(key) => {
                let Some(own) = self.own_dialogs.get_mut(key) else { return };
                own.usages = own.usages.saturating_sub(1);
                if own.usages == 0 {
                    self.own_dialogs.remove(key);
                }
            }
            Home::Call(at, _) => {
                if let Some(call) = self.calls.get_mut(at) {
                    call.usages = call.usages.saturating_sub(1);
                }
                self.sweep(at);
            }
        }
    }

    /// The dialog itself.
    pub(super) fn home(&self, home: Home) -> Option<&Dialog> {
        match home {
            Home::Own(key) => Some(&self.own_dialogs.get(key)?.dialog),
            Home::Call(at, leg) => Some(&self.calls.get(at)?.legs.get(leg)?.dialog),
        }
    }

    /// The dialog itself, for change.
    pub(super) fn home_mut(&mut self, home: Home) -> Option<&mut Dialog> {
        match home {
            Home::Own(key) => Some(&mut self.own_dialogs.get_mut(key)?.dialog),
            Home::Call(at, leg) => Some(&mut self.calls.get_mut(at)?.legs.get_mut(leg)?.dialog),
        }
    }

    /// Whether a request that came in belongs to that dialog.
    pub(super) fn is_home_of(&self, home: Home, request: &View<'_>) -> bool {
        self.home(home).is_some_and(|dialog| dialog.fits(request))
    }

    /// The call in whose dialog a request goes, if it is one.
    pub(super) fn call_of(&self, purpose: Purpose) -> Option<u64> {
        let home = match purpose {
            Purpose::Subscribe(watch) => self.watches.get(watch)?.home,
            Purpose::Tell(watcher) => Some(self.watchers.get(watcher)?.home),
            other => return other.call(),
        };
        match home? {
            Home::Call(at, _) => Some(at),
            Home::Own(_) => None,
        }
    }

    fn home_listener(&self, home: Home) -> ListenerId {
        match home {
            Home::Own(key) => self.own_dialogs.get(key).map(|own| own.listener),
            Home::Call(at, _) => self.calls.get(at).map(|call| call.listener),
        }
        .unwrap_or(ListenerId(0))
    }

    /// Sends a request of a usage in its dialog; the errand's key, if there is room.
    pub(super) fn write_at_home(
        &mut self,
        desk: &mut Desk,
        now: Instant,
        home: Home,
        written: Written,
        realms: &[Realm],
    ) -> Option<u64> {
        let listener = self.home_listener(home);
        let Written { purpose, method, contact, lines, body } = written;
        let dialog = self.home_mut(home)?;
        let letter = Letter {
            purpose,
            method,
            from: dialog.local().into(),
            to: dialog.remote().into(),
            call_id: dialog.id().call_id.clone(),
            cseq: dialog.next_cseq(),
            contact,
            lines,
            body,
            listener,
        };
        let way = dialog.way();
        self.run(desk, now, letter, vec![way], realms)
    }
}

/// What a request of a usage says.
pub(super) struct Written {
    pub(super) purpose: Purpose,
    pub(super) method: Method,
    pub(super) contact: ContactLine,
    pub(super) lines: Vec<(Name, Box<str>)>,
    pub(super) body: Option<(&'static str, Box<str>)>,
}
