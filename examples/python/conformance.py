"""What each host must get: the lines or the error of each response, and each dialogue as it was."""

import json
import os
import pathlib

ROOT = pathlib.Path(__file__).parents[2]
os.environ["COMPONENT"] = str(ROOT / "guest/tsm2iox.wasm")
from text import Failure, Instance  # noqa: E402

TESTS = ROOT / "tests"


def cases():
    """Responses that are text."""
    for path in sorted(TESTS.glob("corpus/*/response.*")):
        try:
            response = path.read_bytes().decode()
        except UnicodeDecodeError:
            continue
        if path.suffix != ".msgpack":
            settings = path.with_name("settings.json")
            settings = json.loads(settings.read_text()) if settings.exists() else {}
            yield path.parent, response, json.dumps(settings | {"format": path.suffix[1:]})


def converts(folder, response, settings):
    error = folder / "error.txt"
    try:
        said, expected = Instance().convert(response, settings), folder / "lines.lp"
        assert not error.exists(), folder
    except Failure as failure:
        said, expected = f"{failure}\n", error
    assert said.encode() == expected.read_bytes(), f"{folder}: {said}"


def speaks(path):
    instance, said = Instance(), None
    for line in path.read_bytes().decode().removesuffix("\n").split("\n"):
        if line.startswith("> "):
            said = instance.plan(line[2:])
        else:
            assert said == line[2:], f"{path}: {said}"


if __name__ == "__main__":
    checked = [converts(*case) for case in cases()]
    dialogues = [speaks(path) for path in sorted(TESTS.glob("dialogues/*.txt"))]
    assert len(checked) >= 80 and len(dialogues) >= 12, (len(checked), len(dialogues))
    print(f"{len(checked)} responses and {len(dialogues)} dialogues are as they should be")
