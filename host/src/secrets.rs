//! What nobody is to see: every token and password that this process holds, and how texts lose them.
//!
//! A server may say a credential in its answer, and an answer is quoted to people and to plans. So all of
//! them are known here, for the whole process: a text does not tell where it comes from.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// What stands instead of a secret.
pub(crate) const MASK: &str = "****";
/// What is shorter is in many a word by chance: hiding it would tell it.
const BYTES_MIN: usize = 4;

// Longest first: one may be a part of another.
static SECRETS: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Hides this text from now on, as it is and as JSON has it, which a plan reads before it says it on.
pub(crate) fn hide(secret: &str) {
    // Padding is written in many ways (`%3D`), and tells nothing.
    let secret = secret.trim_end_matches('=');
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_matches('"');
    let mut secrets = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    for secret in [secret, json] {
        if secret.len() >= BYTES_MIN && !secrets.iter().any(|other| other == secret) {
            secrets.push(secret.to_owned());
        }
    }
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
}

/// The text with each secret in it masked.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for secret in SECRETS.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(secret) {
            text = Cow::Owned(text.replace(secret, MASK));
        }
    }
    text
}

/// The same of bytes, which may be no text; that they are not, is kept where there is nothing to mask.
pub(crate) fn masked_bytes(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&bytes);
    match masked(&text) {
        Cow::Owned(masked) => masked.into_bytes(),
        Cow::Borrowed(_) => bytes,
    }
}
