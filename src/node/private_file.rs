//! Files that only their owner may read: written whole or not at all, and refused when the world can read them.
//!
//! Every secret of a node passes through here. Nothing here knows what is in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

/// No file with a secret is larger: 64 KiB is a hundred times a key file.
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
    #[error("{} is larger than {MAX_BYTES} bytes: nothing that belongs here is, give the right file", .0.display())]
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

impl PrivateFileError {
    /// What the system said, as far as it was the system.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Missing(_) => io::ErrorKind::NotFound,
            Self::Exists(_) => io::ErrorKind::AlreadyExists,
            Self::Io { error, .. } => error.kind(),
            Self::Exposed(_) | Self::TooLarge(_) => io::ErrorKind::InvalidData,
        }
    }
}

/// Reads a text that only its owner may read.
pub fn read(path: &Path) -> Result<Zeroizing<String>, PrivateFileError> {
    read_unless_exposed(path, |_| true)
}

/// Reads a text that others may be able to read too, unless it is a `secret` for all to see.
pub fn read_unless_exposed(path: &Path, secret: impl Fn(&str) -> bool) -> Result<Zeroizing<String>, PrivateFileError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PrivateFileError::Missing(path.into()),
        _ => PrivateFileError::Io { path: path.into(), error },
    };
    let mut file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if meta.len() > MAX_BYTES {
        return Err(PrivateFileError::TooLarge(path.into()));
    }
    // Room for all of it, so that it is never moved and no copy stays behind; a pipe does not tell its length.
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES as usize + 1));
    Read::by_ref(&mut file).take(MAX_BYTES + 1).read_to_string(&mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(PrivateFileError::TooLarge(path.into()));
    }
    match meta.permissions().mode() & 0o007 != 0 && secret(&text) {
        true => Err(PrivateFileError::Exposed(path.into())),
        false => Ok(text),
    }
}

/// Writes `content` to a new file; an existing one stays as it is and is an error.
pub fn create(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    publish(path, content, |from, to| fs::hard_link(from, to).and_then(|()| fs::remove_file(from)))
}

/// Writes `content` in the place of whatever is there: readers see the old or the new content, never a part.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), PrivateFileError> {
    publish(path, content, |from, to| fs::rename(from, to))
}

/// Gives a file another name; a file that has that name stays as it is and is an error.
pub fn rename(from: &Path, to: &Path) -> Result<(), PrivateFileError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PrivateFileError::Missing(from.into()),
        io::ErrorKind::AlreadyExists => PrivateFileError::Exists(to.into()),
        _ => PrivateFileError::Io { path: to.into(), error },
    };
    // Under both names for a moment, never under none.
    fs::hard_link(from, to).and_then(|()| sync_dir(to)).map_err(io)?;
    fs::remove_file(from).and_then(|()| sync_dir(from)).map_err(io)
}

/// Removes a file for good.
pub fn remove(path: &Path) -> Result<(), PrivateFileError> {
    let io = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => PrivateFileError::Missing(path.into()),
        _ => PrivateFileError::Io { path: path.into(), error },
    };
    fs::remove_file(path).and_then(|()| sync_dir(path)).map_err(io)
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
        sync_dir(path)
    };
    let result = write();
    if result.is_err() {
        // What matters is the error above; a leftover that cannot be removed harms nobody.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(io)
}

/// A name is safe when its directory is.
fn sync_dir(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
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
    fn what_is_no_secret_may_be_read_by_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sealed");
        create(&path, b"sealed").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read_unless_exposed(&path, |text| text != "sealed").unwrap().as_str(), "sealed");
        assert!(matches!(read_unless_exposed(&path, |_| true), Err(PrivateFileError::Exposed(_))));
    }

    #[test]
    fn a_file_at_the_limit_is_read_and_one_byte_more_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (fits, larger) = (dir.path().join("fits"), dir.path().join("larger"));
        create(&fits, &vec![b'x'; MAX_BYTES as usize]).unwrap();
        create(&larger, &vec![b'x'; MAX_BYTES as usize + 1]).unwrap();
        assert_eq!(read(&fits).unwrap().len() as u64, MAX_BYTES);
        assert!(matches!(read(&larger), Err(PrivateFileError::TooLarge(_))));
    }

    #[test]
    fn another_name_never_replaces_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        create(&path("a"), b"a").unwrap();
        create(&path("b"), b"b").unwrap();
        assert!(matches!(rename(&path("a"), &path("b")), Err(PrivateFileError::Exists(_))));
        assert!(matches!(rename(&path("c"), &path("d")), Err(PrivateFileError::Missing(_))));
        rename(&path("a"), &path("c")).unwrap();
        assert_eq!((read(&path("c")).unwrap().as_str(), read(&path("b")).unwrap().as_str()), ("a", "b"));
        remove(&path("c")).unwrap();
        assert!(matches!(remove(&path("c")), Err(PrivateFileError::Missing(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/nonexistent/key")).unwrap_err().to_string();
        assert_eq!(error, "there is no file /nonexistent/key");
    }
}
