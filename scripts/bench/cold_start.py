"""Measures cold starts: the time to a response when no model is loaded, repeatedly, and its parts.

Starts the service with a short idle timeout, sends a request, waits until every model is unloaded, and repeats.
"""

import argparse
import sys
import time
from typing import Any

import httpx

from scripts.bench.clip import clip
from scripts.bench.server import running


def main() -> None:
    """Prints a row for each cycle, with the ratio to the first."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bench.cold_start", description=__doc__)
    parser.add_argument("--cycles", type=int, default=10)
    parser.add_argument("--idle", type=float, default=5.0, help="idle timeout in seconds")
    arguments = parser.parse_args()
    environment = {"GPU_IDLE_TIMEOUT": str(arguments.idle), "GPU_RELEASE_TIMEOUT": "0", "WARM_UP": "false"}
    environment["PROFILE"] = "nano"
    with running("cli", "serve", environment=environment) as url, httpx.Client(base_url=url, timeout=300) as client:
        print("| cycle | cold answer s | to the first | waking s | Llasa loads s | XCodec2 loads s | gone after s |")
        print("|---|---|---|---|---|---|---|")
        first = None
        for cycle in range(1, arguments.cycles + 1):
            until_gone(client)
            begin = time.perf_counter()
            answer = ask(client)
            took = time.perf_counter() - begin
            first = first or took
            loads = {name: model["last_load_seconds"] for name, model in models(client).items()}
            warm = time.perf_counter()
            ask(client)
            print(f"cycle {cycle}: warm answer {time.perf_counter() - warm:.2f} s", file=sys.stderr)
            gone = until_gone(client)
            print(
                f"| {cycle} | {took:.2f} | {took / first:.2f} | {waking(answer):.2f} | {loads['Llasa']:.2f} "
                f"| {loads['XCodec2']:.2f} | {gone:.1f} |",
                flush=True,
            )


def ask(client: httpx.Client) -> httpx.Response:
    """Sends one short request."""
    fields = {"target_text": "Hello there.", "ref_text": "A reference.", "ref_check": "off"}
    return client.post("/api/tts", files={"audio": clip(140, 2.0)}, data=fields).raise_for_status()


def models(client: httpx.Client) -> dict[str, Any]:
    """Returns the models from the status."""
    found: dict[str, Any] = client.get("/api/gpu/status").json()["models"]
    return found


def waking(answer: httpx.Response) -> float:
    """Returns the seconds that the request waited for models, from its headers."""
    timings = dict(part.split(";dur=") for part in answer.headers["server-timing"].split(", "))
    return float(timings["wake"]) / 1000


def until_gone(client: httpx.Client) -> float:
    """Waits until no model is loaded; returns the seconds since the call."""
    begin = time.perf_counter()
    while any(model["state"] != "unloaded" for model in models(client).values()):
        if time.perf_counter() - begin > 300:
            raise TimeoutError("the models stay loaded")
        time.sleep(0.2)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
