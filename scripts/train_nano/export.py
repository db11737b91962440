"""Step: the checkpoints as the service loads them, with checksums. Takes what is there, finished or not."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Final

import torch
from transformers import GenerationConfig, PreTrainedTokenizerFast

from deployments.nano.weights import verified

from . import codec, lm_model
from .cells import Cells
from .encoder import trained
from .lm import LIVELY, SHARPEN
from .lm_data import Prompt
from .tokenizer import save
from .workplace import Workplace

_LIMIT: Final = 40_000_000


def export(at: Workplace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, put in (("xcodec2", _codec), ("llasa", _lm)):
            made, target = Path(folder) / name, at.weights / name
            put(at, made)
            target.mkdir(parents=True, exist_ok=True)
            for file in made.iterdir():
                shutil.copyfile(file, target / file.name)


def reseal(at: Workplace) -> None:
    seal(at.weights)


def _codec(at: Workplace, folder: Path) -> None:
    model = codec.build()
    model.load_state_dict(trained(at))
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


def _lm(at: Workplace, folder: Path) -> None:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(at.path("tokenizer"))
    prompt = Prompt.of(tokenizer)
    speaker = lm_model.build(prompt, Cells.load(at.path("cells.npz")))
    found = [path for name in ("lm.pt", "lm.resume") if (path := at.path(name)).exists()]
    if found:
        speaker.load_state_dict(torch.load(found[0], map_location="cpu")["model"])
    model = speaker.whole()
    with torch.no_grad():
        model.model.norm.weight.mul_(SHARPEN)
        model.model.norm.weight[lm_model.NEXT].mul_(LIVELY)
    model.generation_config = GenerationConfig(
        bos_token_id=prompt.before[0], eos_token_id=prompt.end, pad_token_id=prompt.pad
    )
    model.half().save_pretrained(folder)
    save(tokenizer, folder)


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
