"""Step: an open vocabulary. How some forty thousand words are pronounced, and the tokenizer anew with them.

Words are those of WordNet's definitions and examples (Debian's `wordnet-base`) that occur twice, and the names of
misaki's American lexicon; the sounds are misaki's, as `hibari-tts` has them (see `registry`).
"""

import gzip
import importlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

from . import tokenizer
from .diphones import Units
from .lexicon import WEAK
from .misaki import sounds
from .spelling import LETTERS
from .vocoder import CODES
from .workplace import Workplace, save_text

WORDNET: Final = Path("/usr/share/wordnet")
_WORD: Final = re.compile(r"[a-z]+")
_PART: Final = 4000


def examples() -> list[str]:
    """WordNet's example sentences, of 4 to 16 words."""
    found = set()
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="latin-1").splitlines():
            for quote in re.findall(r'"([^"]+)"', line.split("|", 1)[1] if "|" in line else ""):
                text = quote.strip()
                fits = 4 <= len(text.split()) <= 16 and re.fullmatch(r"[A-Za-z ,'\-;:.!?]+", text)
                if fits and not re.search(r"\b[A-Z]{2,}\b", text):
                    found.add(text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else "."))
    return sorted(found)


def candidates(site: Path) -> list[str]:
    """The words to be known, in a settled order; a name with its capital."""
    counted: Counter[str] = Counter()
    for part in ("noun", "verb", "adj", "adv"):
        for line in (WORDNET / f"data.{part}").read_text(encoding="latin-1").splitlines():
            if "|" in line:
                counted.update(_WORD.findall(line.split("|", 1)[1].lower()))
    with gzip.open(site / "hibari" / "assets" / "lexicon_us_gold.json.gz", "rt", encoding="utf-8") as file:
        gold: dict[str, Any] = json.load(file)
    names = [word for word in gold if re.fullmatch("[A-Z][a-z]{2,}", word) and word.lower() not in gold]
    common = {word for word, count in counted.items() if count > 1 and len(word) > 1}
    return sorted(common - {name.lower() for name in names}) + sorted(names)


def build(at: Workplace) -> None:
    done = at.path("words.json")
    if not done.exists():
        save_text(done, json.dumps(_pronounced(at), ensure_ascii=False, indent=0))
    known = lexicon(at)
    print(f"{len(known)} words", flush=True)
    units = Units.load(at.path("units.json"))
    tokenizer.save(tokenizer.build(known, units, CODES), at.path("tokenizer"))


def lexicon(at: Workplace) -> dict[str, str]:
    """All words that the tokenizer knows. Grammar words are weak, as they are in a sentence."""
    wide: dict[str, str] = json.loads(at.path("words.json").read_text())
    known: dict[str, str] = json.loads(at.path("lexicon.json").read_text())
    return known | wide | {word: known[word] for word in {*WEAK, *LETTERS} & known.keys()}


def _pronounced(at: Workplace) -> dict[str, str]:
    site = at.path("registry") / "site"
    sys.path.insert(0, str(site))
    read = importlib.import_module("hibari.g2p").G2P(british=False)
    resume = at.path("words.part")
    found: dict[str, str] = json.loads(resume.read_text()) if resume.exists() else {}
    for i, word in enumerate(candidates(site)):
        if word.lower() in found:
            continue
        try:
            said = sounds(read(word))
        except ValueError:
            continue
        if said:
            found[word.lower()] = said.rstrip("․‚")
        if i % _PART == 0:
            save_text(resume, json.dumps(found, ensure_ascii=False))
    return found
