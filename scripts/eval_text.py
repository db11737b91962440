"""Prints how many of the cases in TSV files (class, written, spoken) normalisation reads right, by class.

The language is a file's name: `en.tsv`. Cases are compared loosely: English without case, punctuation, hyphens and
"and", with "oh" as "zero"; Chinese and Japanese without white space and commas.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from deployments.text.normalisation import normalise


def loose(text: str, language: str) -> str:
    """Returns what of a reading is compared."""
    text = text.lower()
    if language in ("zh", "ja"):
        return re.sub("[\\s,\uff0c]", "", text)
    words = re.sub(r"[^\w\s']", " ", text.replace("-", " ")).split()
    return " ".join("zero" if word == "oh" else word for word in words if word != "and")


def main() -> None:
    """Evaluates the files named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--misses", action="store_true", help="print the cases that are not right")
    arguments = parser.parse_args()
    for path in arguments.files:
        right: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for line in filter(None, path.read_text(encoding="utf-8").splitlines()):
            kind, written, spoken = line.split("\t")
            found = normalise(written, path.stem)
            total[kind] += 1
            right[kind] += loose(found, path.stem) == loose(spoken, path.stem)
            if arguments.misses and loose(found, path.stem) != loose(spoken, path.stem):
                print(f"{kind}\t{written}\t{spoken}\t{found}")
        for kind in total:
            print(f"{path.stem}\t{kind}\t{right[kind]}/{total[kind]}")
        print(f"{path.stem}\tall\t{right.total()}/{total.total()}\t{100 * right.total() / total.total():.1f} %")


if __name__ == "__main__":
    main()
