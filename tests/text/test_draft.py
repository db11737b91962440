import re

from deployments.text.draft import Draft


def test_what_was_read_or_kept_is_not_read_again() -> None:
    draft = Draft("5kg and 5x and 5")
    draft.read(re.compile(r"5kg"), lambda match: "five 5s")
    draft.keep(re.compile(r"5x"))
    draft.read(re.compile("5"), lambda match: "five")
    assert draft.finish() == "five 5s and 5x and five"


def test_words_are_parted_from_letters_beside_them() -> None:
    draft = Draft("50%of (5) 有5个")
    draft.read(re.compile(r"50%|5"), lambda match: "five")
    assert draft.finish() == "five of (five) 有five个"


def test_private_characters_of_a_text_are_not_taken_for_words() -> None:
    draft = Draft("a\U000f0000b5")
    draft.read(re.compile("5"), lambda match: "five")
    assert draft.finish() == "ab five"
