"""Writes the golden prompts of the profiles with the ids of Llama 3's own tokenizer.

`python -m scripts.golden_prompts TOKENIZER_JSON` reads `tests/llasa/prompts/texts.toml`, which is written by hand, and
writes the tokens next to it, together with the part of the vocabulary that these texts need. The tokenizer is Llama 3's
or a Llasa's, which has the same ids with more tokens.
"""

import json
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from deployments.llasa.vocabulary import SPEECH_END, SPEECH_START, TEXT_END, TEXT_START

FOLDER: Final = Path(__file__).resolve().parent.parent / "tests" / "llasa" / "prompts"
LLAMA: Final = 128_256
"""Size of Llama 3's vocabulary."""
_SPECIAL: Final = {
    "<|begin_of_text|>": 128_000,
    "<|end_of_text|>": 128_001,
    "<|start_header_id|>": 128_006,
    "<|end_header_id|>": 128_007,
    "<|eot_id|>": 128_009,
}
_MARKERS: Final = (
    "<|TEXT_GENERATION_START|>", "<|TEXT_GENERATION_END|>", TEXT_START, TEXT_END, SPEECH_START, SPEECH_END,
    "<|SPEECH_UNDERSTANDING_START|>", "<|SPEECH_UNDERSTANDING_END|>",
)  # fmt: skip
ADDED: Final = _SPECIAL | {
    token: LLAMA + n for n, token in enumerate([*_MARKERS, *(f"<|s_{code}|>" for code in range(65_536))])
}
"""Ids of the tokens that are not text, by the rules of Llasa's training code."""


def main() -> None:
    model = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    texts = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))["profiles"]
    original = with_speech_tokens(model)
    ids = {name: original.encode(entry["prompt"], add_special_tokens=False).ids for name, entry in texts.items()}
    tokens = {str(original.id_to_token(id)) for each in ids.values() for id in each}
    small = part_of(model["model"], tokens - ADDED.keys())
    reduced = with_speech_tokens(model | {"model": model["model"] | small})
    assert ids == {n: reduced.encode(e["prompt"], add_special_tokens=False).ids for n, e in texts.items()}  # noqa: S101
    for name, each in ids.items():
        rows = [[id, original.decode([id], skip_special_tokens=False)] for id in each]
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        (FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    (FOLDER / "vocabulary.json").write_text(json.dumps(small, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def with_speech_tokens(model: dict[str, Any]) -> Tokenizer:
    """Returns a tokenizer with Llasa's tokens after Llama's; `model` is the contents of a tokenizer.json."""
    added = [
        {"id": id, "content": token, "special": token in _SPECIAL}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for token, id in ADDED.items()
    ]
    # A token takes the id that the model has for it, if any: else the next after the model's size.
    bpe = model["model"] | {"vocab": model["model"]["vocab"] | ADDED}
    tokenizer: Tokenizer = Tokenizer.from_str(json.dumps(model | {"model": bpe, "added_tokens": added}))
    return tokenizer


def part_of(bpe: dict[str, Any], tokens: Iterable[str]) -> dict[str, Any]:
    """Returns the bytes, the given tokens, and all that is merged on the way to them."""
    merges = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in bpe["merges"]]
    wanted = set(tokens)
    kept = [merge for merge in merges if any("".join(merge) in token for token in wanted)]
    pieces = {token for token in bpe["vocab"] if len(token) == 1} | wanted | {part for merge in kept for part in merge}
    pieces |= {"".join(merge) for merge in kept}
    return {
        "vocab": {token: bpe["vocab"][token] for token in sorted(pieces, key=bpe["vocab"].__getitem__)},
        "merges": [list(merge) for merge in kept],
    }


if __name__ == "__main__":
    main()
