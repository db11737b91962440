"""EPUBs, good and hostile."""

from collections.abc import Mapping
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Two Tales</dc:title><dc:creator>A. Writer</dc:creator>
</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"""
PAGE = """<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>x</title><style>p {{}}</style></head><body>{body}</body></html>"""
ONE = (
    "<h1>The Fox</h1><p>A fox&nbsp;ran<a epub:type='noteref' href='#n'>1</a>.</p>"
    "<aside epub:type='footnote'>No.</aside>"
)
TWO = "<h1>The Dog</h1><p>A dog<br/>slept. <b>Deeply</b>.</p><script>alert(1)</script>"


def archive(files: Mapping[str, str | bytes]) -> bytes:
    data = BytesIO()
    with ZipFile(data, "w", ZIP_DEFLATED) as file:
        file.writestr("mimetype", "application/epub+zip")
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def book(
    bodies: Mapping[str, str],
    cover: bytes | None = None,
    more: Mapping[str, str | bytes] | None = None,
    items: str = "",
) -> bytes:
    """A book with a page for each body, by the references of the manifest."""
    manifest = "".join(
        f'<item id="p{n}" href="{href}" media-type="application/xhtml+xml"/>' for n, href in enumerate(bodies)
    )
    items = ""
    if cover:
        items = '<item id="c" href="cover.png" media-type="image/png" properties="cover-image"/>'
    spine = "".join(f'<itemref idref="p{n}"/>' for n in range(len(bodies)))
    files: dict[str, str | bytes] = {
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": PACKAGE.format(items=manifest + items, spine=spine),
        **{f"OPS/{href}": PAGE.format(body=body) for href, body in bodies.items() if "/" not in href},
    }
    return archive(files | ({"OPS/cover.png": cover} if cover else {}) | dict(more or {}))
