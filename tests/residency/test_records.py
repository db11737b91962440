"""Records of the cluster."""

import json
import time

from deployments.residency.decision import ModelOverrides, Wish
from deployments.residency.records import Load, Observation, Place, Records
from tests.support.memory_store import MemoryStore


def test_what_nobody_has_written_is_empty() -> None:
    records = Records(MemoryStore())
    assert records.orders("Llasa") == ModelOverrides()
    assert records.load("Llasa") == Load()
    assert records.observation("Llasa") is None
    assert records.place("replica") == Place()
    assert not records.is_held("Llasa")


def test_an_order_changes_what_it_names_and_nothing_else() -> None:
    store = MemoryStore()
    Records(store).order("Llasa", pin=True, warm_at=5.0)
    Records(store).order("Llasa", timeout_s=7.0)
    assert Records(store).orders("Llasa") == ModelOverrides(timeout_s=7.0, warm_at=5.0, pin=True)
    assert Records(store).orders("Whisper") == ModelOverrides()


def test_records_read_as_they_were_written() -> None:
    records = Records(MemoryStore())
    observation, load = Observation(600, 1.5, 2.5, 3, 4, Wish(5, asleep=True)), Load(4.5, None, "/models/llasa", 0.5)
    records.observe("Llasa", observation)
    records.loaded("Llasa", load)
    records.placed("replica", Place("GPU-1", "asleep"))
    assert records.observation("Llasa") == observation
    assert records.load("Llasa") == load
    assert records.place("replica") == Place("GPU-1", "asleep")


def test_a_model_is_held_while_any_process_holds_it() -> None:
    records = Records(MemoryStore())
    records.hold("one", ["Llasa"])
    records.hold("two", ["Llasa", "XCodec2"])
    records.hold("one", [])
    assert records.is_held("Llasa")
    records.hold("two", ["XCodec2"])
    assert not records.is_held("Llasa")


def test_a_process_that_has_died_holds_nothing() -> None:
    store = MemoryStore()
    store.put("holds/dead", json.dumps({"models": ["Llasa"], "at": time.time() - 60}))
    assert not Records(store).is_held("Llasa")
