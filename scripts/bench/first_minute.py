"""Measures the first minute: from the start of the service to the first speech, as a person has it.

Starts the service, sends the first request of the README as soon as the URLs are printed or after a while, stops the
service, and repeats with WARM_UP off and on.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx

from scripts.bench.clip import clip
from scripts.bench.server import free_port

_PATIENCE: Final = 300
_READY: Final = "Ready"
_ROOT: Final = Path(__file__).resolve().parents[2]


def first_minute(command: list[str], think: float, *, warm_up: bool) -> tuple[float, float, float]:
    """Returns seconds: from the start to the URLs, of the first request, and of the second one.

    Args:
        command: Starts the service.
        think: Seconds between the URLs and the request.
        warm_up: Whether the models load while nobody asks.
    """
    port = free_port()
    environment = {"PROFILE": "nano", "API_HOST": "127.0.0.1", "API_PORT": str(port), "WARM_UP": str(warm_up).lower()}
    begin = time.perf_counter()
    with subprocess.Popen(
        command, env=os.environ | environment, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout  # noqa: S101 - it is a pipe
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line.rstrip().endswith(_READY):
                    break
            else:
                raise RuntimeError(f"{shlex.join(command)} ended:\n{''.join(lines)}")
            ready = time.perf_counter() - begin
            time.sleep(think)
            url = f"http://127.0.0.1:{port}"
            return ready, _request(url), _request(url)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=_PATIENCE)


def _request(url: str) -> float:
    fields = {"ref_text": "What is said in the clip.", "target_text": "Hello, this is my voice.", "ref_check": "off"}
    begin = time.perf_counter()
    answer = httpx.post(f"{url}/api/tts", data=fields, files={"audio": clip(140, 2.0)}, timeout=_PATIENCE)
    answer.raise_for_status()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.first_minute", description=__doc__)
    parser.add_argument("--command", default=f"{sys.executable} -m cli serve", help="as scripts/start.sh runs it")
    parser.add_argument("--think", type=float, nargs="+", default=[0.0, 10.0], help="seconds before the first request")
    given = parser.parse_args()
    print("| WARM_UP | request after s | to the URLs s | first answer s | second answer s | in all s |")
    print("|---|--:|--:|--:|--:|--:|")
    for think in given.think:
        for warm_up in (False, True):
            ready, first, second = first_minute(shlex.split(given.command), think, warm_up=warm_up)
            print(
                f"| {'on' if warm_up else 'off'} | {think:g} | {ready:.1f} | {first:.1f} | {second:.1f} "
                f"| {ready + think + first:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
