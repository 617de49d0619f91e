"""A whole migration in Python, with the component that the binary carries: python migrate.py CONFIG
It knows no InfluxDB; wit/planner.wit says what a host owes."""
import datetime, errno, fcntl, gzip, io, json, os, pathlib, queue, re, signal, ssl, sys, threading, time, tomllib, zlib
from functools import cache, partial
from types import SimpleNamespace as Record

from urllib3 import PoolManager, ProxyManager, exceptions as fault, make_headers
from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker, Variant

PIECE = 1 << 20  # bytes of a body at once
MEMORY, SECONDS = 512 << 20, 60  # ceilings of an instance: bytes, and what a call may take
LOOK_SECONDS = 1  # until it is seen that a run is to stop
BODIES, BODIES_MAX = threading.Lock(), 64  # of a plan, so many are kept that are not read to their end
CAUSES = [((fault.NewConnectionError, fault.SSLError), "unreachable"), (fault.TimeoutError, "timed-out"),
          ((fault.HTTPError, OSError, EOFError, zlib.error), "broken")]
STATUSES = {errno.ENOENT: 404, errno.ENOSPC: 507} | dict.fromkeys((errno.EACCES, errno.EBADF, errno.EISDIR), 403)
FILES = {"token_file", "read_token_file", "ca_file"}  # of a side, to be read alone
LOGIN = {"token_env", "token_file", "read_token_env", "read_token_file", "user", "password_env"}
ONCE = iter([True])  # standard input can be read so often
SECRETS = set()  # what was read of credentials, to be masked
SETTINGS = Config()
SETTINGS.epoch_interruption = True
try: SETTINGS.cache = True  # what is compiled is kept on this machine, where that can be written
except WasmtimeError: pass
ENGINE = Engine(SETTINGS)
COMPONENT = os.environ.get("COMPONENT", "tsm2iox.wasm")
CONTRACT = "tsm2iox:migration/planner@0.8.0"


class Unfit(Exception):
    """A person has to change something first."""


class Busy(Unfit):
    """Another run is under way."""


@cache
def compiled(path):
    try: return Component.from_file(ENGINE, path)
    except WasmtimeError: raise Unfit(f"{path} is no component: `tsm2iox component` writes one")  # not what is in it


def print_note(note):
    hint = f"\nhint: {note.hint}" if note.hint else ""
    print(masked(f"{note.severity}: {note.message}{hint}"), file=sys.stderr)


def opened(purpose, text):
    """What calls an instance of its own, and the plan in it, or the error of that."""
    store = Store(ENGINE)
    store.set_limits(memory_size=MEMORY), store.set_epoch_deadline(SECONDS)
    instance = Linker(ENGINE).instantiate(store, compiled(COMPONENT))
    if (planner := instance.get_export_index(store, CONTRACT)) is None: raise Unfit(f"{COMPONENT} has no {CONTRACT}")

    def call(name, *args):
        store.set_epoch_deadline(SECONDS)
        return instance.get_func(store, instance.get_export_index(store, name, planner))(store, *args)

    return call, call("[static]plan.open", purpose, text)


def run(purpose, text, endpoints, show=print_note, hand_out=None, report=lambda said: None, stop=None):
    """Opens a plan, and obeys until it is done: soon after the event `stop`, it is.

    `show` is called with notes; `hand_out` with the batches of a split."""
    call, plan = opened(purpose, text)
    answers, bodies, sent = queue.SimpleQueue(), {}, {}
    if hasattr(plan, "fault"): return Record(ending=Variant("failed", plan), totals=Record(), checkpoint="", report="")
    start = lambda id, *work: threading.Thread(target=lambda: answers.put((id, attempt(*work))), daemon=True).start()
    is_stopping = False
    while True:
        if stop and stop.is_set() and not is_stopping:
            call("[method]plan.stop", plan)
            is_stopping = True
        step = call("[method]plan.next", plan, time.time_ns())
        match step.tag, step.payload:
            case "send", request:
                if request.endpoint == "destination": sent[request.id] = request.body  # kept until 204
                start(request.id, send, endpoints[request.endpoint], request, bodies)
            case "recall", id: call("[method]plan.answer", plan, id, Variant("body", sent.pop(id)))
            case "read", id:
                with BODIES: body = bodies[id] = bodies.pop(id)  # the last one used stands last
                start(id, read, body)
            case "batch", batch if hand_out: hand_out(batch)
            case "batch", batch: start(batch.id, do_batch, batch, endpoints, show, answers, stop)
            case "report", said: report(said)
            case "note", note: show(note)
            case "done", outcome: return outcome
            case "wait", until:
                try: id, answer = answers.get(timeout=min(max(0, until - time.time_ns()) / 1e9, LOOK_SECONDS))
                except queue.Empty: continue
                if answer.tag == "response" and answer.payload.status == 204: sent.pop(id, None)
                call("[method]plan.answer", plan, id, answer)


def attempt(work, *args):
    try: return work(*args)
    except BaseException as error:  # whatever it is: a step without an answer would be waited for
        cause = next((cause for faults, cause in CAUSES if isinstance(error, faults)), "crashed")
        return Variant("failed", Record(cause=cause, message=f"{type(error).__name__}: {error}"))


def send(endpoint, request, bodies):
    if any(name in ("authorization", "host") or "\n" in name + value for name, value in request.headers):
        raise ValueError("the plan may not set these headers")
    try: response = endpoint(request)
    except OSError as error: response = reply(STATUSES.get(error.errno, 500), str(error))
    if response.status == 204: response.read(1)  # it has none: the connection is free again
    else:
        with BODIES:  # requests are threads
            bodies[request.id] = response
            if len(bodies) > BODIES_MAX: bodies.pop(next(iter(bodies)))  # not every body is read to its end
    return Variant("response", Record(status=response.status, headers=list(response.headers.items())))


def read(body): return Variant("latin1", piece.decode("latin-1")) if (piece := body.read(PIECE)) else Variant("end")


def do_batch(batch, endpoints, show, answers, stop):
    report = lambda text: answers.put((batch.id, Variant("report", text)))
    return Variant("outcome", run("batch", batch.order, endpoints, show, report=report, stop=stop))


def server(http, url, login, request):
    return http.request(request.method, url + request.path, body=request.body.encode(), timeout=request.timeout,
                        headers=dict(request.headers) | login(request.access), redirect=False, preload_content=False)


def fit(name, token):
    if (token := token.strip()).isascii() and token.isprintable(): return token
    raise Unfit(f"what {name} holds is no token: it has several lines, or characters that no header takes")


def credentials(section, folder, access):  # a file is read each time: its token may be rotated while this runs
    read = "read_" if access == "read" and {"read_token_env", "read_token_file"} & {*section} else ""
    match {key.removeprefix(read): value for key, value in section.items() if key.startswith(read)}:
        case {"token_env": name}: header = {"authorization": f"Token {fit(name, os.environ[name])}"}
        case {"token_file": name}: header = {"authorization": f"Token {fit(name, (folder / name).read_text())}"}
        case {"user": user, "password_env": name}:
            SECRETS.add(password := os.environ[name].strip())
            header = make_headers(basic_auth=f"{user}:{password}")
        case _: return {}
    SECRETS.add(header["authorization"].partition(" ")[2])
    return header


def worded(message, hint): return masked(f"{message}; {hint}" if hint else message)


def masked(text):  # a server may quote a credential
    for secret in sorted(SECRETS, key=len, reverse=True):
        if len(secret) >= 4: text = text.replace(secret, "****")
    return text


def reply(status, said="", **headers): return Record(status=status, headers=headers, read=io.BytesIO(said.encode()).read)


def file(path, request):  # answers as a server would
    length = lambda: {"upload-offset": str(os.path.getsize(path))}
    if request.method == "GET": return Record(status=200, headers={}, read=open(path, "rb").read)
    if request.method == "HEAD": return reply(204, **length())
    with open(path, "ab") as target:
        fcntl.flock(target, fcntl.LOCK_EX), target.seek(0, os.SEEK_END)  # others may append to it, too
        if (offset := int(dict(request.headers).get("upload-offset", target.tell()))) > target.tell(): return reply(409)
        target.truncate(offset), target.write(request.body.encode()), target.flush(), os.fsync(target.fileno())
        return reply(204, **length())


def source(path, request):  # a file that is only read, decompressed if it is gzip; 0 is standard input
    if path == 0 and next(ONCE, None) is None: return reply(410, "standard input can be read only once")
    stream = open(path, "rb")
    if path == 0 and (stream.isatty() or not stream.peek(1)): return reply(403, "nothing is piped into standard input")
    is_gzip = stream.peek(2)[:2] == b"\x1f\x8b"
    return Record(status=200, headers={}, read=(gzip.open(stream) if is_gzip else stream).read)


def endpoint(side, section, folder):
    match section:
        case {"path": path} if side == "source": return partial(source, 0 if path == "-" else folder / path)
        case {"path": path}: return partial(file, folder / path)
    login = partial(credentials, section, folder)
    login("read"), login("write")  # one that is not there is said before anything is done
    tls = ssl.create_default_context()
    if "ca_file" in section: tls.load_verify_locations(folder / section["ca_file"])
    pool = partial(ProxyManager, section["proxy"]) if "proxy" in section else PoolManager
    return partial(server, pool(retries=False, maxsize=8, ssl_context=tls), section["url"].rstrip("/"), login)


def read_config(name):
    try: text = name.read_bytes().decode()
    except UnicodeDecodeError as error: raise Unfit(f"{name}: {error}")
    if found := re.search(r"=\s*(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d\.\d{7,}\S*)", text):
        raise Unfit(f"put {found[1]} into quotes: Python's TOML would cut it to microseconds")
    try: return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error: raise Unfit(f"{name}: {error}")


def time_of(nanoseconds):
    seconds, rest = divmod(nanoseconds, 10**9)
    time = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return time.isoformat() + (f".{rest:09}" if rest else "") + "Z"


def open_sides(config, name):  # the endpoints; paths are beside the configuration, which is called `name`
    _, plan = opened("status", json.dumps(config, default=str))  # it knows all keys, and explains a misspelt one
    if hasattr(plan, "fault"): raise Unfit(explained(plan))
    given = config.get("checkpoint", {})  # in a bucket, it is by default where the source is, with the same credentials
    keys = {"url"} | (set() if LOGIN & {*given} else LOGIN) | (set() if "url" in given else {"ca_file", "proxy"})
    default = {key: value for key, value in config.get("source", {}).items() if key in keys}
    checkpoint = (default if "bucket" in given else {"path": f"{name.stem}.checkpoint.lp"}) | given
    sides = {side: config[side] for side in ("source", "destination") if side in config} | {"checkpoint": checkpoint}
    sides["rejected"] = {"path": f"{name.stem}.rejected.lp"} | config.get("rejected", {})
    try: endpoints = {side: endpoint(side, section, name.parent) for side, section in sides.items()}
    except KeyError as error: raise Unfit(f"{error} is not set: the environment, or the configuration, lacks it")
    except OSError as error: raise Unfit(str(error))
    files = [side.args[0].resolve() for side in endpoints.values() if isinstance(side.args[0], pathlib.Path)]
    others = {name} | {name.parent / side[key] for side in sides.values() for key in FILES & {*side}}
    if len(files) > len(set(files)) or {*files} & {file.resolve() for file in others}:
        raise Unfit("two sides are one file, or one that is read")
    return endpoints


def lock(endpoints, name):  # held as long as what it returns is kept
    records = endpoints["checkpoint"].args[0]
    lock = open(f"{records.resolve() if isinstance(records, pathlib.Path) else name.with_suffix('')}.lock", "w")
    try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: lock.close()
    if lock.closed: raise Busy(f"another run is under way: it holds {lock.name}")
    return lock


def why(outcome):  # what ended it, for people
    return explained(error) if (error := outcome.ending.payload) else ""


def explained(error): return worded(": ".join([error.message, *error.causes]), error.hint)


def ticks():
    while True: time.sleep(1), ENGINE.increment_epoch()


threading.Thread(target=ticks, daemon=True).start()  # whoever imports this wants to run something

if __name__ == "__main__":
    try:
        if len(sys.argv) != 2: raise Unfit("usage: python migrate.py CONFIG")
        name = pathlib.Path(sys.argv[1])
        config = read_config(name)
        held = lock(endpoints := open_sides(config, name), name)
    except (Unfit, OSError) as error: print(f"error: {error}", file=sys.stderr), sys.exit(2)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda *_: stop.set())
    outcome = run("migrate", json.dumps(config, default=str), endpoints, stop=stop)
    print(outcome.ending.tag, vars(outcome.totals), why(outcome))
    sys.exit(["complete", "stopped", "failed", "different"].index(outcome.ending.tag))
