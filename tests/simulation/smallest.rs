//! What no smaller query helps with ends with an error that names the smallest.

use fastrand::Rng;
use serde_json::json;
use tsm2iox_guest::error::Error;
use tsm2iox_guest::plan::Ending;

use crate::source::{SECOND, Series, Source};
use crate::world::{Ended, World};

/// How the migration of an hour fails.
fn error_of(world: &mut World) -> Error {
    let settings = json!({
        "migration": { "start": "1970-01-01T00:00:00Z", "stop": "1970-01-01T01:00:00Z" },
        "source": { "api": "v2", "language": "flux", "url": "http://s", "org": "o", "bucket": "b" },
        "destination": { "api": "v3", "url": "http://d", "bucket": "b" },
    });
    let Ended::Done(outcome) = world.run(&settings.to_string()) else { panic!("nothing crashes") };
    let Ending::Failed(error) = outcome.ending else { panic!("{:?}", outcome.ending) };
    error
}

#[test]
fn what_cannot_be_smaller_is_named() {
    let series = |host: &str| Series {
        measurement: "cpu".to_owned(),
        host: host.to_owned(),
        fields: 1,
        times: vec![1000 * SECOND],
    };
    // One of them takes longer than the server lets it, however short the batch is.
    let source = Source::new(vec![series("a"), series("b")], [100 * SECOND, 0, 0], 90 * SECOND);
    let mut world = World::new(Rng::with_seed(1), source);
    let error = error_of(&mut world);
    assert_eq!(
        error.to_string(),
        "it stopped after 4 batches that could not be moved: batch 1970-01-01T00:00:01Z/1970-01-01T00:00:02Z \
         of \"\" < host < \"b\" could not be moved: the source did not answer in time: as told"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some(
            "it cannot be smaller; raise what the source allows a query, or leave this out with \
             `migration.measurements`, `migration.where` or `migration.filter`"
        )
    );
    assert!(world.source.asked.len() < 40, "{} queries", world.source.asked.len());
}

#[test]
fn a_limit_of_series_that_no_name_keeps_to_is_an_error_in_the_end() {
    let series = Series {
        measurement: "cpu".to_owned(),
        host: String::new(),
        fields: 1,
        times: vec![1000 * SECOND],
    };
    // No series at all may be read, and there are no names to cut at.
    let mut source = Source::new(vec![series], [SECOND, 0, 0], 90 * SECOND);
    source.series_max = 0;
    let mut world = World::new(Rng::with_seed(1), source);
    let error = error_of(&mut world);
    assert_eq!(
        error.to_string(),
        "it stopped after 4 batches that could not be moved: batch 1970-01-01T00:00:04Z/1970-01-01T00:00:05Z \
         could not be moved: the response of the source: line 5: the query failed: max-select-series limit exceeded"
    );
}
