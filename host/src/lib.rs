//! The host of tsm2iox: it acts, and knows no InfluxDB.
//!
//! ```text
//!  cli ── commands ── config, lock ─────── what is typed, done, configured; one run at a time
//!            │
//!          drive ───── pending, stop ───── the loop; what it has in hand; whether it is to end
//!            │          └── clock ──────── what time it is
//!            │
//!            ├──────── component ───────── the plan that it asks
//!            │
//!          ahead ─────────────────────── the pieces of a body, before they are asked for
//!            │
//!        endpoint ──── http, input ─────── a server or a file, behind one face
//!            │          ├── credentials ── what opens a server
//!            │          └── upload ─────── a body on its way out
//!            │
//!           watch ──── page ──────────── who watches: a terminal, a program, a browser
//!            │
//!          report ───── secrets ───────── what a person sees, and what nobody is to see
//! ```
//!
//! What the component knows is asked through its sandbox:
//!
//! ```
//! use tsm2iox::component::{Component, Conversion};
//!
//! let component = Component::embedded()?;
//! let settings = r#"{ "format": "lp" }"#;
//! let mut conversion = Conversion::open(&component, settings)?.expect("the settings are fit");
//! let first = conversion.push(b"cpu,host=a idle=1.5 0\ncpu,host=a user=98.5 0\n")?;
//! let rest = conversion.finish()?.expect("it has come to its end");
//! let lines = first.expect("it is line protocol").lines + &rest.lines;
//! assert_eq!(lines, "cpu,host=a idle=1.5,user=98.5 0\n");
//! # anyhow::Ok(())
//! ```
//!
//! A plan (in `tsm2iox-guest`, as a component) says what to do next; this crate does it and says
//! what became of it. CSV, Flux, line protocol and what a status code means are the plan's: a new
//! source or destination changes nothing here.

pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod lock;
pub mod drive;
pub mod findings;
mod machine;
mod convert;
mod init;
pub mod pending;
pub mod stop;
pub mod component;
pub mod ahead;
pub mod endpoint;
pub mod credentials;
pub mod http;
mod upload;
pub mod input;
mod secrets;
pub mod report;
pub mod watch;
pub mod page;
