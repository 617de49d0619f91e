"""A migration on Apache Beam: python migrate_beam.py CONFIG [options of a runner]

It is as wide as `limits.concurrency` says: so many lanes, whatever the runner has of workers, for more would be
more queries at once at the source. A lane does its orders one after another, and hands on what it has used of its
part of the quotas. Each batch records itself, so a lane that is tried again does what is left.
"""

import collections
import json
import logging
import pathlib
import sys
import tomllib

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

import migrate

LOG = logging.getLogger("tsm2iox")
ATTEMPTS = 3  # of a batch, each of which has tried each request `limits.attempts` times
STOPPED_IN_A_ROW = 5  # batches, after which it is the source that is not well
SEVERITIES = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Incomplete(Exception):
    """A batch came to no end, and trying its lane again may help: a runner does so."""


class Migration:
    """A configuration as workers need it: its text, and where its files are."""

    def __init__(self, name):
        self.name = pathlib.Path(name).absolute()
        self.config = tomllib.loads(self.name.read_text())
        self.settings = json.dumps(self.config, default=str)
        limits = self.config.get("limits", {})
        self.lanes = limits.get("concurrency", 1)
        if "auto" in (limits.get("read_mb"), limits.get("write_mb")):
            raise migrate.Unfit('"auto" is not divided among workers: say `limits` in megabytes')

    def open_sides(self):
        return migrate.open_sides(self.config, self.name)

    def orders(self, endpoints):
        """The orders of the batches that are left, each with its range."""
        batches = []
        outcome = migrate.run("split", self.settings, endpoints, show=show, hand_out=batches.append)
        if outcome.ending.tag != "complete":
            raise migrate.Unfit(migrate.why(outcome))
        return [batch.order for batch in batches]


class Split(beam.DoFn):
    """Gives the orders of a migration, each with its lane."""

    def __init__(self, migration):
        self.migration = migration

    def process(self, _):
        orders = self.migration.orders(self.migration.open_sides())
        yield from ((number % self.migration.lanes, order) for number, order in enumerate(orders))


class DoBatches(beam.DoFn):
    """Does the orders of a lane; gives the records of its batches, and why others were left out."""

    def __init__(self, migration):
        self.migration = migration

    def setup(self):
        self.endpoints = self.migration.open_sides()
        self.used = {}

    def process(self, lane):
        number, orders = lane
        # It may be tried again: what is recorded by now is done.
        left = {range_of(order) for order in self.migration.orders(self.endpoints)}
        orders = collections.deque((order, 1) for order in orders if range_of(order) in left)
        in_a_row = 0
        while orders:
            order, attempt = orders.popleft()
            outcome = self.do_batch(number, order)
            match outcome.ending.tag:
                case "complete" | "different":
                    in_a_row = 0
                    yield outcome.checkpoint
                case "failed":
                    yield beam.pvalue.TaggedOutput("left_out", migrate.why(outcome))
                case "stopped":
                    # Such as by a response that was cut: once more, after the others.
                    in_a_row += 1
                    if attempt == ATTEMPTS or in_a_row == STOPPED_IN_A_ROW:
                        raise Incomplete(migrate.why(outcome))
                    orders.append((order, attempt + 1))

    def do_batch(self, number, order):
        used = self.used.setdefault(number, {})
        order = json.dumps(json.loads(order) | used)
        outcome = migrate.run("batch", order, self.endpoints, show=show)
        report = json.loads(outcome.report or "{}")
        used.update({key: report[key] for key in ("slot", "window") if key in report})
        return outcome


class Migrate(beam.PTransform):
    """Does what is left of a migration. Gives `records` (lines of line protocol) and `left_out` (reasons)."""

    def __init__(self, migration):
        super().__init__()
        self.migration = migration

    def expand(self, start):
        return (
            start
            | beam.Create([None])
            | beam.ParDo(Split(self.migration))
            | beam.GroupByKey()
            | beam.ParDo(DoBatches(self.migration)).with_outputs("left_out", main="records")
        )


def range_of(order):
    order = json.loads(order)
    return (*order["batch"], json.dumps(order["section"]))


def show(note):
    hint = f"; {note.hint}" if note.hint else ""
    LOG.log(SEVERITIES[note.severity], migrate.masked(note.message + hint))


def main(name, *options):
    migration = Migration(name)
    endpoints = migration.open_sides()
    lock = migrate.lock(endpoints, migration.name)
    LOG.info("%d batches are left, in %d lanes", len(migration.orders(endpoints)), migration.lanes)
    with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
        done = pipeline | Migrate(migration)
        done.left_out | beam.Map(lambda why: LOG.error("left out: %s", why))
    outcome = migrate.run("status", migration.settings, endpoints, show=show)
    report = json.loads(outcome.report)
    print(report["text"])
    lock.close()
    return 0 if report["is_complete"] else 1


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, tomllib.TOMLDecodeError, migrate.Unfit) as error:
        sys.exit(f"error: {error}")
