//! Files, which answer as servers would; see `wit/protocol.wit`.

use super::{Call, Kind, Response};
use crate::error::{Endpoint, Error, Fault};

/// A disk that does not answer for so long is no use.
const FILE_SECONDS: u32 = 60;

/// The whole of a file.
pub(crate) fn content(endpoint: Endpoint, name: &str, may_be_missing: bool) -> Call {
    call(endpoint, "GET", Kind::Content { may_be_missing }, name)
}

/// Asks for its length.
pub(crate) fn length(endpoint: Endpoint, name: &str) -> Call {
    call(endpoint, "HEAD", Kind::Length, name)
}

/// The length that an answer tells; 0 where there is no file. A length that cannot be read must
/// never pass for 0: the file would be cut to it.
pub(crate) fn length_of(endpoint: Endpoint, response: &Response) -> Result<u64, Error> {
    if response.status == 404 {
        return Ok(0);
    }
    let length = response.header("upload-offset").and_then(|text| text.parse().ok());
    let message = format!("the {} does not say how long it is", endpoint.name());
    length.ok_or_else(|| Error::new(Fault::Malformed, message).at(endpoint))
}

fn call(endpoint: Endpoint, method: &'static str, kind: Kind, name: &str) -> Call {
    Call {
        endpoint,
        method,
        path: String::new(),
        headers: Vec::new(),
        body: String::new(),
        timeout: FILE_SECONDS,
        kind,
        name: name.to_owned(),
    }
}
