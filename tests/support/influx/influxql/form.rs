//! The parameters of a request: of its query, and of a form that is its body.

use percent_encoding::percent_decode_str;

use crate::influx::exchange::Exchange;

/// Parameters, decoded.
#[derive(Debug)]
pub(super) struct Form {
    // Those of the body first: they win.
    pairs: Vec<(String, String)>,
}

impl Form {
    /// The parameters of a request. A body that does not say that it is a form is none.
    pub(super) fn of(exchange: &Exchange) -> Self {
        let content_type = exchange.header("content-type").unwrap_or_default();
        let is_form = content_type.starts_with("application/x-www-form-urlencoded");
        let body = if is_form { String::from_utf8_lossy(&exchange.body) } else { "".into() };
        let (_, query) = exchange.target.split_once('?').unwrap_or_default();
        let pairs = body.split('&').chain(query.split('&'));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        Self { pairs: pairs.map(|(key, value)| (decoded(key), decoded(value))).collect() }
    }

    /// The value of a parameter.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        let (_, value) = self.pairs.iter().find(|(other, _)| other == key)?;
        Some(value)
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
