//! A request as it came, and the status that was answered.

use percent_encoding::percent_decode_str;

use crate::wire::header;

/// One request to a fake server.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Its number on this server, counted from 1 in the order of arrival.
    pub number: usize,
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// Names and values, as they came.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed. Empty if the connection was refused before it was read.
    pub body: Vec<u8>,
    /// The status that was sent; `None` while there is none, and where none was sent.
    pub status: Option<u16>,
}

impl Exchange {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(path, _)| path)
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        let value = value.replace('+', " ");
        Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
    }

    /// A header, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())), name)
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("the body is text")
    }
}
