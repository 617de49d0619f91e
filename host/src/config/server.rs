//! What a configuration says of a server: where it is, the way to it, and what opens it.
//!
//! ```toml
//! url = "http://127.0.0.1:8086"
//! token_file = "write.token"
//! read_token_file = "read.token"
//! ```

use std::env;
use std::fs;

use reqwest::{Certificate, Url};
use tsm2iox_guest::error::Endpoint as Side;

use super::{Config, named};
use crate::credentials::{Credentials, Login, Token, TokenFile};
use crate::http::Way;
use crate::report::{Unfit, reason};

/// What opens a server: a variable or a file with a token, or a user and a variable; and another token
/// for what only reads.
pub(super) const LOGIN_KEYS: [&str; 6] =
    ["token_env", "token_file", "user", "password_env", "read_token_env", "read_token_file"];
/// Variables have shorter names; tokens are longer.
const VARIABLE_BYTES_MAX: usize = 64;

/// All that is said of a server.
pub(super) struct Address {
    pub(super) url: Url,
    pub(super) login: Login,
    pub(super) way: Way,
}

impl Config {
    pub(super) fn address(&self, side: Side) -> Result<Address, Unfit> {
        Ok(Address { url: self.url(side)?, login: self.login(side)?, way: self.way(side)? })
    }

    pub(super) fn url(&self, side: Side) -> Result<Url, Unfit> {
        let side = self.owner(side, &["url"]);
        let key = format!("`{}.url`", side.name());
        let Some(text) = self.text(side, "url")? else {
            return Err(Unfit::new(format!("{key} is missing")));
        };
        base_url(text).map_err(|fault| {
            Unfit::new(format!("{key} {fault}")).with_hint(
                "write it as http://127.0.0.1:8086; user and token have keys of their own",
            )
        })
    }

    /// A checkpoint is reached as the source is, if it is where the source is.
    fn way(&self, side: Side) -> Result<Way, Unfit> {
        let authorities = self.owner(side, &["url", "ca_file"]);
        let authorities = match self.text(authorities, "ca_file")? {
            None => Vec::new(),
            Some(path) => self.certificates(path).map_err(|fault| {
                let key = format!("the file of `{}.ca_file`", authorities.name());
                Unfit::new(format!("{key} {fault}"))
                    .with_hint("it is PEM: each certificate from `-----BEGIN CERTIFICATE-----` on")
            })?,
        };
        Ok(Way { authorities, proxy: self.proxy(side)? })
    }

    pub(super) fn proxy(&self, side: Side) -> Result<Option<Url>, Unfit> {
        let side = self.owner(side, &["url", "proxy"]);
        self.text(side, "proxy")?.map(base_url).transpose().map_err(|fault| {
            Unfit::new(format!("`{}.proxy` {fault}", side.name())).with_hint(
                "write it as http://127.0.0.1:3128; a proxy with a password belongs into the \
                 environment variable HTTPS_PROXY, or HTTP_PROXY",
            )
        })
    }

    fn certificates(&self, path: &str) -> Result<Vec<Certificate>, String> {
        let text = fs::read(self.beside(path))
            .map_err(|error| format!("cannot be read: {}", reason(&error)))?;
        match Certificate::from_pem_bundle(&text) {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            Ok(_) | Err(_) => Err("holds no certificate".to_owned()),
        }
    }

    fn login(&self, side: Side) -> Result<Login, Unfit> {
        let side = self.owner(side, &LOGIN_KEYS);
        let [variable, file, user, password, ..] = LOGIN_KEYS.map(|key| self.text(side, key));
        let write = match (variable?, file?, user?, password?) {
            (None, None, None, None) => Credentials::None,
            (Some(variable), None, None, None) => {
                Credentials::Token(from_variable(side, "token_env", variable)?)
            }
            (None, Some(file), None, None) => self.token_file(side, "token_file", file)?,
            (None, None, Some(user), Some(password)) if !user.contains(':') => {
                let password = from_variable(side, "password_env", password)?;
                Credentials::basic(user, &password)
            }
            (None, None, Some(_), None) => {
                let side = side.name();
                return Err(Unfit::new(format!("`{side}.user` needs `{side}.password_env`")));
            }
            _ => {
                let message = format!("it is not clear how to log in to the {}", side.name());
                let choices = "give one of `token_env`, `token_file`, or `user` and `password_env`";
                return Err(Unfit::new(message).with_hint(choices));
            }
        };
        Ok(Login { read: self.reading(side, &write)?, write })
    }

    /// What opens a server for what only reads: the same, unless there is a token for it.
    fn reading(&self, side: Side, write: &Credentials) -> Result<Credentials, Unfit> {
        let [.., variable, file] = LOGIN_KEYS.map(|key| self.text(side, key));
        let (key, read) = match (variable?, file?) {
            (None, None) => return Ok(write.clone()),
            (Some(variable), None) => {
                let key = "read_token_env";
                (key, Credentials::Token(from_variable(side, key, variable)?))
            }
            (None, Some(file)) => {
                let key = "read_token_file";
                (key, self.token_file(side, key, file)?)
            }
            (Some(_), Some(_)) => {
                let side = side.name();
                let message = format!("it is not clear with which token to read from the {side}");
                return Err(Unfit::new(message)
                    .with_hint("give one of `read_token_env` and `read_token_file`"));
            }
        };
        match write {
            Credentials::Token(_) | Credentials::TokenFile(_) => Ok(read),
            Credentials::None | Credentials::Basic(_) => {
                let side = side.name();
                let needed = format!("`{side}.token_env` or `{side}.token_file`");
                Err(Unfit::new(format!("`{side}.{key}` needs {needed}"))
                    .with_hint("that token writes; where one token may do both, it is enough"))
            }
        }
    }

    fn token_file(&self, side: Side, key: &str, path: &str) -> Result<Credentials, Unfit> {
        // Without its path: some put the token itself there.
        TokenFile::open(self.beside(path)).map(Credentials::TokenFile).map_err(|fault| {
            Unfit::new(format!("the token file {fault}")).with_hint(named(side, key, "this file"))
        })
    }
}

/// A URL that leads to a server and holds nothing else. What is wrong with it is said without it: people
/// do put passwords into URLs.
fn base_url(text: &str) -> Result<Url, &'static str> {
    match Url::parse(text) {
        Err(_) => Err("is not a URL"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => Err("is not of http or https"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("holds a user or a password")
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Err("holds more than scheme, host, port and path")
        }
        Ok(url) => Ok(url),
    }
}

fn from_variable(side: Side, key: &str, name: &str) -> Result<Token, Unfit> {
    // Whoever takes the key for the token's own place should not find the token in a log.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.len() > VARIABLE_BYTES_MAX || !name.bytes().all(is_name) {
        let key = format!("`{}.{key}`", side.name());
        return Err(Unfit::new(format!("{key} is not the name of an environment variable"))
            .with_hint("put the token into a variable, and the variable's name here"));
    }
    let fault = match env::var(name) {
        Err(env::VarError::NotPresent) => "is not set",
        Err(env::VarError::NotUnicode(_)) => "is not a text",
        Ok(text) if text.trim().is_empty() => "is empty",
        Ok(text) => match Token::new(text.trim().to_owned()) {
            Ok(token) => return Ok(token),
            Err(fault) => fault,
        },
    };
    Err(Unfit::new(format!("environment variable `{name}` {fault}"))
        .with_hint(named(side, key, "it")))
}
