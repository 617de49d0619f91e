//! What a run shows while it goes on: to a terminal, to a program, to a log, and on the live page.

#[path = "../migration/run.rs"]
#[expect(dead_code, reason = "what other tests run by it as well")]
mod run;

mod browser;
mod events;
mod page;
mod prometheus;
mod terminal;

use support::influx::{Engine, FakeInflux, Settings};

use run::{Host, INFLUXQL, Migration, points};

/// A migration between two fake servers, which are to live as long as it.
struct Sides {
    source: FakeInflux,
    destination: FakeInflux,
    migration: Migration,
}

/// One that was not begun; `more` is the rest of its configuration.
fn sides(more: &str) -> Sides {
    let token = || Some("secret".to_owned());
    let source = FakeInflux::with(Settings { token: token(), ..Settings::default() });
    source.load("src", &points());
    let destination =
        FakeInflux::with(Settings { token: token(), engine: Engine::Iox, ..Settings::default() });
    let config = INFLUXQL.config(&source, &destination);
    let migration = Migration::new(Host::Binary, &format!("{config}{more}"));
    Sides { source, destination, migration }
}
