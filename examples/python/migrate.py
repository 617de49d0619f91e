"""A whole migration in Python, with the component that the binary carries: python migrate.py CONFIG
It knows base URLs, tokens and files, and no InfluxDB; wit/planner.wit says what a host owes.
Times with more than microseconds belong in quotes: Python's own type for them has no more. """
import errno, fcntl, json, os, pathlib, sys, threading, time, tomllib
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from functools import partial
from types import SimpleNamespace as Record

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError, TimeoutError
from wasmtime import Config, Engine, Store
from wasmtime.component import Component, Linker, Variant

PIECE, MEMORY, SECONDS = 1 << 20, 512 << 20, 60  # bytes of a body at once; ceilings of an instance
CAUSES = [((NewConnectionError, SSLError), "unreachable"), (TimeoutError, "timed-out"),
          ((HTTPError, OSError), "broken")]
HTTP, POOL, APPEND = urllib3.PoolManager(retries=False, maxsize=8), ThreadPoolExecutor(64), threading.Lock()
settings = Config()
settings.epoch_interruption = True
ENGINE = Engine(settings)
COMPONENT = Component.from_file(ENGINE, os.environ.get("COMPONENT", "tsm2iox.wasm"))


def run(purpose, text, endpoints):  # opens a plan, in an instance of its own, and obeys until it is done
    store = Store(ENGINE)
    store.set_limits(memory_size=MEMORY)
    store.set_epoch_deadline(SECONDS)
    instance = Linker(ENGINE).instantiate(store, COMPONENT)
    planner = instance.get_export_index(store, "tsm2iox:migration/planner@0.1.0")

    def call(name, *args):
        store.set_epoch_deadline(SECONDS)
        return instance.get_func(store, instance.get_export_index(store, name, planner))(store, *args)

    plan, pending, bodies = call("[static]plan.open", purpose, text), {}, {}
    if hasattr(plan, "fault"):  # the error of the result
        return Record(ending=Variant("failed", plan), totals=Record(), checkpoint="")
    start = lambda id, *work: pending.update({POOL.submit(attempt, *work): id})
    while True:
        step = call("[method]plan.next", plan, time.time_ns())
        match step.tag, step.payload:
            case "send", request: start(request.id, send, endpoints[request.endpoint], request, bodies)
            case "read", id: start(id, read, bodies.setdefault(id, bodies.pop(id)))  # the last one used stands last
            case "batch", batch: start(batch.id, do_batch, batch.order, endpoints)
            case "note", note: print(f"{note.severity}: {note.message}", file=sys.stderr)
            case "done", outcome: return outcome
            case "wait", until:
                seconds = max(0, until - time.time_ns()) / 1e9
                if not pending: time.sleep(seconds)
                for done in wait(pending, seconds, FIRST_COMPLETED).done:
                    call("[method]plan.answer", plan, pending.pop(done), done.result())


def attempt(work, *args):
    try: return work(*args)
    except Exception as error:
        cause = next((cause for faults, cause in CAUSES if isinstance(error, faults)), "crashed")
        return Variant("failed", Record(cause=cause, message=f"{type(error).__name__}: {error}"))


def send(endpoint, request, bodies):
    if any(name in ("authorization", "host") or "\n" in name + value for name, value in request.headers):
        raise ValueError("the plan may not set these headers")
    response = bodies[request.id] = endpoint(request)
    if len(bodies) > 64: bodies.pop(next(iter(bodies)))  # not every body is read to its end
    return Variant("response", Record(status=response.status, headers=list(response.headers.items())))


def read(body): return Variant("latin1", piece.decode("latin-1")) if (piece := body.read(PIECE)) else Variant("end")


def do_batch(order, endpoints): return Variant("outcome", run("batch", order, endpoints))


def server(url, credentials, request):
    return HTTP.request(request.method, url + request.path, body=request.body.encode(), timeout=request.timeout,
                        headers=dict(request.headers) | credentials, redirect=False, preload_content=False)


def file(path, request):  # answers as a server would
    empty, size = (lambda size: b""), os.path.getsize(path) if os.path.exists(path) else None
    if request.method != "POST" and size is None: return Record(status=404, headers={}, read=empty)
    if request.method == "HEAD": return Record(status=204, headers={"upload-offset": str(size)}, read=empty)
    if request.method == "GET": return Record(status=200, headers={}, read=open(path, "rb").read)
    with APPEND, open(path, "ab") as target:
        offset = int(dict(request.headers).get("upload-offset", target.tell()))
        if offset > target.tell(): return Record(status=409, headers={}, read=empty)
        target.truncate(offset)
        try: target.write(request.body.encode()), target.flush(), os.fsync(target.fileno())
        except OSError as error: return Record(status=507 if error.errno == errno.ENOSPC else 500, headers={}, read=empty)
        return Record(status=204, headers={"upload-offset": str(os.path.getsize(path))}, read=empty)


def endpoint(section, folder):
    if "path" in section: return partial(file, folder / section["path"])
    token = os.environ[section["token_env"]].strip() if "token_env" in section else None
    if "token_file" in section: token = (folder / section["token_file"]).read_text().strip()
    return partial(server, section["url"].rstrip("/"), {"authorization": f"Token {token}"} if token else {})


def ticks():
    while True: time.sleep(1), ENGINE.increment_epoch()


if __name__ == "__main__":
    name = pathlib.Path(sys.argv[1])
    config = tomllib.loads(name.read_text())
    checkpoint = config.get("checkpoint", {})
    if "bucket" in checkpoint:  # it is by default where the source is, with the same credentials
        keys = {"url"} | (set() if {"token_env", "token_file"} & set(checkpoint) else {"token_env", "token_file"})
        checkpoint = {key: config["source"][key] for key in keys & set(config["source"])} | checkpoint
    else: checkpoint = {"path": f"{name.stem}.checkpoint.lp"} | checkpoint
    sides = {side: config[side] for side in ("source", "destination") if side in config} | {"checkpoint": checkpoint}
    paths = [(name.parent / section["path"]).resolve() for section in sides.values() if "path" in section]
    if len(paths) > len(set(paths)): sys.exit("error: two sides are one file")
    lock = open(name.parent / (checkpoint.get("path", name.stem) + ".lock"), "w")
    try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: sys.exit(f"error: another run holds {lock.name}")
    try: endpoints = {side: endpoint(section, name.parent) for side, section in sides.items()}
    except (KeyError, OSError) as error: print(f"error: no token, path or URL: {error}", file=sys.stderr), sys.exit(2)
    threading.Thread(target=ticks, daemon=True).start()
    outcome = run("migrate", json.dumps(config, default=str), endpoints)
    print(outcome.ending.tag, vars(outcome.totals), getattr(outcome.ending.payload, "message", ""))
    sys.exit(["complete", "stopped", "failed", "different"].index(outcome.ending.tag))
