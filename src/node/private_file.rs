//! Files that only their owner may read: written whole or not at all, and refused when the world can read them.
//!
//! Every secret of a node passes through here. Nothing here knows what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

/// No file with a secret is larger: 64 KiB is a hundred times a keystore.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a private file cannot be used.
#[derive(Debug, Error)]
pub enum PrivateFileError {
    /// It does not exist.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// Somebody else could read the secret.
    #[error("everybody on this machine can read {path}: run chmod 600 {path} and consider the secret known", path = .0.display())]
    Exposed(PathBuf),
    /// It is far larger than anything that belongs here.
    #[error("{} is larger than {MAX_BYTES} bytes: it is not a key", .0.display())]
    TooLarge(PathBuf),
    /// Something is there already and must not be replaced.
    #[error("{} exists already: move it away first, or choose another name", .0.display())]
    Exists(PathBuf),
    /// The system refuses.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Reads a text that only its owner may read.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PrivateFileError::Missing(path.into()),
        _ => PrivateFileError::Io { path: path.into(), error },
    };
    let mut file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if meta.permissions().mode() & 0o007 != 0 {
        return Err(PrivateFileError::Exposed(path.into()));
    }
    if meta.len() > MAX_BYTES {
        return Err(PrivateFileError::TooLarge(path.into()));
    }
    let mut text = Zeroizing::new(String::new());
    Read::by_ref(&mut file).take(MAX_BYTES).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

/// Writes `content` to a new file; an existing one stays as it is and is an error.
pub fn create(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    publish(path, content, |from, to| fs::hard_link(from, to).and_then(|()| fs::remove_file(from)))
}

/// Writes `content` in the place of whatever is there: readers see the old or the new content, never a part.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    publish(path, content, |from, to| fs::rename(from, to))
}

/// Makes a directory that only its owner may enter, and all above it.
pub fn create_dir(path: &Path) -> Result<(), PrivateFileError> {
    use std::os::unix::fs::DirBuilderExt;
    let io = |error| PrivateFileError::Io { path: path.into(), error };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io)
}

fn publish(
    path: &Path,
    content: &[u8],
    finish: impl FnOnce(&Path, &Path) -> io::Result<()>,
) -> Result<(), PrivateFileError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => PrivateFileError::Exists(path.into()),
        _ => PrivateFileError::Io { path: path.into(), error },
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{:016x}.new", rand::random::<u64>()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        finish(&temporary, path)?;
        match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    };
    let result = write();
    if result.is_err() {
        // What matters is the error above; a leftover that cannot be removed harms nobody.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_private_and_whole_and_never_replaces_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, b"first").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(create(&path, b"second"), Err(PrivateFileError::Exists(_))));
        assert_eq!(read(&path).unwrap().as_str(), "first");
        replace(&path, b"third").unwrap();
        assert_eq!(read(&path).unwrap().as_str(), "third");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "a temporary file was left behind");
    }

    #[test]
    fn o13_a_secret_that_everybody_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        create(&path, b"secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nonexistent/key")).unwrap_err().to_string();
        assert_eq!(error, "there is no file /nonexistent/key");
    }
}
