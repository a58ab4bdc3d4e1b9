//! What must hold for the bodies of event packages: nothing panics, and what is read is written and read again.

use std::fmt::{Debug, Display};

use cordboard_sip::Malformed;
use cordboard_sip::body::{
    ConferenceInfo, DialogInfo, MessageSummary, Presence, Reginfo, conference_info, dialog_info, reginfo, xml,
};

/// Every parser on the same bytes.
pub(crate) fn events(bytes: &[u8]) {
    round_trip(MessageSummary::parse, bytes);
    round_trip(Presence::parse, bytes);
    if let Some(info) = round_trip(DialogInfo::parse, bytes) {
        let mut table = dialog_info::Table::default();
        table.merge(info.clone());
        table.merge(info.clone());
        assert!(table.dialogs().len() <= dialog_info::MAX_DIALOGS);
        let dialogs = info.dialogs.clone();
        let parts = info.split(500);
        assert!(parts.iter().all(|part| part.dialogs.len() < 2 || part.to_string().len() <= 500));
        assert_eq!(parts.into_iter().flat_map(|part| part.dialogs).collect::<Vec<_>>(), dialogs);
    }
    if let Some(info) = round_trip(Reginfo::parse, bytes) {
        let mut table = reginfo::Table::default();
        table.merge(info.clone());
        table.merge(info);
        assert!(table.registrations().len() <= reginfo::MAX_ROWS);
    }
    if let Some(mut info) = round_trip(ConferenceInfo::parse, bytes) {
        let mut roster = conference_info::Roster::default();
        info.state = conference_info::Change::Full;
        roster.merge(info.clone());
        info.state = conference_info::Change::Partial;
        info.version = info.version.wrapping_add(1);
        roster.merge(info);
        assert!(roster.users().len() <= conference_info::MAX_USERS);
    }
}

fn round_trip<T: Display + Debug + PartialEq>(
    parse: fn(&[u8]) -> Result<T, Malformed>,
    bytes: &[u8],
) -> Option<T> {
    let read = parse(bytes).ok()?;
    let printed = read.to_string();
    // Escapes may make it longer than what is taken.
    if printed.len() <= xml::MAX_BYTES {
        match parse(printed.as_bytes()) {
            Ok(again) => assert_eq!(again, read, "{printed:?}"),
            Err(error) => panic!("{error}: {printed:?}"),
        }
    }
    Some(read)
}
