//! What a watcher knows of what it watches, put together from the documents that came.

use crate::watch::{Package, Watched};
use cordboard_sip::Malformed;
use cordboard_sip::body::Merged;
use cordboard_sip::body::conference_info::ConferenceInfo;
use cordboard_sip::body::dialog_info::DialogInfo;
use cordboard_sip::body::message_summary::MessageSummary;
use cordboard_sip::body::presence::Presence;
use cordboard_sip::body::reginfo::Reginfo;
use cordboard_sip::body::{conference_info, dialog_info, reginfo};

/// The state of one subscription, by its package.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Dialogs(dialog_info::Table),
    Messages(Option<MessageSummary>),
    Presence(Option<Presence>),
    Registrations(reginfo::Table),
    Conference(Box<conference_info::Roster>),
}

impl Document {
    /// Nothing is known yet.
    pub(super) fn of(package: Package) -> Self {
        match package {
            Package::Dialog => Self::Dialogs(dialog_info::Table::default()),
            Package::MessageSummary => Self::Messages(None),
            Package::Presence => Self::Presence(None),
            Package::Reg => Self::Registrations(reginfo::Table::default()),
            Package::Conference => Self::Conference(Box::default()),
        }
    }

    /// Takes in a body, if it can be read.
    pub(super) fn merge(&mut self, body: &[u8]) -> Result<Merged, Malformed> {
        match self {
            Self::Dialogs(table) => Ok(table.merge(DialogInfo::parse(body)?)),
            Self::Messages(summary) => {
                *summary = Some(MessageSummary::parse(body)?);
                Ok(Merged::Taken)
            }
            Self::Presence(presence) => {
                *presence = Some(Presence::parse(body)?);
                Ok(Merged::Taken)
            }
            Self::Registrations(table) => Ok(table.merge(Reginfo::parse(body)?)),
            Self::Conference(table) => Ok(table.merge(ConferenceInfo::parse(body)?)),
        }
    }

    /// What is known.
    pub(super) fn watched(&self) -> Option<Watched> {
        Some(match self {
            Self::Dialogs(table) => Watched::Dialogs(table.dialogs().to_vec()),
            Self::Messages(summary) => Watched::Messages(summary.clone()?),
            Self::Presence(presence) => Watched::Presence(presence.clone()?),
            Self::Registrations(table) => Watched::Registrations(table.registrations().to_vec()),
            Self::Conference(table) => Watched::Conference {
                description: table.description().cloned(),
                users: table.users().to_vec(),
                over: table.is_over(),
            },
        })
    }
}
