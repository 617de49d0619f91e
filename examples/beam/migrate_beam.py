"""A migration on Apache Beam: python migrate_beam.py CONFIG [options of a runner]

It has `limits.concurrency` slots, however many workers the runner has: each is a part of the quotas, and does one batch
at a time. A slot hands on what is used of its part from batch to batch. Each batch records itself, so a slot that is
tried again does what is left.
"""

import collections
import json
import logging
import pathlib
import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

import migrate

LOG = logging.getLogger("tsm2iox")
SEVERITIES = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
ATTEMPTS = 3  # of a batch, each of which has tried each request `limits.attempts` times
STOPPED_IN_A_ROW = 5  # batches, after which it is the source that is not well
OF_ALL = ["unauthorized", "missing", "settings"]  # faults that the next batch would meet as well
ALONE = [  # what `tsm2iox run` alone can do, for it does one batch after another, and records how it began
    ("migration", "start", "earliest"), ("migration", "stop", "now"),
    ("limits", "read_mb", "auto"), ("limits", "write_mb", "auto"),
    ("source", "api", "csv"), ("source", "api", "lp"), ("destination", "api", "lp"),
]  # fmt: skip


class Incomplete(Exception):
    """A batch came to no end, and trying its slot again may help: a runner does so."""


class Migration:
    """A configuration as workers need it: its text, and where its files are."""

    def __init__(self, name):
        self.name = pathlib.Path(name).absolute()
        self.config = migrate.read_config(self.name)
        self.settings = json.dumps(self.config, default=str)
        self.slots = self.config.get("limits", {}).get("concurrency", 1)
        for table, key, word in ALONE:
            if self.config.get(table, {}).get(key) == word:
                raise migrate.Unfit(f'`{table}.{key}` cannot be "{word}" here; `tsm2iox run` can do that')

    def open_sides(self):
        return migrate.open_sides(self.config, self.name)

    def left(self, endpoints):
        """The orders of the batches that are left, by their names."""
        batches = []
        outcome = migrate.run("split", self.settings, endpoints, show, hand_out=batches.append)
        if outcome.ending.tag != "complete":
            raise migrate.Unfit(migrate.why(outcome))
        return {name_of(batch): batch.order for batch in batches}


class Split(beam.DoFn):
    """Gives the batches of a migration, each with its slot: name and order."""

    def __init__(self, migration):
        self.migration = migration

    def process(self, _):
        left = self.migration.left(self.migration.open_sides())
        yield from ((number % self.migration.slots, batch) for number, batch in enumerate(left.items()))


class DoBatches(beam.DoFn):
    """Does the batches of a slot; gives their records, and why others were left out."""

    def __init__(self, migration):
        self.migration = migration

    def setup(self):
        self.endpoints = self.migration.open_sides()
        self.used = {}  # of each slot

    def process(self, element):
        slot, batches = element
        # It may be tried again: what is recorded by now is done.
        left = self.migration.left(self.endpoints)
        waiting = collections.deque((name, order, 1) for name, order in batches if name in left)
        in_a_row = 0
        while waiting:
            name, order, attempt = waiting.popleft()
            outcome = self.do_batch(slot, order)
            why = f"{name}: {migrate.why(outcome)}"
            match outcome.ending.tag:
                case "complete" | "different":
                    in_a_row = 0
                    LOG.info("%s is done: %d rows", name, outcome.totals.rows)
                    yield outcome.checkpoint
                case "failed" if outcome.ending.payload.fault in OF_ALL:
                    raise migrate.Unfit(why)
                case "failed":
                    yield beam.pvalue.TaggedOutput("left_out", why)
                case "stopped":
                    # Such as by a response that was cut: once more, after the others.
                    in_a_row += 1
                    if attempt == ATTEMPTS or in_a_row == STOPPED_IN_A_ROW:
                        raise Incomplete(why)
                    waiting.append((name, order, attempt + 1))

    def do_batch(self, slot, order):
        used = self.used.setdefault(slot, {})
        order = json.dumps(json.loads(order) | used)
        outcome = migrate.run("batch", order, self.endpoints, show)
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


def name_of(batch):
    times = (migrate.time_of(time) for time in (batch.range.start, batch.range.stop))
    return " ".join(filter(None, ["/".join(times), batch.selection]))


def show(note):
    LOG.log(SEVERITIES[note.severity], migrate.worded(note.message, note.hint))


def main(name, *options):
    migration = Migration(name)
    endpoints = migration.open_sides()
    with migrate.lock(endpoints, migration.name):
        LOG.info("%d batches are left, for %d slots", len(migration.left(endpoints)), migration.slots)
        try:
            with beam.Pipeline(options=PipelineOptions(options)) as pipeline:
                done = pipeline | Migrate(migration)
                done.left_out | beam.Map(lambda why: LOG.error("left out: %s", why))
        except Exception as error:  # of the runner, with the traces of all its workers
            LOG.error("the pipeline has failed: %s", migrate.masked(str(error).strip().splitlines()[-1]))
        outcome = migrate.run("status", migration.settings, endpoints, show)
    report = json.loads(outcome.report)
    print(report["text"], end="")
    if not report["is_complete"]:
        print("the same command does what is left")
        return 1
    return 3 if outcome.totals.rejected else 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", force=True)
    LOG.setLevel(logging.INFO)
    try:
        sys.exit(main(*sys.argv[1:]) if sys.argv[1:] else "usage: python migrate_beam.py CONFIG [options of a runner]")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command does what is left")
    except (OSError, migrate.Unfit) as error:
        print(f"error: {migrate.masked(str(error))}", file=sys.stderr)
        sys.exit(2)
