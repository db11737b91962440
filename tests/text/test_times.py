import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("01:00 and 10:05", "one o'clock and ten oh five"),
        ("At 9:15 a.m. He left", "At nine fifteen AM. He left"),
        ("at 9:15 a.m. sharp", "at nine fifteen AM sharp"),
        ("1.59 p.m.", "one fifty-nine PM."),
        ("5pm EST", "five PM EST"),
        ("14:10:30", "fourteen hours ten minutes and thirty seconds"),
        ("5pm-7 pm, 9-5pm", "five PM to seven PM, nine to five PM"),
        ("10:30-11:45", "ten thirty to eleven forty-five"),
        ("3:2 and 16:9", "three to two and sixteen to nine"),
        ("20:17 UTC", "twenty seventeen UTC"),
    ],
)
def test_times_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read


@pytest.mark.parametrize("text", ["25:61", "1:2:3:4"])
def test_lookalikes_are_left_whole(text: str) -> None:
    assert normalise(text) == text
