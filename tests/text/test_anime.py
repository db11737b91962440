import pytest

from deployments.text.anime import rewrite_anime


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ちょっと 待って\u3000！？", "ちょっと待って!?"),
        ("Ａｂ１２", "Ab12"),
        ("ｶﾞﾝﾊﾞﾚ", "ガンバレ"),
        ("えー〜～", "えーーー"),
        ("あ………い……", "あ……い……"),
        ("♥●◯〇", "♡○○○"),
        ("①〈行〉《題》―—‐[n]", "〈行〉題"),
        ("、。「」", "、。「」"),
    ],
)
def test_text_is_written_as_in_training(text: str, expected: str) -> None:
    assert rewrite_anime(text) == expected
    assert rewrite_anime(expected) == expected


def test_a_text_that_would_vanish_stays() -> None:
    assert rewrite_anime("①②") == "①②"
