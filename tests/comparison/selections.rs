//! Parts of a bucket, and times without points: what is compared, and what is no comparison.

use std::time::Duration;

use serde_json::json;
use tsm2iox_guest::plan::Ending;

use crate::{HOUR, START, compare, destinations, kinds, points, sources};

#[test]
fn what_is_selected_and_only_at_the_destination_is_extra() {
    for destination in destinations() {
        let source = sources().remove(0);
        source.0.load("src", &format!("mem f=1 {START}"));
        destination.0.load("dst", &format!("mem f=1 {START}\ncpu f=1 {START}\nother f=1 {START}"));
        let selected = json!({ "migration": { "measurements": ["cpu", "mem"] } });
        let (ending, report) = compare(&source, &destination, &selected);
        assert_eq!((ending, kinds(&report)), (Ending::Different, [0, 0, 1, 0, 0]), "{report:#}");
    }
}

#[test]
fn a_condition_goes_together_with_types_that_change() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.set_shard_group("src", Duration::from_secs(24 * 60 * 60));
    let later = START + 72 * HOUR;
    source.0.load(
        "src",
        &format!("m,host=a f=1.5 {START}\nm,host=b f=1.5 {START}\nm,host=a f=2i {later}"),
    );
    destination.0.load("dst", &format!("m,host=a f=1.5 {START}\nm,host=a f=2 {later}"));
    for deep in [false, true] {
        let some = json!({
            "migration": { "where": "host = 'a'" },
            "schema": { "types": [{ "field": "f", "as": "float" }] },
            "verify": { "deep": deep },
        });
        let (ending, report) = compare(&source, &destination, &some);
        assert_eq!((ending, kinds(&report)), (Ending::Complete, [0; 5]), "{report:#}");
        assert_eq!(report["source"]["values"], 2, "{report:#}");
    }
}

#[test]
fn a_source_without_points_is_no_proof() {
    for source in sources() {
        let destination = destinations().remove(0);
        destination.0.load("dst", &points());
        let from_the_first = json!({ "migration": { "start": "earliest" } });
        let (ending, _) = compare(&source, &destination, &from_the_first);
        let Ending::Failed(error) = ending else { panic!("{ending:?}") };
        assert_eq!(error.message, "nothing was compared: the source has no points");
    }
}

#[test]
fn what_is_all_too_young_is_no_proof() {
    let (source, destination) = (sources().remove(0), destinations().remove(0));
    source.0.load("src", &points());
    let more = json!({
        "migration": { "start": "2022-02-01T11:30:00Z", "stop": "2022-02-01T11:59:00Z" },
    });
    let (ending, _) = compare(&source, &destination, &more);
    let Ending::Failed(error) = ending else { panic!("{ending:?}") };
    assert_eq!(error.message, "nothing was compared: all of it is younger than `migration.lag`");
}

#[test]
fn what_differs_by_flux_in_slices_of_many_days_is_found() {
    let (source, destination) = (sources().remove(1), destinations().remove(0));
    let day = 24 * HOUR;
    source.0.set_shard_group("src", Duration::from_secs(7 * 24 * 60 * 60));
    source.0.load("src", &format!("m f=1.5 {START}\nm f=2i {}", START + 8 * day));
    destination.0.load("dst", &format!("m f_float=1.5 {START}"));
    for deep in [false, true] {
        let more = json!({
            "migration": { "start": "2002-01-01T00:00:00Z" },
            "schema": { "types": [{ "field": "f", "as": "suffix" }] },
            "verify": { "deep": deep },
        });
        let (ending, report) = compare(&source, &destination, &more);
        assert_eq!((ending, kinds(&report)), (Ending::Different, [1, 0, 0, 0, 0]), "{report:#}");
    }
}
