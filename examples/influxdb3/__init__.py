"""A migration as a plugin of InfluxDB 3's processing engine: the destination itself runs it. README.md says how.
All the work is done by migrate.py, which lies beside this file on the server, as does the component.

What is moved is written by HTTP, as the configuration says, and not by `influxdb3_local.write`: what that takes is
written when the call has ended, when it is too late to record what has arrived, or to stop where it is refused."""
import contextlib, json, pathlib, threading

from . import migrate

migrate.COMPONENT = pathlib.Path(__file__).parent / "tsm2iox.wasm"
ENDINGS = {"complete": ("info", 200), "different": ("warning", 200), "busy": ("info", 409),
           "stopped": ("warning", 503), "failed": ("error", 500)}  # how it is logged, and the status of an answer


def process_scheduled_call(influxdb3_local, call_time, args=None):
    obey("migrate", influxdb3_local, args or {})


def process_request(influxdb3_local, query_parameters, request_headers, request_body, args=None):
    purpose = query_parameters.get("do", "migrate")
    if purpose not in ("migrate", "status"): return {"ending": "failed", "message": "`do` is migrate or status"}, 400
    answer = obey(purpose, influxdb3_local, args or {})
    return answer, ENDINGS[answer["ending"]][1]


def obey(purpose, local, args):
    # Lets no exception out: as a trigger is created, the engine may try again at once, or disable it.
    levels, stop = {"info": local.info, "warning": local.warn, "error": local.error}, threading.Event()

    def log(severity, text):
        try: levels[severity](migrate.masked(text))
        except KeyboardInterrupt: stop.set()  # since 3.11: the server ends, or the trigger is disabled

    def end(ending, message, totals=None, **more):
        severity = ENDINGS[ending][0]
        if purpose == "migrate" or severity == "error": log(severity, f"{ending}: {message}")
        return {"ending": ending, "totals": totals or {}, "message": migrate.masked(message)} | more

    if "config" not in args: return end("failed", "no configuration: --trigger-arguments config=/path/migration.toml")
    try:
        name = pathlib.Path(args["config"])
        config = migrate.read_config(name)
        endpoints = migrate.open_sides(config, name)
        show = lambda note: log(note.severity, migrate.worded(note.message, note.hint))
        with migrate.lock(endpoints, name) if purpose == "migrate" else contextlib.nullcontext():
            outcome = migrate.run(purpose, json.dumps(config, default=str), endpoints, show, stop=stop)
    except migrate.Busy as busy: return end("busy", str(busy))
    except Exception as error: return end("failed", f"{args['config']}: {type(error).__name__}: {error}")
    ending, totals = outcome.ending.tag, vars(outcome.totals)
    if outcome.report: return end(ending, migrate.why(outcome), totals, report=json.loads(outcome.report))
    done = "moved" if ENDINGS[ending][1] == 200 else "read"  # of which it may be that none has arrived
    moved = f"{totals['rows']} rows were {done}" if totals.get("rows") else f"nothing was {done}"
    return end(ending, f"{moved}; {said}" if (said := migrate.why(outcome)) else moved, totals)
