//! What somebody is told next who watches dialogs: everything, or what has changed, in documents that fit (RFC 4235 §3.7,
//! §4.3).

use cordboard_sip::body::Completeness;
use cordboard_sip::body::dialog_info::{Dialog as Row, DialogInfo, MAX_DIALOGS, State};

/// The id of the virtual dialog.
const VIRTUAL: &str = "1";

/// How much of somebody's calls a watcher sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All of them, with their identifiers.
    Whole,
    /// Whether there are any: one virtual dialog (§3.7.2).
    Virtual,
}

/// The single dialog that stands for all of them. Whether they ring or talk is nobody's business (§3.7.2).
pub(crate) fn virtual_row(is_busy: bool) -> Row {
    Row::new(VIRTUAL, if is_busy { State::Confirmed } else { State::Terminated })
}

/// What is still to be told to one watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// Of the next document.
    version: u32,
    owed: Owed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owed {
    /// Everything.
    Whole,
    /// These dialogs, each as it was last.
    Changes(Vec<Row>),
}

impl Default for News {
    /// Nothing has been told.
    fn default() -> Self {
        Self { version: 0, owed: Owed::Whole }
    }
}

impl News {
    /// Everything is to be told.
    pub(crate) fn owe_everything(&mut self) {
        self.owed = Owed::Whole;
    }

    /// These have changed: of each dialog the newest is told.
    pub(crate) fn owe(&mut self, rows: Vec<Row>) {
        let Owed::Changes(waiting) = &mut self.owed else { return };
        for row in rows {
            match waiting.iter_mut().find(|known| known.id == row.id) {
                Some(known) => *known = row,
                None => waiting.push(row),
            }
        }
        if waiting.len() > MAX_DIALOGS {
            self.owed = Owed::Whole;
        }
    }

    /// Whether something waits that did not fit.
    pub(crate) fn has_changes(&self) -> bool {
        matches!(&self.owed, Owed::Changes(rows) if !rows.is_empty())
    }

    /// The number of the next document, which counts as told.
    pub(crate) const fn next_version(&mut self) -> u32 {
        self.version = self.version.wrapping_add(1);
        self.version.wrapping_sub(1)
    }

    /// The next document: the changes, or where none are known `all` there is. What exceeds `room` octets waits.
    pub(crate) fn next(
        &mut self,
        entity: String,
        all: impl FnOnce() -> Vec<Row>,
        room: usize,
    ) -> Option<String> {
        let (state, dialogs) = match std::mem::replace(&mut self.owed, Owed::Changes(Vec::new())) {
            Owed::Changes(rows) if !rows.is_empty() => (Completeness::Partial, rows),
            Owed::Changes(_) | Owed::Whole => {
                let mut rows = all();
                rows.truncate(MAX_DIALOGS);
                (Completeness::Full, rows)
            }
        };
        let info = DialogInfo { version: self.version, state, entity, dialogs };
        let mut documents = info.split(room).into_iter();
        let first = documents.next()?;
        self.next_version();
        for rest in documents {
            self.owe(rest.dialogs);
        }
        Some(first.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_everything_then_the_newest_of_what_has_changed() {
        let mut news = News::default();
        news.owe(vec![Row::new("a", State::Early)]);
        let all = || vec![Row::new("a", State::Early), Row::new("b", State::Early)];
        let next = |news: &mut News| {
            DialogInfo::parse(news.next("sip:alice@example.com".into(), all, usize::MAX).unwrap().as_bytes())
                .unwrap()
        };
        let first = next(&mut news);
        assert_eq!((first.version, first.state, first.dialogs), (0, Completeness::Full, all()));
        for state in [State::Confirmed, State::Terminated] {
            news.owe(vec![Row::new("b", state)]);
        }
        assert!(news.has_changes());
        let second = next(&mut news);
        assert_eq!((second.version, second.state), (1, Completeness::Partial));
        assert_eq!(second.dialogs, [Row::new("b", State::Terminated)]);
        assert_eq!(next(&mut news).state, Completeness::Full, "a NOTIFY without news tells everything");
    }
}
