//! What a person should know before credentials are sent: who else could read them.
//!
//! Does not read any: a file that gives a token only once is left alone.

use reqwest::Url;
use tsm2iox_guest::error::Endpoint as Side;

use super::Config;
use super::server::LOGIN_KEYS;
use crate::http::is_this_machine;
use crate::report::{Unfit, Warning};

/// Keys of files that hold a token.
const TOKEN_FILE_KEYS: [&str; 2] = ["token_file", "read_token_file"];

impl Config {
    /// What is risky about the way in which these sides are opened, each once.
    ///
    /// # Errors
    /// As `endpoints`.
    pub fn warnings(&self, sides: &[Side]) -> Result<Vec<Warning>, Unfit> {
        let mut warnings = Vec::new();
        for &side in sides {
            if !self.is_server(side)? {
                continue;
            }
            let owner = self.owner(side, &LOGIN_KEYS);
            for key in TOKEN_FILE_KEYS {
                let path = self.text(owner, key)?;
                if path.is_some_and(|path| others_can_read(&self.beside(path))) {
                    let message =
                        format!("others can read the file that `{}.{key}` names", owner.name());
                    warnings.push(
                        Warning::new(message).with_hint("`chmod 600` leaves it to its owner"),
                    );
                }
            }
            let login = LOGIN_KEYS.iter().map(|key| self.text(owner, key));
            let has_login = login.collect::<Result<Vec<_>, _>>()?.iter().any(Option::is_some);
            let proxy = self.proxy(side)?;
            if has_login && is_open(&self.url(side)?, proxy.as_ref()) {
                let key = format!("`{}.url`", self.owner(side, &["url"]).name());
                let message =
                    format!("{key} is of http: others can read the credentials on the way");
                let hint = "use https, or a tunnel that begins on this machine";
                warnings.push(Warning::new(message).with_hint(hint));
            }
        }
        // A checkpoint may have both from the source.
        let mut said = Vec::new();
        warnings.retain(|warning: &Warning| {
            let is_new = !said.contains(&warning.message);
            said.push(warning.message.clone());
            is_new
        });
        Ok(warnings)
    }
}

/// Whether what is sent there leaves this machine as it is.
fn is_open(url: &Url, proxy: Option<&Url>) -> bool {
    let stays = is_this_machine(url) && proxy.is_none_or(is_this_machine);
    url.scheme() == "http" && !stays
}

#[cfg(unix)]
fn others_can_read(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    /// The rights of its group and of all others to read.
    const READ_BY_OTHERS: u32 = 0o044;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & READ_BY_OTHERS != 0)
}

/// Elsewhere, who can read a file is no matter of a few bits.
#[cfg(not(unix))]
fn others_can_read(_path: &std::path::Path) -> bool {
    false
}
