import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.errors import Conflict, InvalidAudio, InvalidInput, InvalidText, NotFound
from deployments.llasa.protocol import CodeChunk, TakeRequest
from deployments.profiles import PROFILES, Profile
from deployments.service.built_in import BUILT_IN
from deployments.service.voices import Voices
from deployments.synthesis.policy import Policy
from deployments.synthesis.synthesizer import Synthesizer
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import StoredVoice, VoiceStore
from deployments.whisper.protocol import Transcript
from deployments.xcodec2.protocol import Codes, Waveform
from tests.conftest import TINY, Models
from tests.ingress.conftest import Still
from tests.support.clips import voice

CLIP = voice(1.5)
CLIPPED = (4 * CLIP).clip(-1, 1)


class Counted:
    """The models, and how often each was asked."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self.encodes = self.transcripts = self.takes = 0

    async def encode(self, wav: Waveform) -> Codes:
        self.encodes += 1
        return await self._models.codec.encode(wav)

    async def decode(self, codes: Codes, start: int = 0) -> Waveform:
        return await self._models.codec.decode(codes, start)

    async def transcribe(self, wav: Waveform, **listening: Any) -> Transcript:
        self.transcripts += 1
        return await self._models.transcriber.transcribe(wav, **listening)

    def stream(self, wav: Waveform, **listening: Any) -> Any:
        raise NotImplementedError

    def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        self.takes += 1
        return self._models.lm.generate(request)

    async def stats(self) -> Any:
        raise NotImplementedError

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.encodes, self.transcripts, self.takes


@pytest.fixture
def counted(models: Models) -> Counted:
    return Counted(models)


@pytest.fixture
def start(counted: Counted, tmp_path: Path) -> Callable[..., Voices]:
    """Starts the library, as a process that starts anew would."""

    def library(profile: Profile = TINY, folder: Path = tmp_path, check: ReferenceCheck = "off") -> Voices:
        residency = Still()
        synthesizer = Synthesizer(counted, counted, counted, residency, Policy(reference_check=check))
        return Voices(VoiceStore(folder, 1_000_000, 100), synthesizer, counted, residency, profile)

    return library


async def test_a_voice_is_prepared_once_and_then_costs_nothing_even_after_restarts(
    start: Callable[..., Voices], counted: Counted
) -> None:
    before = int(time.time())
    made = await start().create("narrator", CLIP, None, "my own")
    assert counted.counts == (1, 1, 0)
    assert made.ref_text
    assert (made.name, made.consent) == ("narrator", "my own")
    assert made.created_at >= before
    references = [await start().reference(key) for key in ("narrator", made.id, "narrator")]
    assert counted.counts == (1, 1, 0)
    assert {reference.text for reference in references} == {made.ref_text}
    assert {len(reference.codes) / 50 for reference in references} == {made.duration}
    assert (await start().get("narrator")) == made
    assert made in await start().list()
    assert await start().remove("narrator") == made
    with pytest.raises(NotFound):
        await start().reference("narrator")


async def test_a_text_that_comes_with_the_clip_is_kept(start: Callable[..., Voices], counted: Counted) -> None:
    made = await start().create("narrator", CLIP, "What it says.", "my own")
    assert made.ref_text == "What it says."
    assert counted.counts == (1, 0, 0)


async def test_what_is_wrong_with_the_clip_is_told_whenever_its_voice_speaks(start: Callable[..., Voices]) -> None:
    made = await start().create("narrator", CLIPPED, "What it says.", "my own")
    assert any("clipped" in warning for warning in made.warnings)
    assert (await start().reference("narrator")).warnings == made.warnings
    other = start(replace(TINY, xcodec2="another"))
    assert (await other.reference("narrator")).warnings == made.warnings
    assert (await other.get("narrator")).warnings == made.warnings


async def test_a_text_that_the_clip_does_not_say_is_refused_or_repaired_as_asked(start: Callable[..., Voices]) -> None:
    with pytest.raises(InvalidText, match="do not match"):
        await start().create("narrator", CLIP, "What it says.", "my own", "refuse")
    made = await start().create("narrator", CLIP, "What it says.", "my own", "repair")
    assert made.ref_text != "What it says."
    (told,) = [warning for warning in made.warnings if "was replaced" in warning]
    other = start(replace(TINY, xcodec2="another"))
    reference = await other.reference("narrator")
    assert (reference.text, told in reference.warnings) == (made.ref_text, True)


async def test_codes_of_another_codec_are_made_anew_from_the_clip(
    start: Callable[..., Voices], counted: Counted
) -> None:
    await start().create("narrator", CLIP, "What it says.", "my own")
    other = start(replace(TINY, xcodec2="another"))
    first, *rest = await asyncio.gather(*[other.reference("narrator") for _ in range(3)])
    assert counted.counts == (2, 0, 0)
    assert all((reference.codes == first.codes).all() for reference in rest)
    assert first.text == "What it says."
    await start(replace(TINY, xcodec2="another")).reference("narrator")
    assert counted.counts == (2, 0, 0)


async def test_made_anew_a_voice_is_not_checked_again(start: Callable[..., Voices], counted: Counted) -> None:
    # Of a clip that had to be cut the text is a part, which a check would take for a wrong one.
    await start().create("narrator", CLIP, "What it says.", "my own")
    await start(replace(TINY, xcodec2="another"), check="refuse").reference("narrator")
    assert counted.counts == (2, 0, 0)


async def test_built_in_voices_are_there_from_the_start_and_made_at_first_use(
    start: Callable[..., Voices], counted: Counted, tmp_path: Path
) -> None:
    library = start()
    listed = await library.list()
    assert [voice.name for voice in listed] == list(BUILT_IN)
    assert counted.counts == (0, 0, 0)
    alloy, again = await asyncio.gather(library.reference("alloy"), library.reference("Alloy"))
    made = counted.takes
    assert 1 <= made <= 3
    assert len(alloy.codes) > 20
    assert (alloy.codes == again.codes).all()
    assert (await library.reference("builtin_alloy")).text == alloy.text
    assert ((await start().reference("alloy")).codes == alloy.codes).all()
    assert counted.counts == (0, 0, made)
    anew = await start(folder=tmp_path / "elsewhere").reference("alloy")
    assert (anew.codes == alloy.codes).all()
    ash = await library.reference("ash")
    assert not np.array_equal(ash.codes, alloy.codes)


async def test_built_in_voices_need_no_folder(start: Callable[..., Voices], counted: Counted, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    library = start(folder=tmp_path / "file" / "voices")
    alloy = StoredVoice(await library.get("alloy"), await library.reference("alloy"))
    with pytest.raises(NotADirectoryError):
        VoiceStore(tmp_path / "file" / "voices", 0, 1).replace(alloy)
    made = counted.takes
    await library.reference("alloy")
    assert counted.takes == made


async def test_what_cannot_be_is_refused(start: Callable[..., Voices], counted: Counted) -> None:
    library = start()
    with pytest.raises(Conflict):
        await library.create("Shimmer", CLIP, "Text.", "my own")
    await library.create("narrator", CLIP, "Text.", "my own")
    encodes = counted.encodes
    with pytest.raises(Conflict):
        await library.create("narrator", CLIP, "Text.", "my own")
    assert counted.encodes == encodes
    with pytest.raises(InvalidInput, match="slash"):
        await library.create("../x", CLIP, "Text.", "my own")
    with pytest.raises(InvalidInput, match="built-in"):
        await library.remove("alloy")
    for call in (library.get, library.reference, library.remove):
        with pytest.raises(NotFound, match="no voice 'nobody'"):
            await call("nobody")


async def test_a_clip_in_which_nothing_is_heard_makes_no_voice(start: Callable[..., Voices]) -> None:
    library = start()
    noise = np.random.default_rng(0).normal(0, 0.002, 24_000).astype(np.float32)
    with pytest.raises(InvalidAudio):
        await library.create("noise", noise, None, "my own")
    assert len(await library.list()) == len(BUILT_IN)


async def test_a_renamed_voice_is_found_by_its_new_name_only_and_is_not_prepared_again(
    start: Callable[..., Voices], counted: Counted
) -> None:
    made = await start().create("narrator", CLIP, "What it says.", "my own")
    before = await start().reference("narrator")
    renamed = await start().rename(made.id, " storyteller ")
    assert renamed == replace(made, id=renamed.id, name="storyteller")
    assert ((await start().reference("storyteller")).codes == before.codes).all()
    assert counted.counts == (1, 0, 0)
    for gone in ("narrator", made.id):
        with pytest.raises(NotFound):
            await start().reference(gone)


async def test_a_voice_is_not_renamed_to_one_that_there_is_nor_to_nothing(start: Callable[..., Voices]) -> None:
    for name in ("narrator", "storyteller"):
        await start().create(name, CLIP, "What it says.", "my own")
    for name in ("storyteller", "Alloy"):
        with pytest.raises(Conflict):
            await start().rename("narrator", name)
    with pytest.raises(InvalidInput):
        await start().rename("narrator", " ")
    with pytest.raises(InvalidInput):
        await start().rename("alloy", "bronze")
    with pytest.raises(NotFound):
        await start().rename("nobody", "somebody")
    assert [voice.name for voice in (await start().list())[len(BUILT_IN) :]] == ["narrator", "storyteller"]


async def test_a_stored_voice_sounds_as_its_clip_and_a_built_in_one_as_its_codes(start: Callable[..., Voices]) -> None:
    await start().create("narrator", CLIP, "What it says.", "my own")
    assert await start().sample("narrator") == pytest.approx(CLIP, abs=1e-4)
    codes = (await start().reference("alloy")).codes
    assert len(await start().sample("alloy")) == 320 * len(codes)


async def test_with_the_embedded_checkpoints_the_built_in_voices_ship(
    start: Callable[..., Voices], counted: Counted, tmp_path: Path
) -> None:
    library = start(PROFILES["nano"])
    references = [await library.reference(name) for name in BUILT_IN]
    assert counted.counts == (0, 0, 0)
    assert len({reference.codes.tobytes() for reference in references}) == len(BUILT_IN)
    listed = (await library.list())[1]
    assert (listed.ref_text, 50 * listed.duration) == (references[1].text, len(references[1].codes))
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []
