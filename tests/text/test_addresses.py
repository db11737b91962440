import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("See example.com.", "See example dot com."),
        ("a1b2@abc.com", "a one b two at abc dot com"),
        ("https://a.io/b-c?d=5", "HTTPS colon slash slash a dot io slash b dash c question mark d equals five"),
        ("192.168.0.1:80", "one nine two dot one six eight dot zero dot one colon eight zero"),
        ("v1.2.3, 3.10.2", "version one point two point three, three point ten point two"),
        ("+1 (123) 123-5678", "plus one, one two three, one two three, five six seven eight"),
        ("(555) 123-4567 ext. 12", "five five five, one two three, four five six seven, extension one two"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("1-800-GO-2-HAUL", "one, eight hundred, GO, two, HAUL"),
        ("a card ending in 8876", "a card ending in eight eight seven six"),
        (
            "2788 San Tomas Expy, Santa Clara, CA 95051",
            "twenty-seven eighty-eight San Tomas Expressway, Santa Clara, California nine five zero five one",
        ),
    ],
)
def test_addresses_and_telephone_numbers_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "node.js",
        "https://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
)
def test_lookalikes_are_left_whole(text: str) -> None:
    assert normalise(text) == text
