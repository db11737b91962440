"""Decodes the body of a data URL as browsers do.

The standards: "data: URL processor" (https://fetch.spec.whatwg.org/#data-url-processor), "forgiving-base64 decode"
(https://infra.spec.whatwg.org/#forgiving-base64-decode), and what the basic URL parser removes
(https://url.spec.whatwg.org/#concept-basic-url-parser).
"""

import base64
import re
from typing import Final

_OUTER: Final = "".join(map(chr, range(0x21)))
"""C0 controls and the space, which the URL parser strips from both ends."""
_REMOVED: Final = str.maketrans("", "", "\t\n\r")
"""Characters that the URL parser removes anywhere."""
_WHITE_SPACE: Final = b"\t\n\f\r "
_IS_BASE64: Final = re.compile(r".*; *base64 *", re.IGNORECASE | re.DOTALL)
_WITH_COMMAS: Final = re.compile(r"[^,;]*;[^;]*(?:;[^;]*)*?; *base64 *,", re.IGNORECASE)
"""A media type with parameters that hold commas."""
_LONGEST_TYPE: Final = 1000
_ESCAPES: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")


def without_space(url: str) -> str:
    """Removes the characters that the URL parser ignores."""
    return url.strip(_OUTER).translate(_REMOVED)


def is_data_url(url: str) -> bool:
    """Whether the URL's scheme is `data`."""
    return url[:5].lower() == "data:"


def data_url_body(url: str) -> bytes:
    """Returns the bytes in a data URL.

    Differs from the standard in one point, where the media type ends at the first comma. Chrome's `FileReader` writes
    `data:video/webm;codecs=vp8,opus;base64,...`, so parameters may contain commas if `;base64,` follows them.

    Raises:
        ValueError: the URL has no comma, or its body is not valid base64. The message says which.
    """
    rest = without_space(url)[5:].partition("#")[0]
    media_type, comma, body = rest.partition(",")
    if not comma:
        raise ValueError("A data URL needs a comma before its data: `data:audio/wav;base64,...`.")
    in_base64 = bool(_IS_BASE64.fullmatch(media_type[-_LONGEST_TYPE:]))
    if not in_base64 and (found := _WITH_COMMAS.match(rest[:_LONGEST_TYPE])):
        in_base64, body = True, rest[found.end() :]
    data = _ESCAPES.sub(_unescaped, body.encode(errors="replace"))
    return forgiving_base64(data) if in_base64 else data


def forgiving_base64(data: bytes) -> bytes:
    """Decodes base64 that may be wrapped, and whose padding may be missing.

    Raises:
        ValueError: the data is not valid base64.
    """
    data = data.translate(None, _WHITE_SPACE)
    if len(data) % 4 == 0:
        data = data.removesuffix(b"=").removesuffix(b"=")
    try:
        if b"=" in data:
            raise ValueError
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except ValueError:
        raise ValueError("The data is not valid base64.") from None


def _unescaped(escapes: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escapes[0].replace(b"%", b"").decode())
