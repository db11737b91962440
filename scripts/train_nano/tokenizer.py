"""Llasa's tokens over cells: the tokenizer itself reads English aloud, so any text becomes speech to be.

Its normaliser holds numerals, lexicon, reading rules and the cells of every pair of sounds: the model
sees a token for every 20 ms, and has to find its place and to give the cells a voice. What never
changes in Llasa's prompt is a token each, so that the prompt is short.
"""

import json
import re
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from . import numerals, spelling
from .cells import CELLS, character
from .diphones import PAUSES, Units
from .phones import COMMA, PHONES, STOP, SYMBOLS, UNKNOWN

MARKERS: Final = [
    f"<|{what}_{end}|>"
    for what in ("TEXT_GENERATION", "TEXT_UNDERSTANDING", "SPEECH_GENERATION", "SPEECH_UNDERSTANDING")
    for end in ("START", "END")
]
SYSTEM: Final = (
    "<|start_header_id|>system<|end_header_id|>\n\n"
    "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|>"
)
USER: Final = "<|start_header_id|>user<|end_header_id|>\n\nConvert the text to speech:"
ASSISTANT: Final = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
_LLAMA: Final = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|finetune_right_pad_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
]
TEMPLATE: Final = """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = "26 Jul 2024" %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content'] | trim %}{%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{{- "Cutting Knowledge Date: December 2023\\n" }}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""


def _replace(pattern: str, content: str) -> normalizers.Replace:
    return normalizers.Replace(Regex(pattern), content)


_EDGE: Final = "·"
_OPEN, _CLOSE = "‹", "›"
"""Around every word while the lexicon is asked: a word is then found without looking around it, fifty times as fast."""
_DOUBT: Final = "§"


def reader(lexicon: dict[str, str]) -> list[normalizers.Normalizer]:
    """Text to sounds."""
    steps: list[normalizers.Normalizer] = [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    known = "".join(sorted(set(SYMBOLS)))
    steps += [_replace(p, c) for p, c in (
        ("[’‘`´ʼ]", "'"), (f"[“”«»{_OPEN}{_CLOSE}\"]", ""), ("&", " and "), ("%", " percent "), (r"\$", " dollars "), ("@", " at "),
        (r"\+", " plus "), ("=", " equals "), (f"[{re.escape(known)}]", "¿"), (r"(?<![a-z0-9])'|'(?![a-z])", ""), (r"(?<=[a-z])\.(?=[a-z]\b)", " "),
    )]  # fmt: skip
    steps += [_replace(p, c) for p, c in numerals.RULES]
    steps.append(_replace(r"(?<=[a-z])[-_/](?=[a-z])", " "))
    steps += [_replace(rf"(?<!\w){word}(?!\w)", lexicon[word]) for word in sorted(lexicon) if "'" in word]
    steps += [_replace(r"(?<![\w'])(?=[a-z])", _OPEN), _replace(r"(?<=[a-z])(?!\w|'[a-z]{2}|'t)", _CLOSE)]
    steps += [normalizers.Replace(_OPEN + word + _CLOSE, lexicon[word]) for word in sorted(lexicon) if "'" not in word]
    steps.append(_replace(f"[{_OPEN}{_CLOSE}]", ""))
    steps += [_replace(p, c) for p, c in spelling.RULES]
    steps += [_replace(p, c) for p, c in (
        (r"[.?!…。！？]+", STOP), (r"[,;:()\[\]–—\n-]+", COMMA), (f"[^{re.escape(SYMBOLS)}\\w]", ""), (f"[^{re.escape(SYMBOLS)}]+", UNKNOWN),
        (f"{COMMA}*{STOP}[{COMMA}{STOP}]*", STOP), (f"{COMMA}+", COMMA), (f"^[{COMMA}{STOP}]+", ""),
    )]  # fmt: skip
    return steps


def _speaker(units: Units) -> list[normalizers.Normalizer]:
    """Sounds to cells: every sound is preceded by the cells that lead to it, then taken away."""
    steps: list[normalizers.Normalizer] = [
        _replace(f"^(?=[^{UNKNOWN}]*{UNKNOWN})", _DOUBT),
        _replace(UNKNOWN, "Ʌ"),
        *(_replace(pause, _EDGE + pause + _EDGE) for pause in PAUSES),
        _replace(f"(?<![^{_DOUBT}])(?=[{PHONES}])", _EDGE),
        _replace(f"(?<=[{PHONES}])$", _EDGE),
    ]
    for pair, cells in units.pairs.items():
        left, right = (sound.replace(" ", _EDGE) for sound in pair)
        steps.append(_replace(f"(?<={left}){right}", "".join(map(character, cells)) + right))
    steps += [_replace(pause, "".join(map(character, units.pauses[pause]))) for pause in PAUSES]
    return [*steps, _replace(f"[{PHONES}{_EDGE}]", ""), _replace(_DOUBT, UNKNOWN)]


def build(lexicon: dict[str, str], units: Units, codes: int) -> PreTrainedTokenizerFast:
    fixed = [*_LLAMA, SYSTEM, USER, ASSISTANT]
    # Codes are never looked for in a text: as added tokens, they would take seconds to load.
    tokens = [UNKNOWN, *map(character, range(CELLS)), *fixed, *MARKERS, *(f"<|s_{i}|>" for i in range(codes))]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(reader(lexicon) + _speaker(units))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in fixed])
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in MARKERS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|begin_of_text|>",
        eos_token="<|eot_id|>",
        pad_token="<|finetune_right_pad_id|>",
        unk_token=UNKNOWN,
        model_max_length=2048,
        clean_up_tokenization_spaces=False,
        chat_template=TEMPLATE,
    )


def read(tokenizer: PreTrainedTokenizerFast, text: str) -> str:
    """What the model reads for this text, a character a cell."""
    normaliser = tokenizer.backend_tokenizer.normalizer
    return str(normaliser.normalize_str(text)) if normaliser else text


def save(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer.json"  # indented, it would be half as large again
    file.write_text(json.dumps(json.loads(file.read_text()), ensure_ascii=False, separators=(",", ":")))
