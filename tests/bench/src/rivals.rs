//! What runs in this process: the conversion itself, natively and as a component, and the least
//! that a reader of the same bytes has to do.

use std::hint::black_box;

use anyhow::{Context, bail, ensure};
use csv_core::{ReadRecordResult, Reader};
use rmp::Marker;
use rmp::decode::{RmpRead, read_marker};
use tsm2iox::component::{self, Component};
use tsm2iox_guest::converter::{self, Converted};

/// A response comes in pieces of at most this, as the host gives them.
const PIECE_BYTES: usize = 1024 * 1024;

/// Converts natively; what comes is given to `take`.
///
/// # Errors
/// Those of the conversion.
pub(crate) fn native(
    response: &[u8],
    settings: &str,
    mut take: impl FnMut(&Converted),
) -> anyhow::Result<()> {
    let unfit = |error| anyhow::anyhow!("natively: {error}");
    let mut conversion = converter::Conversion::open(settings).map_err(unfit)?;
    for piece in response.chunks(PIECE_BYTES) {
        take(&conversion.push(piece).map_err(unfit)?);
    }
    take(&conversion.finish().map_err(unfit)?);
    Ok(())
}

/// Converts in the component, from an instance on; what comes is given to `take`.
///
/// # Errors
/// Those of the conversion, and if the component crashes.
pub(crate) fn component(
    component: &Component,
    response: &[u8],
    settings: &str,
    mut take: impl FnMut(&Converted),
) -> anyhow::Result<()> {
    let unfit = |error| anyhow::anyhow!("in the component: {error}");
    let mut conversion = component::Conversion::open(component, settings)?.map_err(unfit)?;
    for piece in response.chunks(PIECE_BYTES) {
        take(&conversion.push(piece)?.map_err(unfit)?);
    }
    take(&conversion.finish()?.map_err(unfit)?);
    Ok(())
}

/// Splits CSV into records and cells with `csv-core`, and does nothing with them.
///
/// # Errors
/// If the response has a longer record than any of ours.
pub(crate) fn split(response: &[u8]) -> anyhow::Result<()> {
    let mut reader = Reader::new();
    let (mut record, mut ends) = (vec![0; 64 * 1024], vec![0; 1024]);
    let (mut rest, mut cells) = (response, 0);
    loop {
        let (result, read, _, found) = reader.read_record(rest, &mut record, &mut ends);
        rest = &rest[read..];
        match result {
            ReadRecordResult::Record => cells += found,
            // At the end of the response comes the empty rest.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::End => break,
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                bail!("a record does not fit")
            }
        }
    }
    ensure!(black_box(cells) > 0, "there is no cell");
    Ok(())
}

/// Counts line ends with `memchr`.
///
/// # Errors
/// If there is none.
pub(crate) fn count_lines(response: &[u8]) -> anyhow::Result<()> {
    ensure!(black_box(memchr::memchr_iter(b'\n', response).count()) > 0, "there is no line");
    Ok(())
}

/// Walks over the tokens of MessagePack with `rmp`, and does nothing with them.
///
/// # Errors
/// If the response is none of ours.
pub(crate) fn walk(response: &[u8]) -> anyhow::Result<()> {
    let mut rest = response;
    let (mut tokens, mut sum) = (0_u64, 0_u64);
    while !rest.is_empty() {
        let marker = read_marker(&mut rest).map_err(|error| error.0)?;
        tokens += 1;
        match marker {
            Marker::FixStr(length) => skip(&mut rest, length)?,
            Marker::Str8 => {
                let length = rest.read_data_u8()?;
                skip(&mut rest, length)?;
            }
            Marker::Array16 => sum += u64::from(rest.read_data_u16()?),
            Marker::I16 => sum ^= u64::from(rest.read_data_i16()?.unsigned_abs()),
            Marker::I64 => sum ^= rest.read_data_i64()?.unsigned_abs(),
            Marker::F64 => sum ^= rest.read_data_f64()?.to_bits(),
            Marker::FixPos(value) => sum ^= u64::from(value),
            Marker::FixMap(_) | Marker::FixArray(_) | Marker::True | Marker::False => {}
            other => bail!("{other:?} is not written here"),
        }
    }
    ensure!(black_box((tokens, sum)).0 > 0, "there is no token");
    Ok(())
}

fn skip(rest: &mut &[u8], length: u8) -> anyhow::Result<()> {
    *rest = rest.get(usize::from(length)..).context("the response is cut")?;
    Ok(())
}
