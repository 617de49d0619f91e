//! What is known of a run, at times that tests make up.

use std::time::Duration;

use tsm2iox_guest::plan::{Progress, Totals};
use tsm2iox_guest::time::Timestamp;

use super::{SECOND, State};
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
    assert_eq!(state.traffic_of_last(300 * SECOND).read, 310);
    assert_eq!(state.traffic_of_last(2 * SECOND).read, 210);
    assert_eq!(state.windows.iter().map(|window| window.read).sum::<u64>(), 310);
}

#[test]
fn what_is_counted_does_not_become_less_where_a_round_begins() {
    let mut state = State::default();
    for round in [1_u32, 2] {
        state.begin(Of::Whole, at(100 * u64::from(round)));
        let totals = Totals { rows: 7, ..Totals::default() };
        state.progress(
            Of::Whole,
            &Progress { totals, ..progress(1) },
            None,
            at(100 * u64::from(round) + 1),
        );
        let metrics = state.metrics();
        let rows = metrics.iter().find(|metric| metric.name == "rows_total").expect("it is there");
        assert_eq!(rows.values, [(String::new(), 7.0 * f64::from(round))]);
    }
}
