"""Step: the Whisper. It learns sounds frame by frame and where each word is, so that words come of themselves."""

import json
import time
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad
from transformers import PreTrainedTokenizerFast, WhisperForConditionalGeneration

from . import whisper_model as whisper
from .corpus import Corpus
from .espeak import Audio
from .lm import distance
from .muon import Optimiser
from .whisper_data import SOUNDS, Batch, Listener
from .workplace import Curve, Workplace, save

MINUTES: Final = 40.0
_BATCH: Final = 20


def looking(looks: list[Tensor], spans: Tensor) -> Tensor:
    """How far the attention is from where it should be.

    The first layer finds the word just written, and its end; from there the last finds the one to be written: its
    first half, its second, and all of it.
    """
    written = torch.full_like(spans, -1)
    written[:, 1:] = spans[:, :-1]
    total = torch.zeros((), device=spans.device)
    for look, wanted in ((looks[0], written), (looks[-1], spans)):
        positions = torch.arange(look.shape[-1], device=spans.device)
        rows, columns = (wanted[..., 0] >= 0).nonzero(as_tuple=True)
        span = wanted[rows, columns]
        first, last = span[:, :1], span[:, 1:]
        middle = (first + last) // 2
        whole = (positions >= first - 1) & (positions <= last)
        second = whole & (positions >= middle - 1)
        heads = [whole, second] if wanted is written else [whole & (positions <= middle + 1), second, whole]
        for head, inside in enumerate(heads):
            mass = (look[rows, head, columns] * inside).sum(-1)
            total = total - torch.log(mass + 1e-4).mean()
    return total / 5


def losses(
    model: WhisperForConditionalGeneration, naming: nn.Linear, table: Tensor, batch: Batch, device: str
) -> tuple[Tensor, Tensor, Tensor]:
    heard = whisper.listen(model, pad(whisper.log_mel(batch.waves.to(device)), (0, 2 * batch.blank)), batch.offset)
    sounds = cross_entropy(
        naming(heard[:, : batch.sounds.shape[1]]).flatten(0, 1), batch.sounds[:, : heard.shape[1]].flatten().to(device)
    )
    logits, looks = whisper.write(model, heard, batch.ids.to(device), table)
    words = cross_entropy(logits.flatten(0, 1), batch.targets.flatten().to(device), ignore_index=-100)
    return words, looking(looks, batch.spans.to(device)), sounds


@torch.inference_mode()
def transcribe(model: WhisperForConditionalGeneration, ids: dict[str, int], waves: list[Audio]) -> list[list[int]]:
    """Greedy words of clips, without times."""
    said = []
    for wave in waves:
        heard = whisper.listen(
            model, whisper.log_mel(torch.from_numpy(np.pad(wave, (0, 8000 + -len(wave) % 320)))[None])
        )
        sequence = [ids["<|startoftranscript|>"], ids["<|notimestamps|>"]]
        while len(sequence) < 40:
            logits = whisper.write(model, heard, torch.tensor([sequence]))[0][0, -1, : ids["<|startoftranscript|>"]]
            if (best := int(logits.argmax())) == ids["<|endoftext|>"]:
                break
            sequence.append(best)
        said.append(sequence[2:])
    return said


def probe(
    model: WhisperForConditionalGeneration, words: PreTrainedTokenizerFast, at: Workplace, count: int = 40
) -> dict[str, float]:
    """WER on held-out voices, and on the codec's voice saying new sentences."""
    model.cpu().eval()
    held, ids = Corpus(at.root, "held"), words.get_vocab()
    composed = Listener(at, words, seed=990_001)
    rates = []
    for heard in (
        [composed.clip(c, held.wave(c)) for c in held.clips[:count]],
        [composed.composed() for _ in range(count)],
    ):
        said = transcribe(model, ids, [h.wave for h in heard])
        truth = [[ids[" " + w] for w in h.words] for h in heard]
        rates.append(sum(distance(s, t) for s, t in zip(said, truth, strict=False)) / sum(map(len, truth)))
    model.to(at.device).train()
    return {"wer_espeak": rates[0], "wer_codec": rates[1]}


def train(at: Workplace) -> None:
    done, resume = at.path("whisper.pt"), at.path("whisper.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    words = whisper.tokenizer()
    model = whisper.build(words).to(at.device)
    naming = nn.Linear(whisper.WIDTH, len(SOUNDS)).to(at.device)
    features = whisper.sounds_of(words, json.loads(at.path("lexicon.json").read_text())).to(at.device)
    shared = nn.Parameter(torch.zeros(features.shape[1], whisper.WIDTH, device=at.device))
    own = model.model.decoder.embed_tokens.weight
    learnt = [(n, p) for n, p in model.named_parameters() if "encoder.embed_positions" not in n]
    matrices = [p for n, p in learnt if p.dim() >= 2 and "embed" not in n]
    ids = {id(p) for p in matrices}
    rest = [p for _, p in learnt if id(p) not in ids] + [*naming.parameters(), shared]
    optimiser = Optimiser(matrices, rest, muon_lr=0.012, adam_lr=2e-3, hold=0.5)
    spent, seen, limit = 0.0, 0, MINUTES * 60 * at.minutes
    if resume.exists():
        state = torch.load(resume, map_location=at.device, weights_only=False)
        model.load_state_dict(state["model"])
        naming.load_state_dict(state["naming"])
        optimiser.load(state["optimiser"])
        shared.data.copy_(state["shared"])
        own.data.sub_(features @ shared.data)  # the checkpoint holds both together
        spent, seen = state["spent"], state["seen"]
    listener = Listener(at, words, seed=seen + 1)
    curve = Curve(at.path("whisper.csv"), "step", "clips", "words", "looking", "sounds", "wer_espeak", "wer_codec")
    sums, count, last, pool = np.zeros(3), 0, time.time(), list[Batch]()
    model.train()
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        if not pool:
            pool = listener.pool(min(1.0, 2 * spent / limit), _BATCH)
        batch = pool.pop()
        parts = losses(model, naming, own + features @ shared, batch, at.device)
        (parts[0] + 0.4 * parts[1] + 0.5 * parts[2]).backward()
        optimiser.step(spent / limit)
        sums += [part.item() for part in parts]
        count, seen = count + 1, seen + len(batch.waves)
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if time.time() - last > 150:
            mean = sums / count
            own.data.add_(features @ shared.data)
            curve.add(
                step=optimiser.steps,
                clips=seen,
                words=mean[0],
                looking=mean[1],
                sounds=mean[2],
                **probe(model, words, at),
            )
            save(
                resume,
                model=model.state_dict(),
                naming=naming.state_dict(),
                optimiser=optimiser.state(),
                shared=shared.data,
                spent=spent,
                seen=seen,
            )
            own.data.sub_(features @ shared.data)
            sums, count, last = np.zeros(3), 0, time.time()
    own.data.add_(features @ shared.data)
    print(probe(model, words, at, 200), flush=True)
    save(done, model=model.state_dict())
    save(
        resume,
        model=model.state_dict(),
        naming=naming.state_dict(),
        optimiser=optimiser.state(),
        shared=shared.data,
        spent=spent,
        seen=seen,
    )
