//! The key that seals secrets at rest: 32 bytes, from a variable or a file that only its owner can read.

use std::{
    fmt, fs,
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose};
use zeroize::Zeroizing;

/// 32 random bytes. Redacted in `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey(Zeroizing<[u8; 32]>);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not 32 bytes in base64.
    #[error("the key is not 32 bytes in base64")]
    Malformed,
    /// Others than the owner may read the file.
    #[error("{} may be read by others (mode {mode:03o}); run `chmod 600 {}`, and think about who has seen it", path.display(), path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is there, but is no key.
    #[error("{} holds no key; put 32 random bytes in base64 there, or name another file in key_file", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be read or made.
    #[error("the key file {} can't be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a new key")]
    NoRandomness,
}

impl SealingKey {
    /// From base64, standard or URL alphabet, with or without padding.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] when it is anything but 32 bytes.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = Zeroizing::new(
            text.trim()
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_"),
        );
        let bytes = general_purpose::URL_SAFE_NO_PAD
            .decode(text.as_bytes())
            .map_err(|_| KeyError::Malformed)?;
        let bytes = Zeroizing::new(bytes);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Malformed)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// Fresh random bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`] when the system has none.
    pub fn fresh() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The bytes. Only for whoever seals.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(general_purpose::STANDARD.encode(self.0.as_slice()))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Where the key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In the environment.
    Given(SealingKey),
    /// In a file.
    File(PathBuf),
}

impl KeySource {
    /// The key, if there is one: a file may not have been made yet.
    ///
    /// # Errors
    ///
    /// A file that others may read, that holds no key, or that can't be read.
    pub fn existing(&self) -> Result<Option<SealingKey>, KeyError> {
        match self {
            Self::Given(key) => Ok(Some(key.clone())),
            Self::File(path) => read(path),
        }
    }

    /// The key; made and written (mode 0600, durable before this returns) where the file is not there yet.
    ///
    /// # Errors
    ///
    /// As [`KeySource::existing`], and when the file can't be written.
    pub fn existing_or_new(&self) -> Result<SealingKey, KeyError> {
        if let Some(key) = self.existing()? {
            return Ok(key);
        }
        let Self::File(path) = self else {
            return Err(KeyError::Malformed);
        };
        let key = SealingKey::fresh()?;
        match write(path, &key) {
            Ok(()) => Ok(key),
            // Somebody else was quicker: theirs counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                read(path)?.ok_or_else(|| KeyError::NotAKey { path: path.clone() })
            }
            Err(source) => Err(KeyError::Io {
                path: path.clone(),
                source,
            }),
        }
    }
}

fn read(path: &Path) -> Result<Option<SealingKey>, KeyError> {
    let io = |source| KeyError::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    // Asked of the open file, so that what is judged is what is read.
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::Exposed {
            path: path.to_path_buf(),
            mode,
        });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(256).read_to_string(&mut text).map_err(io)?;
    SealingKey::parse(&text)
        .map(Some)
        .map_err(|_| KeyError::NotAKey {
            path: path.to_path_buf(),
        })
}

/// Written beside and linked into place, so that nobody ever reads half a key.
fn write(path: &Path, key: &SealingKey) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let linked = file
        .write_all(key.to_base64().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&beside, path));
    fs::remove_file(&beside)?;
    linked.and_then(|()| fs::File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_written_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let source = KeySource::File(folder.path().join("mikro2fa.key"));
        assert_eq!(source.existing().unwrap(), None);
        let key = source.existing_or_new().unwrap();
        assert_eq!(source.existing_or_new().unwrap(), key);
        assert_eq!(source.existing().unwrap(), Some(key));
        let names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["mikro2fa.key"], "nothing is left beside it");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mikro2fa.key");
        let source = KeySource::File(path.clone());
        source.existing_or_new().unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = source.existing().unwrap_err();
        assert!(
            matches!(error, KeyError::Exposed { mode: 0o640, .. }),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn what_is_no_key_is_named_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mikro2fa.key");
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .unwrap()
            .write_all(b"hello")
            .unwrap();
        let error = KeySource::File(path.clone()).existing_or_new().unwrap_err();
        assert!(matches!(error, KeyError::NotAKey { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"hello");
    }

    #[test]
    fn both_alphabets_and_no_padding() {
        let key = SealingKey(Zeroizing::new([0xfb; 32]));
        let standard = key.to_base64();
        assert_eq!(SealingKey::parse(&standard).unwrap(), key);
        assert_eq!(
            SealingKey::parse(
                &standard
                    .replace('+', "-")
                    .replace('/', "_")
                    .replace('=', "")
            )
            .unwrap(),
            key
        );
        assert!(SealingKey::parse("c2hvcnQ=").is_err());
        assert_eq!(format!("{key:?}"), "SealingKey(…)");
    }
}
