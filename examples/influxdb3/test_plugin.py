"""The plugin, loaded and called as the processing engine does, with an `influxdb3_local` that keeps what it is told.
The migrations are real ones, by the component: python examples/influxdb3/test_plugin.py"""
import http.server, importlib, json, pathlib, shutil, sys, tempfile, threading, unittest

ROOT = pathlib.Path(__file__).parents[2]
PLUGIN, HOST, COMPONENT = "examples/influxdb3/__init__.py", "examples/python/migrate.py", "guest/tsm2iox.wasm"
CASE = ROOT / "tests/corpus/one_minute"
LINES = (CASE / "lines.lp").read_bytes()
CONFIG = """
[source]
api = "csv"
path = "response.csv"

[destination]
api = "lp"
path = "out.lp"
"""
INTO_SERVER = CONFIG.partition("[destination]")[0] + """
[destination]
api = "v3"
url = "http://127.0.0.1:{port}"
bucket = "telegraf"
holds_data = true
"""
SECONDS = 60  # more than any call takes, on a slow machine too


def install(name, *files):
    """A folder in a plugin directory, as README.md says to make it."""
    folder = pathlib.Path(tempfile.mkdtemp(), name)
    unittest.addModuleCleanup(shutil.rmtree, folder.parent)
    folder.mkdir()
    for file in (PLUGIN, HOST, *files): shutil.copy(ROOT / file, folder)
    return folder


def load(folder, function):
    """The parent folder is in the path for as long as the import takes, and no longer."""
    sys.path.insert(0, str(folder.parent))
    try: return getattr(importlib.import_module(folder.name), function)
    finally: sys.path.pop(0)


def setUpModule():
    global FOLDER
    FOLDER = install("tsm2iox", COMPONENT)


class Local:
    """`influxdb3_local`; once cancelled, it raises what the engine does since 3.11."""
    def __init__(self): self.said, self.is_cancelled, self.threads, self.meanwhile = [], False, set(), None
    def info(self, *args): self.log("info", args)
    def warn(self, *args): self.log("warn", args)
    def error(self, *args): self.log("error", args)

    def log(self, level, args):
        self.threads.add(threading.get_ident())
        if self.is_cancelled: raise KeyboardInterrupt("influxdb3 is shutting down")
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile: meanwhile()
        self.said.append((level, " ".join(map(str, args))))


class Plugin(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.local, self.out = Local(), self.folder / "out.lp"
        shutil.copy(CASE / "response.csv", self.folder)
        self.args = self.configure(CONFIG)

    def configure(self, text):
        (self.folder / "migration.toml").write_text(text)
        return {"config": str(self.folder / "migration.toml")}

    def call(self, function, *args, folder=None):
        """In a thread of its own, as the engine calls; what takes too long fails."""
        said = []

        def work():
            try: said.append(load(folder or FOLDER, function)(self.local, *args))
            except BaseException as error: said.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start(), thread.join(SECONDS)
        self.assertTrue(said, f"no end within {SECONDS} s")
        return said[0]

    def schedule(self, args, **folder):
        """Returns what this call has logged."""
        before = len(self.local.said)
        self.assertIsNone(self.call("process_scheduled_call", None, args, **folder))
        return self.local.said[before:]

    def request(self, args, **query):
        """The object and the status of an answer, by way of JSON."""
        body, status = self.call("process_request", query, {}, b"", args)
        self.assertIs(type(body), dict)
        return json.loads(json.dumps(body)), status

    def test_a_scheduled_call_migrates_to_the_end_and_the_next_one_moves_nothing(self):
        self.assertEqual(self.schedule(self.args), [
            ("info", "the file is done: 615 rows; 100.0 % complete"), ("info", "complete: 615 rows were moved")])
        self.assertEqual(self.out.read_bytes(), LINES)
        self.assertEqual(self.schedule(self.args), [
            ("info", "1 batch is done already, 100.0 % of the file"), ("info", "complete: nothing was moved")])
        self.assertEqual(self.out.read_bytes(), LINES)

    def test_a_request_migrates_and_answers_with_what_was_moved(self):
        body, status = self.request(self.args)
        self.assertEqual((status, body["ending"], body["message"]), (200, "complete", "615 rows were moved"))
        self.assertEqual((body["totals"]["rows"], body["totals"]["written"]), (615, len(LINES)))
        self.assertEqual(self.out.read_bytes(), LINES)
        body, status = self.request(self.args, do="migrate")
        self.assertEqual((status, body["message"], body["totals"]["rows"]), (200, "nothing was moved", 0))

    def test_the_status_is_what_is_recorded_and_moves_nothing(self):
        body, status = self.request(self.args, do="status")
        self.assertEqual((status, body["report"]["is_complete"], body["totals"]["rows"]), (200, False, 0))
        self.assertEqual((self.local.said, self.out.exists()), ([], False))
        self.schedule(self.args)
        body, status = self.request(self.args, do="status")
        self.assertEqual((status, body["report"]["is_complete"], body["totals"]["rows"]), (200, True, 615))

    def test_another_thing_to_do_is_refused(self):
        refused = {"ending": "failed", "message": "`do` is migrate or status"}
        self.assertEqual(self.request(self.args, do="verify"), (refused, 400))
        self.assertFalse(self.out.exists())

    def test_a_call_while_another_one_is_on_says_so_and_does_nothing(self):
        answers = []
        self.local.meanwhile = lambda: answers.extend([self.request(self.args), self.request(self.args, do="status")])
        busy = f"another run is under way: it holds {self.folder / 'migration.checkpoint.lp.lock'}"
        self.assertEqual(self.schedule(self.args), [
            ("info", f"busy: {busy}"),
            ("info", "the file is done: 615 rows; 100.0 % complete"), ("info", "complete: 615 rows were moved")])
        self.assertEqual(answers[0], ({"ending": "busy", "totals": {}, "message": busy}, 409))
        self.assertEqual((answers[1][1], answers[1][0]["ending"]), (200, "complete"))

    def check_error(self, args, expected):
        [(level, text)] = self.schedule(args)
        self.assertEqual(level, "error")
        self.assertRegex(text, expected)
        body, status = self.request(args)
        self.assertEqual((status, body["ending"], f"failed: {body['message']}"), (500, "failed", text))
        self.assertFalse(self.out.exists())

    def test_what_is_unfit_is_an_error_in_the_log_and_no_exception(self):
        for args in (None, {}, {"konfig": "x"}):
            self.check_error(args, r"^failed: no configuration: --trigger-arguments config=/path/migration.toml$")
        self.check_error({"config": str(self.folder / "none.toml")}, r"none\.toml: FileNotFoundError: ")
        for text, expected in [
            ("[source", r"migration\.toml: Unfit: "),
            (CONFIG + "x = 2022-01-01T00:00:00.000000001Z", r"into quotes: Python"),
            ("source = 1", r"migration\.toml: Unfit: `source` "),
            (CONFIG.replace("out.lp", "response.csv"), r"migration\.toml: Unfit: two sides are one file, or one that is read$"),
            (INTO_SERVER.format(port=9) + 'token_env = "NOBODY_SETS_IT"',
             r"migration\.toml: Unfit: 'NOBODY_SETS_IT' is not set: "),
            (CONFIG + 'colour = "red"\n', r"migration\.toml: Unfit: .*colour"),
        ]:
            with self.subTest(text): self.check_error(self.configure(text), expected)

    def test_a_component_that_is_not_there_is_an_error_until_it_is(self):
        folder = install("tsm2iox_without_component")
        [(level, text)] = self.schedule(self.args, folder=folder)
        self.assertEqual(level, "error")
        self.assertIn("tsm2iox_without_component/tsm2iox.wasm", text)
        shutil.copy(ROOT / COMPONENT, folder)
        self.schedule(self.args, folder=folder)
        self.assertEqual(self.out.read_bytes(), LINES)

    def serve(self, status):
        """A server that answers so to each request; and the arguments for a migration into it."""
        server = self.enterContext(Server(("127.0.0.1", 0), Handler))
        server.status, server.asked = status, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        (self.folder / "token").write_text("very-secret\n")
        return server, self.configure(INTO_SERVER.format(port=server.server_port) + 'token_file = "token"')

    def test_two_sides_may_read_one_token_by_two_names(self):
        server, args = self.serve(204)
        (self.folder / "link").symlink_to("token")
        self.configure((self.folder / "migration.toml").read_text() + '\nread_token_file = "link"')
        self.assertEqual(self.schedule(args)[-1], ("info", "complete: 615 rows were moved"))

    def test_no_side_is_a_file_that_is_read(self):
        server, args = self.serve(204)
        self.configure((self.folder / "migration.toml").read_text() + '\n[checkpoint]\npath = "token"')
        [(level, text)] = self.schedule(args)
        self.assertRegex(text, "two sides are one file, or one that is read$")
        self.assertEqual((self.folder / "token").read_text(), "very-secret\n")

    def test_a_token_that_is_none_is_not_shown(self):
        server, args = self.serve(204)
        (self.folder / "token").write_text("very-secret\nvery-secret-too\n")
        [(level, text)] = self.schedule(args)
        self.assertRegex(text, "Unfit: what token holds is no token: it has several lines")
        self.assertEqual(("very-secret" in text, server.asked), (False, []))

    def test_a_server_gets_the_lines_by_http(self):
        server, args = self.serve(204)
        self.assertEqual(self.schedule(args)[-1], ("info", "complete: 615 rows were moved"))
        [(path, token, lines)] = server.asked
        self.assertEqual((path.partition("?")[0], token), ("/api/v3/write_lp", "Token very-secret"))
        self.assertEqual(lines, LINES)

    def test_a_token_that_a_server_quotes_is_masked(self):
        server, args = self.serve(401)
        logged = self.schedule(args)
        body, status = self.request(args)
        self.assertIn("Token very-secret", [token for _, token, _ in server.asked])
        self.assertEqual((logged[-1][0], body["ending"], status), ("error", "failed", 500))
        for text in (str(logged), json.dumps(body)):
            self.assertIn("no access for Token ****", text)
            self.assertNotIn("very-secret", text)

    def test_a_call_that_is_cancelled_ends_and_the_next_one_goes_on(self):
        server, args = self.serve(503)  # with that it has something to say, again and again
        self.local.is_cancelled = True
        body, status = self.request(args)
        self.assertEqual((status, body["ending"]), (503, "stopped"), body)
        self.assertEqual(len(self.local.threads), 2, "the thread of the call, and that of its batch")
        self.local.is_cancelled, server.status = False, 204
        self.assertEqual(self.schedule(args)[-1], ("info", "complete: 615 rows were moved"))
        self.assertEqual(server.asked[-1][2], LINES)


class Server(http.server.ThreadingHTTPServer): daemon_threads = True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        token = self.headers["authorization"]
        self.server.asked.append((self.path, token, self.rfile.read(int(self.headers["content-length"]))))
        body = b"" if self.server.status == 204 else json.dumps({"error": f"no access for {token}"}).encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args): pass


# migrate.py leaves it to Python to close files that are read: no warnings about that.
if __name__ == "__main__": unittest.main(warnings="ignore")
