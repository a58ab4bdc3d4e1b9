//! Watching somebody by SUBSCRIBE (RFC 6665): the buttons, and what comes of them.

use crate::call::CallName;
use cordboard_sip::Status;
use cordboard_sip::body::conference_info::{Description, User};
use cordboard_sip::body::dialog_info::Dialog;
use cordboard_sip::body::message_summary::MessageSummary;
use cordboard_sip::body::presence::Presence;
use cordboard_sip::body::reginfo::Registration;
use cordboard_sip::body::{conference_info, dialog_info, message_summary, presence, reginfo};
use cordboard_sip::header::SubReason;
use std::time::Duration;

/// Names what one telephone watches. Whoever begins to watch chooses the name, with the highest bit clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WatchName(pub u64);

impl WatchName {
    const OWN: u64 = 1 << 63;

    /// The name of the `n`-th thing that the telephone watches for itself.
    pub(crate) const fn own(n: u64) -> Self {
        Self(Self::OWN | n)
    }

    /// Whether the telephone watches it for itself, and nobody is told.
    pub(crate) const fn is_own(self) -> bool {
        self.0 & Self::OWN != 0
    }
}

/// What can be watched: the event packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Package {
    /// Somebody's calls (RFC 4235).
    Dialog,
    /// The messages that wait for somebody (RFC 3842).
    MessageSummary,
    /// Whether somebody can be reached (RFC 3856).
    Presence,
    /// What somebody has registered (RFC 3680).
    Reg,
    /// Who is in a conference (RFC 4575).
    Conference,
}

impl Package {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Dialog, Self::MessageSummary, Self::Presence, Self::Reg, Self::Conference];

    /// What stands in `Event`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dialog => "dialog",
            Self::MessageSummary => "message-summary",
            Self::Presence => "presence",
            Self::Reg => "reg",
            Self::Conference => "conference",
        }
    }

    /// The package that `Event` names, without templates and to the letter (RFC 6665 §8.2.1).
    pub fn of(event: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|package| package.as_str() == event)
    }

    /// The type of its documents.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Dialog => dialog_info::MEDIA_TYPE,
            Self::MessageSummary => message_summary::MEDIA_TYPE,
            Self::Presence => presence::MEDIA_TYPE,
            Self::Reg => reginfo::MEDIA_TYPE,
            Self::Conference => conference_info::MEDIA_TYPE,
        }
    }

    /// Whether a SUBSCRIBE that forks makes a subscription at each notifier (RFC 4235 §3.10), or at the first that
    /// answers (RFC 3842 §3.9, RFC 3856 §6.9, RFC 3680 §4.9, RFC 4575 §3.9).
    pub const fn forks(self) -> bool {
        matches!(self, Self::Dialog)
    }
}

/// Whom to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Whoever has this URI.
    Address(Box<str>),
    /// The same for somebody else, who is named as the one that asks (RFC 3892).
    AddressFor {
        /// The URI of whoever is watched.
        address: Box<str>,
        /// The URI of who wants to know.
        whose: Box<str>,
    },
    /// The other side of this call, in its dialog (RFC 5057).
    Peer(CallName),
    /// The conference whose focus the other side of this call is, in a dialog of its own that names the call (RFC 4538),
    /// for who is in a conference may know who else is (RFC 4575 §3.6).
    Focus(CallName),
}

/// A button. One that makes no sense is answered by [`WatchEvent::Impossible`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchAction {
    /// Watch somebody. The subscription is kept up until [`WatchAction::End`]; with no duration at all the state is
    /// only fetched, once (RFC 6665 §4.4.3).
    Begin {
        /// The name for it.
        watch: WatchName,
        /// Whom.
        whom: Whom,
        /// What of theirs.
        package: Package,
        /// For how long at a time.
        expires: Duration,
    },
    /// Watch it no longer.
    End(WatchName),
}

/// What somebody is told who watches.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchEvent {
    /// What is watched is so now: everything that is known, whatever part of it has just changed.
    State {
        /// Which.
        watch: WatchName,
        /// How it is.
        state: Box<Watched>,
    },
    /// Whoever is watched has still to decide about it.
    Pending(WatchName),
    /// The other side ended it in a way that asks for another try, which follows after this time.
    Again {
        /// Which.
        watch: WatchName,
        /// After what time.
        after: Duration,
    },
    /// It is over. Told once, and the last that is told of it.
    Ended {
        /// Which.
        watch: WatchName,
        /// The status that refused it.
        status: Option<Status>,
        /// The reason that the other side gave.
        reason: Option<SubReason>,
        /// After what time another try may make sense, as the reason says.
        again: Option<Duration>,
    },
    /// The button makes no sense: a name in use, or unknown; an address that is none; too much is watched.
    Impossible(WatchName),
}

impl WatchEvent {
    /// What it is about.
    pub const fn watch(&self) -> WatchName {
        match self {
            Self::State { watch, .. } | Self::Again { watch, .. } | Self::Ended { watch, .. } => *watch,
            Self::Pending(watch) | Self::Impossible(watch) => *watch,
        }
    }
}

/// How something is that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Calls. Those that have just ended are among them, once.
    Dialogs(Vec<Dialog>),
    /// Messages that wait.
    Messages(MessageSummary),
    /// Whether somebody can be reached.
    Presence(Presence),
    /// Registrations. Those that have just ended are among them, once.
    Registrations(Vec<Registration>),
    /// A conference.
    Conference {
        /// What it is about.
        description: Option<Description>,
        /// Who is in it.
        users: Vec<User>,
        /// Whether it is over.
        over: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_to_the_letter() {
        for package in Package::ALL {
            assert_eq!(Package::of(package.as_str()), Some(package));
        }
        assert_eq!([Package::of("Dialog"), Package::of("dialog.winfo"), Package::of("refer")], [None; 3]);
    }
}
