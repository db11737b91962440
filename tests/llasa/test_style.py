import pytest

from deployments.llasa.style import KEYS, style_lines


def lines(instructions: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in style_lines(instructions).split("\n"))


def test_there_are_nine_lines_in_their_order_whatever_is_given() -> None:
    for instructions in ("", "emotion: sad", "Speak slowly."):
        assert tuple(lines(instructions)) == KEYS
    assert style_lines("").count("\n") == 8


def test_free_text_is_the_caption() -> None:
    assert lines("A calm voice.\n\nIt whispers.")["caption"] == "A calm voice. It whispers."


@pytest.mark.parametrize("line", ["emotion: sad", "Emotion : sad ", "EMOTION\uff1asad"])  # noqa: RUF100
def test_a_line_with_a_key_sets_it(line: str) -> None:
    found = lines(f"{line}\ntempo: fast\ncaption: Tired.")
    assert found["emotion"] == "sad"
    assert found["caption"] == "tempo: fast Tired."
    assert found["speed"] == ""
