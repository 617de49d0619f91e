//! What tsm2iox knows. (Being written.)

pub mod error;
pub mod time;
pub mod protocol;
pub mod plan;
pub mod converter;

#[cfg(target_family = "wasm")]
mod component;

/// The built component, as bytes. `guest/build` makes it.
#[cfg(not(target_family = "wasm"))]
pub const COMPONENT: &[u8] = include_bytes!("../tsm2iox.wasm");
