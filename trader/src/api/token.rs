//! The secret that commands need.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Shortest token that is taken, in characters: a generated one has 64, four bits each.
pub const TOKEN_MIN: usize = 32;
const TOKEN_MAX: usize = 512;

/// A secret shared with the people who may command the desk. Its debug form hides it; only
/// [`Token::reveal`] shows it.
#[derive(Clone)]
pub struct Token {
    text: String,
    digest: [u8; 32],
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Too short, too long, or not printable ASCII.
    #[error(
        "a token must be {TOKEN_MIN} to {TOKEN_MAX} printable ASCII characters without spaces; \
         `openssl rand -hex 32` makes one"
    )]
    Malformed,
    /// The file holds something else.
    #[error("{}: {error}; delete the file to have a new one made", path.display())]
    MalformedFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<TokenError>,
    },
    /// Others may read the file.
    #[error("{}: others can read this token (mode {mode:o}): chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read or written.
    #[error("{}: the token file cannot be used: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's word.
        error: io::Error,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness for a token: {0}")]
    Randomness(getrandom::Error),
}

impl Token {
    /// Takes a token that a person or a Secret chose.
    ///
    /// # Errors
    /// [`TokenError::Malformed`].
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let length = (TOKEN_MIN..=TOKEN_MAX).contains(&text.len());
        if !length || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Malformed);
        }
        Ok(Self { text: text.to_owned(), digest: Sha256::digest(text).into() })
    }

    /// Makes one of 256 random bits.
    ///
    /// # Errors
    /// [`TokenError::Randomness`].
    pub fn generate() -> Result<Self, TokenError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(TokenError::Randomness)?;
        Self::new(&hex::encode(secret))
    }

    /// Reads the token in `path`, or makes one and writes it there for its owner's eyes only.
    ///
    /// # Errors
    /// See [`TokenError`]: a file that others can read is refused, not repaired, since somebody may
    /// have read it.
    pub fn load_or_create(path: &Path) -> Result<Self, TokenError> {
        let failed = |error| TokenError::File { path: path.to_owned(), error };
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match created {
            Ok(mut file) => {
                let token = Self::generate()?;
                writeln!(file, "{}", token.text).and_then(|()| file.sync_all()).map_err(failed)?;
                Ok(token)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(failed(error)),
        }
    }

    fn load(path: &Path) -> Result<Self, TokenError> {
        let failed = |error| TokenError::File { path: path.to_owned(), error };
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::Exposed { path: path.to_owned(), mode });
        }
        let text = fs::read_to_string(path).map_err(failed)?;
        Self::new(text.trim_end()).map_err(|error| TokenError::MalformedFile {
            path: path.to_owned(),
            error: Box::new(error),
        })
    }

    /// The secret itself: for its file and for the address that `run` prints, never for a log.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether `presented` is it, in a time that depends on neither.
    #[must_use]
    pub fn is(&self, presented: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        self.digest.ct_eq(&presented).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_token_is_made_once_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let made = Token::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Token::load_or_create(&path).unwrap();
        assert!(read.is(made.reveal().as_bytes()));
        assert_ne!(made.reveal(), Token::generate().unwrap().reveal());
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        Token::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = Token::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("mode 644") && error.contains("chmod 600"), "{error}");
    }

    #[rstest]
    #[case("")]
    #[case("short")]
    #[case("with spaces with spaces with spaces")]
    #[case("línea-línea-línea-línea-línea-línea")]
    fn what_is_no_token_is_refused(#[case] text: &str) {
        assert!(matches!(Token::new(text), Err(TokenError::Malformed)));
    }

    #[test]
    fn only_the_whole_token_is_it() {
        let token = Token::generate().unwrap();
        let text = token.reveal();
        assert!(token.is(text.as_bytes()));
        assert!(!token.is(&text.as_bytes()[..63]));
        assert!(!token.is(format!("{text} ").as_bytes()));
        assert!(!token.is(b""));
    }

    #[test]
    fn its_debug_form_hides_it() {
        let token = Token::generate().unwrap();
        assert!(!format!("{token:?}").contains(token.reveal()));
    }
}
