//! The kinds of fault: which requests each can strike, and whether a person may have to look at it.

use std::time::Duration;

use support::influx::{Fault, Piece, Share};

/// A kind of fault.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) fault: Fault,
    pub(crate) strikes: Strikes,
    pub(crate) ends: Ends,
}

/// The requests that a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strikes {
    All,
    Queries,
    Flux,
    InfluxQl,
    Writes,
}

/// How a run may end that met a fault, if it does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// With 1: the same command resumes.
    Resumable,
    /// Or with 2: what was answered may be meant.
    ForAPerson,
}

/// Longer than a network takes, and so short that hundreds of them are soon over.
const PAUSE: Duration = Duration::from_millis(3);
/// Fewer than any batch has.
const ROWS: usize = 2;

/// All kinds.
pub(crate) fn kinds() -> Vec<Kind> {
    use Ends::{ForAPerson, Resumable};
    use Strikes::{All, Flux, InfluxQl, Queries, Writes};
    let after = |fault| Fault::AfterEffect(Box::new(fault));
    let kinds = [
        (Fault::Refused, All, Resumable),
        (Fault::Unanswered, All, Resumable),
        (Fault::Reset, All, Resumable),
        (after(Fault::Reset), All, Resumable),
        (Fault::Unavailable(Some(0)), All, Resumable),
        (after(Fault::Unavailable(Some(0))), Writes, Resumable),
        (Fault::TooManyRequests(Some(0)), All, Resumable),
        (Fault::Internal, All, Resumable),
        (after(Fault::Internal), Writes, Resumable),
        (Fault::Unauthorized, All, ForAPerson),
        (Fault::TooLarge, All, ForAPerson),
        (after(Fault::TooLarge), Writes, ForAPerson),
        (Fault::Html(200), All, ForAPerson),
        (after(Fault::Html(200)), Writes, ForAPerson),
        (Fault::Html(413), All, ForAPerson),
        (Fault::Html(502), All, Resumable),
        (after(Fault::Html(502)), Writes, Resumable),
        (Fault::CutHead, All, Resumable),
        (Fault::CutLength, All, Resumable),
        (Fault::CutChunks, All, Resumable),
        (Fault::CutAfter(Piece::Row), Queries, Resumable),
        (Fault::CutAfter(Piece::Block), Queries, Resumable),
        (Fault::Truncated, Queries, Resumable),
        (Fault::TruncatedAfterRow, Queries, Resumable),
        (Fault::TruncatedBetweenMaps, InfluxQl, Resumable),
        (Fault::RowLost, Queries, Resumable),
        (Fault::Overlong, All, Resumable),
        (Fault::Incomplete, All, Resumable),
        (Fault::Dripped(PAUSE), All, Resumable),
        (Fault::ErrorTable, Flux, Resumable),
        (Fault::StatementError(1), InfluxQl, Resumable),
        (Fault::StatementError(2), InfluxQl, Resumable),
        (Fault::RowLimit(ROWS), InfluxQl, Resumable),
        (Fault::PartialWrite, Writes, ForAPerson),
        (Fault::Created(Share::Nothing), Writes, ForAPerson),
        (Fault::Created(Share::Half), Writes, ForAPerson),
        (Fault::Created(Share::All), Writes, ForAPerson),
    ];
    kinds.map(|(fault, strikes, ends)| Kind { fault, strikes, ends }).into()
}
