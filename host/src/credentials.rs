//! What opens a server: tokens and passwords. They can be sent, and not be printed.
//!
//! Does not know whose they are, nor what an answer means: that one did not accept them it is told.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use tsm2iox_guest::protocol::Access;

use crate::report::reason;
use crate::secrets;

/// Tokens have some hundred bytes: a file beyond this holds something else.
const TOKEN_FILE_BYTES_MAX: u64 = 64 * 1024;

/// A token or a password. It can be sent, but not printed.
#[derive(Clone)]
pub struct Token(String);

/// A token in a file, which may be rotated while a run goes on.
#[derive(Clone, Debug)]
pub struct TokenFile {
    path: PathBuf,
    // All that have it share it: a server that refuses it speaks for all.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    token: Token,
    // To be read anew before it is used again.
    is_refused: bool,
}

/// How a server is to know us.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Not at all.
    None,
    /// `Authorization: Token …`.
    Token(Token),
    /// The same, with what a file holds.
    TokenFile(TokenFile),
    /// `Authorization: Basic …`, with user and password as they are sent.
    Basic(Token),
}

/// The credentials for each right.
#[derive(Clone, Debug)]
pub struct Login {
    /// For what changes nothing.
    pub read: Credentials,
    /// For what appends.
    pub write: Credentials,
}

impl Token {
    /// The text that is sent. Nothing that a person or a plan gets to see shows it from now on.
    ///
    /// # Errors
    /// If no header can carry it.
    pub fn new(text: String) -> Result<Self, &'static str> {
        match HeaderValue::from_str(&text) {
            Ok(_) if text.is_ascii() => {
                secrets::hide(&text);
                Ok(Self(text))
            }
            _ => Err("holds characters that no header can carry"),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", secrets::MASK)
    }
}

impl TokenFile {
    /// Reads a token from a file: its only line.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else; what is wrong with it is said in a phrase that
    /// follows its name.
    pub fn open(path: PathBuf) -> Result<Self, String> {
        let token = token_in(&path)?;
        Ok(Self { path, state: Arc::new(Mutex::new(State { token, is_refused: false })) })
    }

    fn token(&self) -> Token {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is being replaced may be no token for a moment: the one before is refused once more
        // then, and that is what a person reads.
        // And one that is no file, such as a pipe, gives its token only once.
        if state.is_refused
            && self.path.is_file()
            && let Ok(token) = token_in(&self.path)
        {
            *state = State { token, is_refused: false };
        }
        state.token.clone()
    }

    fn refuse(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_refused = true;
    }
}

impl Credentials {
    /// A user and its password. As both are sent together, they are hidden too.
    pub fn basic(user: &str, password: &Token) -> Self {
        let coded = STANDARD.encode(format!("{user}:{}", password.0));
        secrets::hide(&coded);
        Self::Basic(Token(coded))
    }

    /// The header `authorization`.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::None => return None,
            Self::Token(Token(token)) => format!("Token {token}"),
            Self::TokenFile(file) => format!("Token {}", file.token().0),
            Self::Basic(Token(coded)) => format!("Basic {coded}"),
        };
        let mut value = HeaderValue::from_str(&text)
            .expect("`Token::new` has refused what no header can carry");
        value.set_sensitive(true);
        Some(value)
    }

    /// A server has not accepted them. What came from a file is read anew before the next request; what
    /// came from the environment stays what it is as long as this process lives.
    pub(crate) fn refuse(&self) {
        match self {
            Self::TokenFile(file) => file.refuse(),
            Self::None | Self::Token(_) | Self::Basic(_) => {}
        }
    }
}

impl Login {
    /// The credentials for what a request does.
    pub(crate) fn for_access(&self, access: Access) -> &Credentials {
        match access {
            Access::Read => &self.read,
            Access::Write => &self.write,
        }
    }
}

impl From<Credentials> for Login {
    /// The same for both.
    fn from(credentials: Credentials) -> Self {
        Self { read: credentials.clone(), write: credentials }
    }
}

fn token_in(path: &Path) -> Result<Token, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(TOKEN_FILE_BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {}", reason(&error)))?;
    if text.len() as u64 > TOKEN_FILE_BYTES_MAX {
        return Err("is too long for one that holds a token".to_owned());
    }
    match text.trim() {
        "" => Err("is empty".to_owned()),
        line if line.contains(['\n', '\r']) => Err("holds more than one line".to_owned()),
        line => Token::new(line.to_owned()).map_err(str::to_owned),
    }
}
