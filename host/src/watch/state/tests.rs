//! What is known of a run, at times that tests make up.

use std::time::Duration;

use tsm2iox_guest::plan::{Batch, Note, Progress, Severity, Totals};
use tsm2iox_guest::time::{TimeRange, Timestamp};

use super::State;
use super::traffic::SECOND;
use crate::watch::Of;

fn at(seconds: u64) -> Timestamp {
    Timestamp(0).saturating_add(seconds * SECOND)
}

fn progress(read: u64) -> Progress {
    let totals = Totals { read, ..Totals::default() };
    let (doing, data) = (String::new(), "{}".to_owned());
    Progress { percent: 0.0, totals, rate: 0.0, left: None, doing, data }
}

#[test]
fn what_moves_nothing_is_stalled_and_what_waits_is_not() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    state.progress(Of::Whole, &progress(1), None, at(10));
    assert_eq!(state.stalled_for(at(70)), Duration::from_secs(60));
    state.progress(Of::Whole, &progress(1), Some(at(9000)), at(3000));
    assert_eq!(state.stalled_for(at(3010)), Duration::from_secs(10));
    state.progress(Of::Whole, &progress(1), None, at(3100));
    assert_eq!(state.stalled_for(at(3100)), Duration::from_secs(100));
    state.begin(Of::Whole, at(5000));
    assert_eq!(state.stalled_for(at(5001)), Duration::from_secs(1));
}

#[test]
fn bytes_of_a_window_are_those_of_its_time_even_if_a_batch_takes_them_back() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    for (seconds, read) in [(1, 100), (2, 300), (3, 50), (4, 60)] {
        state.progress(Of::Whole, &progress(read), None, at(seconds));
    }
    let read_of_last = |seconds| state.traffic.of_last(seconds * SECOND, state.now).read;
    assert_eq!((read_of_last(300), read_of_last(2)), (310, 10), "never more than there was");
    assert_eq!(state.traffic.windows.iter().map(|window| window.bytes.read).sum::<u64>(), 310);
}

#[test]
fn what_is_counted_is_of_all_rounds() {
    let mut state = State::default();
    for round in [1, 2] {
        state.begin(Of::Whole, at(100 * round));
        state.progress(Of::Whole, &progress(10), None, at(100 * round + 1));
        assert_eq!(counter(&state, "read_bytes_total"), 10 * round);
        assert_eq!(counter(&state, "rows_total"), 7 * (round - 1));
        let batch = "{\"batch\":{\"rows\":7,\"points\":2,\"rejected\":0}}";
        let note = Note { data: batch.to_owned(), ..note() };
        state.note(&note, at(100 * round + 2));
        assert_eq!(counter(&state, "rows_total"), 7 * round);
    }
}

/// What a metric counts, which has no labels.
fn counter(state: &State, name: &str) -> u64 {
    let metric = state.metrics().into_iter().find(|metric| metric.name == name);
    format!("{}", metric.expect("it is there").values[0].1).parse().expect("it is a whole number")
}

/// The source is heard to have ended before the whole is asked how far it is, or after that.
#[test]
fn what_a_batch_has_moved_counts_once() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    state.batch_begins(&batch());
    state.progress(Of::Batch(1), &progress(100), None, at(1));
    state.batch_ends(1);
    state.progress(Of::Whole, &progress(0), None, at(2));
    assert_eq!(state.totals().read, 100);
    let totals = Totals { read: 120, ..Totals::default() };
    state.batch_counts(1, totals);
    assert_eq!(state.totals().read, 120);
    state.progress(Of::Whole, &progress(120), None, at(3));
    assert_eq!((state.totals().read, state.traffic.bytes.read), (120, 120));
}

fn batch() -> Batch {
    let range = TimeRange::new(Timestamp(0), Timestamp(1)).expect("it has an instant");
    Batch { id: 1, range, selection: String::new(), order: String::new() }
}

#[test]
fn an_event_and_a_line_are_due_however_many_batches_end() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    for second in 1..100 {
        state.progress_at_last(Of::Batch(second), &progress(1), at(second));
    }
    let due = state.progress(Of::Whole, &progress(1), None, at(100));
    assert!(due.event && due.line);
}

#[test]
fn a_wait_is_as_long_as_was_said() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    let until = "{\"until\":\"1970-01-01T01:00:00Z\"}";
    state.note(&Note { data: until.to_owned(), ..note() }, at(1));
    // A step waits a minute at most.
    state.progress(Of::Whole, &progress(1), Some(at(62)), at(2));
    assert_eq!(state.waits_until_as_said(), Some(at(3600)));
    state.progress(Of::Whole, &progress(1), None, at(3600));
    state.progress(Of::Whole, &progress(1), Some(at(3700)), at(3601));
    assert_eq!(state.waits_until_as_said(), Some(at(3700)));
}

fn note() -> Note {
    let (message, data) = (String::new(), String::new());
    Note { severity: Severity::Info, message, hint: None, data }
}

#[test]
fn bytes_count_in_the_window_in_which_they_leave() {
    let mut state = State::default();
    state.begin(Of::Whole, at(0));
    state.sends(100, at(299));
    let totals = Totals { written: 100, ..Totals::default() };
    state.progress(Of::Whole, &Progress { totals, ..progress(0) }, None, at(301));
    let windows: Vec<_> = state.traffic.windows.iter().map(|window| window.bytes.written).collect();
    assert_eq!(windows, [100, 0]);
    assert_eq!(counter(&state, "written_bytes_total"), 100);
}
