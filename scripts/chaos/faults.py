"""Every fault, by name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from scripts.chaos import bombing, clock_jump, disk_full, files, gcs, kills, node, overload, slow_readers, upgrade
from scripts.chaos.options import Options
from scripts.chaos.row import Row
from scripts.chaos.service import Service


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that can break."""

    summary: str
    run: Callable[[Service, Options], Awaitable[list[Row]]] | None = None
    """On the service that all faults share."""
    alone: Callable[[Options], Awaitable[list[Row]]] | None = None
    """On a service that it starts itself, for the fault needs other settings or is its end."""


async def _kill(part: str, service: Service, options: Options) -> list[Row]:
    return [await kills.kill(part, service, options)]


_KILLED: Final = {
    "llasa": "SIGKILL the Llasa replica",
    "xcodec2": "SIGKILL the XCodec2 replica",
    "whisper": "SIGKILL the Whisper replica",
    "decoder": "SIGKILL the server process that decodes clips",
    "decoder-child": "SIGKILL a process that decodes one clip",
    "ingress": "SIGKILL an ingress replica",
    "proxy": "SIGKILL Serve's HTTP proxy",
    "controller": "SIGKILL Serve's controller",
}

FAULTS: Final[dict[str, Fault]] = {
    **{f"kill-{part}": Fault(summary, run=partial(_kill, part)) for part, summary in _KILLED.items()},
    "files": Fault("mutated files of every container and codec", run=files.files),
    "bombs": Fault("small files that cost much to read", run=bombing.bombing),
    "overload": Fault("twice as many requests as are admitted", run=overload.overload),
    "slow-readers": Fault("clients that read a byte a second, or nothing", run=slow_readers.slow_readers),
    "kill-node": Fault("SIGKILL the raylet of a second Ray node", alone=node.kill_node),
    "kill-gcs": Fault("SIGKILL Ray's GCS, which stays away", alone=gcs.kill_gcs),
    "kill-gcs-redis": Fault("SIGKILL Ray's GCS, which starts again on Redis", alone=gcs.kill_gcs_redis),
    "disk-full": Fault("no space under VOICES_DIR and OUTPUTS_DIR", alone=disk_full.disk_full),
    "upgrade": Fault("changed configurations are deployed to a running cluster", alone=upgrade.upgrade),
    "replace": Fault("a new service takes the old one's place", alone=upgrade.replace),
    "clock-jump": Fault("the wall clock jumps by a day and back", alone=clock_jump.clock_jump),
}
