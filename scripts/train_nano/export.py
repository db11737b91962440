"""Step: the checkpoints as the service loads them, with checksums. Takes what is there, finished or not."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast

from deployments.nano.weights import verified

from . import codec, lm_model, vocabulary
from .cells import Cells
from .lm import SHARPEN
from .lm_data import Prompt
from .workplace import Workplace

_LIMIT: Final = 25_000_000


def _weights(at: Workplace, name: str) -> dict[str, Any] | None:
    for path in (at.path(f"{name}.pt"), at.path(f"{name}.resume")):
        if path.exists():
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)["model"]
            return state
    return None


def export(at: Workplace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, put in (("codec", _codec), ("lm", _lm)):
            weights = _weights(at, name)
            if weights is None:
                print(f"{name}: nothing to export yet", flush=True)
                continue
            made, target = Path(folder) / name, at.weights / {"codec": "xcodec2", "lm": "llasa"}[name]
            put(at, weights, made)
            target.mkdir(parents=True, exist_ok=True)
            for file in made.iterdir():
                shutil.copyfile(file, target / file.name)


def reseal(at: Workplace) -> None:
    seal(at.weights)


def _codec(at: Workplace, weights: dict[str, Any], folder: Path) -> None:
    model = codec.build()
    model.load_state_dict(weights)
    model.half().save_pretrained(folder)
    extractor = {
        "feature_extractor_type": "SeamlessM4TFeatureExtractor",
        "feature_size": 80,
        "num_mel_bins": 80,
        "sampling_rate": 16000,
        "padding_value": 1.0,
        "stride": 2,
        "return_attention_mask": True,
        "padding_side": "right",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor, indent=2))


def _lm(at: Workplace, weights: dict[str, Any], folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(at.path("tokenizer"))
    prompt = Prompt.of(tokenizer)
    model = lm_model.build(len(tokenizer), prompt, Cells.load(at.path("cells.npz")))
    model.load_state_dict(weights)
    with torch.no_grad():
        model.model.norm.weight.mul_(SHARPEN)
    model.generation_config = GenerationConfig(
        bos_token_id=prompt.before[0], eos_token_id=prompt.end, pad_token_id=prompt.pad
    )
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "vocabulary.txt").write_text("\n".join(vocabulary.KNOWN) + "\n")


def seal(folder: Path) -> None:
    """checksums.json, which the service verifies before it loads anything. Those of the Whisper are of a package."""
    whisper = verified("whisper")
    files = sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and p.suffix in {".json", ".jinja", ".safetensors", ".bin", ".txt", ".wav"}
    )
    files = [p for p in files if p.name != "checksums.json"]
    named = {str(p.relative_to(folder)): p for p in files} | {f"whisper/{p.name}": p for p in whisper.iterdir()}
    sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(named.items())}
    (folder / "checksums.json").write_text(json.dumps(sums, indent=2) + "\n")
    size = sum(p.stat().st_size for p in files)
    print(f"{folder}: {len(files)} files, {size / 1e6:.1f} MB", flush=True)
    if size > _LIMIT:
        raise ValueError(f"{size} bytes are more than {_LIMIT}")
