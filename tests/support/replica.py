"""A process that places itself as a replica would, on orders from a test."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployments.errors import Unavailable
from deployments.placement.placement import Placement, place
from tests.support.fake_nvml import GIB, FileReader

ROOT = Path(__file__).parent.parent.parent


class Replica:
    """The test's end. `order` returns before the answer is there, so that several may work at once."""

    def __init__(self, folder: Path, *, model: str = "Llasa", fraction: float | None = None, gib: float = 1) -> None:
        arguments = [str(folder), model, json.dumps(fraction), str(gib)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.replica", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.endswith("VISIBLE_DEVICES")},
        )

    def order(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")

    def answer(self) -> Any:
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], 20)[0], "no answer in 20 s"
        return json.loads(self.process.stdout.readline())

    def ask(self, word: str) -> Any:
        self.order(word)
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


@contextmanager
def replicas(folder: Path, *needs: dict[str, Any]) -> Iterator[list[Replica]]:
    started = [Replica(folder, **need) for need in needs]
    try:
        yield started
    finally:
        for replica in started:
            replica.kill()


def main(folder: Path, model: str, fraction: float | None, gib: float) -> None:
    placement: Placement | None = None
    for line in sys.stdin:
        answer: Any = None
        try:
            match line.strip():
                case "place":
                    reader = FileReader(folder / "gpus.json")
                    placement = place(model, fraction, int(gib * GIB), reader, lease_dir=folder / "leases")
                    answer = os.environ.get("CUDA_VISIBLE_DEVICES")
                case "next":
                    assert placement
                    placement.next()
                    answer = placement.uuid
                case "release":
                    assert placement
                    placement.release()
                case "fork":
                    up, told = os.pipe()
                    if not (answer := os.fork()):
                        os.write(told, b"1")
                        signal.pause()
                    os.read(up, 1)
                case "exec":
                    answer = subprocess.Popen(["sleep", "60"]).pid
        except Unavailable as error:
            answer = {"unavailable": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), float(sys.argv[4]))
