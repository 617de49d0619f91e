//! What tsm2iox knows: planning, conversion and protocol, without I/O, clock or randomness.
//!
//! Natively this is an ordinary library, to be tested and embedded; built for WebAssembly it is
//! the component (`COMPONENT`, contract in `wit/`), with the same answers to the same calls.
//!
//! ```text
//!             configuration        a host's answers
//!                   │                     │
//! settings, rules ──┴──▶ plan ◀───────────┘
//!                        │ migrate: which batch next, what is done ─▶ progress: the record
//!                        │   coverage: times done, by section; sizer: how long the next is to be
//!                        │   divide: where a section is cut; quota, pace, days: what may go, and when
//!                        │ batch: query ─▶ convert ─▶ write ─▶ acknowledged ─▶ report
//!                        ▼
//!            protocol: what to send, what an answer means
//!            converter: bytes ─▶ records, rows or lines ─▶ values ─▶ points ─▶ lines
//! ```
//!
//! A response of Flux becomes lines, the fields of a point together:
//!
//! ```
//! use tsm2iox_guest::converter;
//!
//! let response = "#datatype,string,long,dateTime:RFC3339,double,string,string,string\r\n\
//!                 #group,false,false,false,false,true,true,true\r\n\
//!                 #default,_result,,,,,,\r\n\
//!                 ,result,table,_time,_value,_field,_measurement,host\r\n\
//!                 ,,0,2022-01-01T00:00:00Z,1.5,idle,cpu,a\r\n\
//!                 ,,1,2022-01-01T00:00:00Z,98.5,user,cpu,a\r\n\
//!                 \r\n";
//! let converted = converter::convert(response, "{}")?;
//! assert_eq!(converted.lines, "cpu,host=a idle=1.5,user=98.5 1640995200000000000\n");
//! assert_eq!((converted.totals.rows, converted.totals.points), (2, 1));
//! # Ok::<(), tsm2iox_guest::error::Error>(())
//! ```
//!
//! Words, each for one thing: a **response** is what a query returns, a **record** is a line of
//! CSV (or what is recorded of a batch), a **row** is a record of a table: one value by Flux, a
//! point by InfluxQL (counted rows are values, as the guide counts them); a **point** is the values
//! of one series and time, a **line** is a point in line protocol, a **piece** is bytes as they came,
//! a **body** is lines as they are sent. A **finding** is what of a response cannot arrive as it is; a
//! point is **refused** by the destination, and then sifted out of its body. A **road** is the language
//! by which a bucket is read, and the name under which it answers; a **slice** is a part of a
//! measurement, by time; a **section** is a part of all points, between names of measurements, of a
//! tag's values, of fields. A **quota** is what may be read or written in a **window** of time; a
//! **pace** is what is used of it, and when more may go; a **measurement-day** is a measurement on a
//! day, as Serverless counts them. A **report** is what a migration learns from a batch beside its
//! record.

pub mod converter;
pub mod error;
pub mod plan;
mod coverage;
mod progress;
pub mod protocol;
mod rules;
mod section;
mod settings;
pub mod configuration;
mod terms;
pub mod text;
pub mod time;

#[cfg(target_family = "wasm")]
mod component;

/// The component: `guest/build` makes it of these sources, and `wit/` is its contract.
#[cfg(not(target_family = "wasm"))]
pub const COMPONENT: &[u8] = include_bytes!("../tsm2iox.wasm");

/// The core module of the world `text`, for runtimes that take only those: it imports nothing, and does without
/// SIMD.
#[cfg(not(target_family = "wasm"))]
pub const TEXT_MODULE: &[u8] = include_bytes!("../tsm2iox-text.wasm");
