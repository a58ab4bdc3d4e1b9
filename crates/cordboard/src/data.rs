//! The data folder: who may use it, the key and the token in it, and where HTTP listens.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::people::{from_hex, to_hex};

/// Why the data folder is of no use.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another process works on it.
    #[error(
        "{} is in use by another cordboard: stop that one, or give this one another `data` folder", .0.display()
    )]
    InUse(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read: {source}; check that it exists and that this user may read it", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{} cannot be written: {source}; check that the folder exists and that this user may write there", .path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It does not hold what it should.
    #[error("{} is damaged: remove it and start again; {consequence}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What removing it means.
        consequence: &'static str,
    },
}

/// The data folder of a running switchboard; nobody else uses it as long as this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if need be, and takes it.
    pub fn take(path: &Path) -> Result<Self, DataError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| DataError::Unwritable { path: path.to_owned(), source })?;
        let file = path.join("lock");
        let unwritable = |source| DataError::Unwritable { path: file.clone(), source };
        let lock =
            OpenOptions::new().create(true).append(true).mode(0o600).open(&file).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unwritable(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key that signs nonces and flow tokens; `random` becomes it at the first start.
    pub fn key(&self, random: [u8; 32]) -> Result<[u8; 32], DataError> {
        let consequence = "phones will be challenged anew, and calls in progress may lose their way";
        self.secret("key", random, consequence)
    }

    /// What `cordboard ctl` proves itself with; `random` becomes it at the first start.
    pub fn token(&self, random: [u8; 32]) -> Result<String, DataError> {
        self.secret("token", random, "a new one will be made").map(|token| to_hex(&token))
    }

    /// Tells `cordboard ctl` where to connect.
    pub fn announce(&self, http: SocketAddr) -> Result<(), DataError> {
        let path = self.path.join("http");
        write_private(&path, &format!("{http}\n")).map_err(|source| DataError::Unwritable { path, source })
    }

    fn secret(&self, name: &str, random: [u8; 32], consequence: &'static str) -> Result<[u8; 32], DataError> {
        let path = self.path.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => from_hex(text.trim()).ok_or(DataError::Damaged { path, consequence }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match write_private(&path, &format!("{}\n", to_hex(&random))) {
                    Ok(()) => Ok(random),
                    Err(source) => Err(DataError::Unwritable { path, source }),
                }
            }
            Err(source) => Err(DataError::Unreadable { path, source }),
        }
    }
}

/// Where a switchboard that uses `folder` listens for HTTP, and the token it wants.
pub fn announced(folder: &Path) -> Result<(SocketAddr, String), DataError> {
    let read = |name| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|source| DataError::Unreadable { path, source })
    };
    let http = read("http")?.trim().parse();
    let http = http
        .map_err(|_| DataError::Damaged { path: folder.join("http"), consequence: "it is written anew" })?;
    Ok((http, read("token")?.trim().to_owned()))
}

/// Whole or not at all, and for this user alone.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let write = || {
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_has_one_user_and_keeps_its_secrets() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new/data");
        let folder = DataFolder::take(&path).unwrap();
        assert!(matches!(DataFolder::take(&path), Err(DataError::InUse(_))));
        let token = folder.token([1; 32]).unwrap();
        assert_eq!(folder.token([2; 32]).unwrap(), token, "it stays the same");
        assert_eq!(folder.key([3; 32]).unwrap(), [3; 32]);
        folder.announce("127.0.0.1:8060".parse().unwrap()).unwrap();
        assert_eq!(announced(&path).unwrap(), ("127.0.0.1:8060".parse().unwrap(), token));
        for name in ["token", "key", "http", "lock"] {
            let mode = std::fs::metadata(path.join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        drop(folder);
        assert!(DataFolder::take(&path).is_ok(), "it is free again");
    }

    #[test]
    fn what_is_damaged_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::take(parent.path()).unwrap();
        std::fs::write(parent.path().join("token"), "short").unwrap();
        let says = folder.token([1; 32]).unwrap_err().to_string();
        assert!(says.contains("token is damaged: remove it"), "{says}");
    }
}
