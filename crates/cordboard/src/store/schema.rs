//! Opens the database and brings it up to date, one numbered file after the other.

use rusqlite::{Connection, ErrorCode};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Each takes a database from the version of its place to the next.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/0001_users_and_bindings.sql"),
    include_str!("../../migrations/0002_rules.sql"),
    include_str!("../../migrations/0003_kept.sql"),
    include_str!("../../migrations/0004_setups.sql"),
];

/// Why the database is of no use.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened or read.
    #[error("the database {} cannot be used: {source}; {}", .path.display(), advice(.source))]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        source: rusqlite::Error,
    },
    /// The file cannot be made.
    #[error("{} cannot be written: {source}; check that the folder exists and that this user may write there", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A later Cordboard wrote it.
    #[error(
        "the database {} is of version {found} and this cordboard knows up to {}: use the newer cordboard \
         that wrote it, or another `data` folder", .path.display(), MIGRATIONS.len()
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
    },
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged: move it away, with the files beside it that begin with its name, and start again; \
             registrations, and people added with `cordboard ctl`, are gone then"
        }
        _ => "check that the folder exists, that this user may write there and that the disk is not full",
    }
}

/// Opens the database at `path`, making it if need be, readable by this user alone.
pub(super) fn open(path: &Path) -> Result<Connection, OpenError> {
    // The file exists before SQLite opens it, so that the secrets in it never stand open; the journal
    // takes over its mode.
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|source| OpenError::Unwritable { path: path.to_owned(), source })?;
    let unusable = |source| OpenError::Unusable { path: path.to_owned(), source };
    let mut connection = Connection::open(path).map_err(unusable)?;
    prepare(&connection).map_err(unusable)?;
    let found =
        connection.query_row("PRAGMA user_version", (), |row| row.get::<_, i64>(0)).map_err(unusable)?;
    let found = usize::try_from(found).unwrap_or(usize::MAX);
    if found > MIGRATIONS.len() {
        return Err(OpenError::TooNew { path: path.to_owned(), found });
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        migrate(&mut connection, version + 1, migration).map_err(unusable)?;
    }
    Ok(connection)
}

/// A write-ahead log survives the death of the process at any moment with `synchronous = NORMAL`; a
/// power cut may cost the last moments, never the consistency.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

fn migrate(connection: &mut Connection, version: usize, migration: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(migration)?;
    transaction.pragma_update(None, "user_version", i64::try_from(version).unwrap_or(i64::MAX))?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn opens_twice_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cordboard.db");
        for _ in 0..2 {
            let connection = open(&path).unwrap();
            let version: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
            assert_eq!(version, i64::try_from(MIGRATIONS.len()).unwrap());
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn refuses_what_a_later_version_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cordboard.db");
        open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let says = open(&path).unwrap_err().to_string();
        assert!(says.contains("version 99") && says.contains("newer cordboard"), "{says}");
    }

    #[test]
    fn refuses_what_is_no_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cordboard.db");
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        assert!(matches!(open(&path), Err(OpenError::Unusable { .. })));
    }
}
