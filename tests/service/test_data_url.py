"""The cases of the standards follow those of web-platform-tests, fetch/data-urls/resources."""

import base64
from contextlib import suppress
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.service.data_url import data_url_body, forgiving_base64

WHITE_SPACE = st.text(" \t\n\r\f", max_size=3)
TYPES = st.sampled_from(
    [
        "",
        "audio/wav",
        "audio/webm;codecs=opus",
        "video/webm;codecs=vp8,opus",
        'video/webm;codecs="vp8, opus"',
        "text/plain;charset=utf-8",
        "a;base64;b",
    ]
)


@given(st.binary(), TYPES, st.sampled_from([";base64", ";BASE64", "; base64", ";  Base64 "]), st.data())
def test_what_is_encoded_comes_back_however_it_is_wrapped(
    data: bytes, kind: str, mark: str, chance: st.DataObject
) -> None:
    encoded = base64.b64encode(data).decode()
    if chance.draw(st.booleans(), "without padding"):
        encoded = encoded.rstrip("=")
    cuts = chance.draw(st.lists(st.tuples(st.integers(0, len(encoded)), WHITE_SPACE), max_size=5), "white space")
    for position, space in sorted(cuts, reverse=True):
        encoded = encoded[:position] + space + encoded[position:]
    if chance.draw(st.booleans(), "percent-encoded"):
        encoded = quote_from_bytes(encoded.encode(), safe="")
    end = chance.draw(st.sampled_from(["", "\n", " \r\n", "#", "#t=10,20"]), "end")
    assert data_url_body(f" data:{kind}{mark},{encoded}{end}") == data


@given(st.binary(), st.text("/:;, +=", max_size=7))
def test_a_percent_encoded_body_comes_back(data: bytes, safe: str) -> None:
    assert data_url_body(f"data:audio/wav,{quote_from_bytes(data, safe=safe)}.") == data + b"."


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(data_url_body(f"data:{text}"), bytes)
    except ValueError as error:
        assert "base64" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("data://test/,X", b"X"),
        ("data:,X", b"X"),
        ("data:,X#X", b"X"),
        ("data:,%FF", b"\xff"),
        ("data:text/plain\f,X", b"X"),
        ("data:text/plain%0C,X", b"X"),
        ("data:text/plain;,X", b"X"),
        ("data:text/plain;charset=windows-1252,%C2%B1", b"\xc2\xb1"),
        ("data:†,X", b"X"),
        ("data:\0,%FF", b"\xff"),
        ("data:image/png,X X", b"X X"),
        ('data:text/plain;a=",",X', b'",X'),
        ("data:text/plain;a=%2C,X", b"X"),
        ("data:;base64;base64,WA", b"X"),
        ("data:x/x;base64;charset=x,WA", b"WA"),
        ("data:x/x;base64;charset=x;base64,WA", b"X"),
        ("data:x/x;base64;base64x,WA", b"WA"),
        ("data:;base64,W%20A", b"X"),
        ("data:;base64,W%0CA", b"X"),
        ("data:x;base64x,WA", b"WA"),
        ("data:x;base64;x,WA", b"WA"),
        ("data:x;base64=x,WA", b"WA"),
        ("data:;base64;,WA", b"WA"),
        ("data:;base64 ,WA", b"X"),
        ("data:;base 64,WA", b"WA"),
        ("data:;BASe64,WA", b"X"),
        ("data:;%62ase64,WA", b"WA"),
        ("data:%3Bbase64,WA", b"WA"),
        ("data:;charset= x,X", b"X"),
        # Not from web-platform-tests:
        ("data:; base64,WA", b"X"),  # the Fetch standard allows spaces after the semicolon
        ("data:base64,WA", b"WA"),
        ("data:,%", b"%"),
        ("data:,%4", b"%4"),
        ("data:,%zz%41", b"%zzA"),
        ("data:,é", "é".encode()),
    ],
)
def test_data_urls_are_read_as_the_standard_says(url: str, body: bytes) -> None:
    assert data_url_body(url) == body


@pytest.mark.parametrize(
    ("data", "decoded"),
    [
        ("", b""),
        ("abcd", b"i\xb7\x1d"),
        (" abcd", b"i\xb7\x1d"),
        ("abcd ", b"i\xb7\x1d"),
        ("ab", b"i"),
        ("abc", b"i\xb7"),
        ("ab==", b"i"),
        ("abc=", b"i\xb7"),
        ("ab\t\n\f\r cd", b"i\xb7\x1d"),
        ("ab\t\n\f\r =\t\n\f\r =\t\n\f\r ", b"i"),
        ("/A", b"\xfc"),
        ("//A", b"\xff\xf0"),
        ("///A", b"\xff\xff\xc0"),
        ("A/", b"\x03"),
        ("AA/", b"\0\x0f"),
        ("AAA/", b"\0\0\x3f"),
    ],
)
def test_base64_is_decoded_as_the_standard_says(data: str, decoded: bytes) -> None:
    assert forgiving_base64(data.encode()) == decoded


@pytest.mark.parametrize(
    "data",
    [
        *("a", "abcde", "\U00010000", "=", "==", "===", "====", "=====", "a=", "a==", "a===", "ab=", "ab===", "ab===="),
        *(
            "abc==",
            "abc===",
            "abcd=",
            "abcd==",
            "abcd===",
            "abcd====",
            "abcde=",
            "abcde===",
            "=a",
            "=a=",
            "a=b",
            "a=b=",
        ),
        *("ab=c", "ab=c=", "abc=d", "abc=d=", "ab\u00a0cd", "A", "////A", "/", "AAAA/", "\0nonsense", "abcd\0nonsense"),
        "a-_b",
    ],
)
def test_what_the_standard_refuses_is_not_base64(data: str) -> None:
    with pytest.raises(ValueError, match="not valid base64"):
        forgiving_base64(data.encode())


def test_data_after_a_comma_in_the_data_does_not_replace_what_comes_before() -> None:
    with pytest.raises(ValueError, match="not valid base64"):
        data_url_body("data:audio/wav;base64,WA;base64,WA")


@pytest.mark.parametrize("unit", ["A", "A\n", "%41", "%41A", ";", ",", "; base64", ";base64,", "é", "%", " "])
@pytest.mark.parametrize("head", ["data:", "data:;base64,", "data:;x", "data:,"])
def test_huge_urls_are_read_or_refused_in_linear_time(head: str, unit: str) -> None:
    # In quadratic time this would take hours.
    with suppress(ValueError):
        assert isinstance(data_url_body(head + unit * 1_000_000), bytes)
