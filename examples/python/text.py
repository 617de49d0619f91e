"""The component by its two functions of strings: convert a response, or ask a plan in JSON.

    text.Instance().convert(response, '{"format": "csv"}')
"""

import os
import pathlib

from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker

COMPONENT = os.environ.get("COMPONENT", "tsm2iox.wasm")
MEMORY = 512 << 20  # bytes; an instance that wants more is lost

SETTINGS = Config()
try:
    SETTINGS.cache = True  # What is compiled is kept on this machine.
except WasmtimeError:
    pass  # Where it cannot be written, it is compiled each time.
ENGINE = Engine(SETTINGS)


class Failure(Exception):
    """What the component says is wrong."""


class Instance:
    """Has a memory of its own, and one plan at most. For one thread."""

    compiled = None

    def __init__(self):
        if Instance.compiled is None:
            Instance.compiled = Component(ENGINE, pathlib.Path(COMPONENT).read_bytes())
        self.store = Store(ENGINE)
        self.store.set_limits(memory_size=MEMORY)
        self.instance = Linker(ENGINE).instantiate(self.store, Instance.compiled)

    def convert(self, response, settings):
        """Line protocol of a response; settings is a JSON object as text."""
        return self._call("convert", response, settings)

    def plan(self, message):
        """A call of the interface `planner`, as JSON; what it returns is JSON, too."""
        return self._call("plan", message)

    def _call(self, name, *texts):
        result = self.instance.get_func(self.store, name)(self.store, *texts)
        if result.tag == "err":
            raise Failure(result.payload)
        return result.payload
