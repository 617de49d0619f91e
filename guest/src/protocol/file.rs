//! Files, which answer as servers would; see `wit/protocol.wit`.

use super::Call;
use crate::error::Endpoint;

/// A disk that does not answer for so long is no use.
const FILE_SECONDS: u32 = 60;

/// The whole of a file.
pub(crate) fn content(endpoint: Endpoint, success: &'static [u16]) -> Call {
    Call { reads_body: true, ..call(endpoint, "GET", success) }
}

/// Its length, in the header `upload-offset`; 404 if there is no file.
pub(crate) fn length(endpoint: Endpoint) -> Call {
    call(endpoint, "HEAD", &[204, 404])
}

fn call(endpoint: Endpoint, method: &'static str, success: &'static [u16]) -> Call {
    Call {
        endpoint,
        method,
        path: String::new(),
        headers: Vec::new(),
        body: String::new(),
        timeout: FILE_SECONDS,
        success,
        reads_body: false,
    }
}
