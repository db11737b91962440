"""Documents of word processors."""

import pytest

from deployments.errors import ServiceError
from deployments.jobs.manuscript import read_file
from tests.support.epubs import archive

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STYLES = f"""<w:styles xmlns:w="{W}"><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Textkrper"><w:name w:val="Body Text"/></w:style></w:styles>"""
CORE = """<p:coreProperties xmlns:p="urn:p" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Two Tales</dc:title><dc:creator>A. Writer</dc:creator></p:coreProperties>"""


def docx(body: str, **files: str) -> bytes:
    document = f'<?xml version="1.0"?><w:document xmlns:w="{W}" xmlns:mc="urn:mc"><w:body>{body}</w:body></w:document>'
    return archive({"word/document.xml": document, "word/styles.xml": STYLES, "docProps/core.xml": CORE, **files})


def paragraph(text: str, style: str = "Textkrper") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r>{text}</w:r></w:p>'


def test_headings_of_any_language_begin_chapters() -> None:
    body = paragraph("<w:t>The Fox</w:t>", "berschrift1") + paragraph("<w:t>It</w:t><w:tab/><w:t>ran.</w:t>")
    body += paragraph("<w:t>The Dog</w:t>", "berschrift1") + paragraph("<w:t>It slept.</w:t>")
    found = read_file(docx(body), "tales.docx")
    assert (found.title, found.author) == ("Two Tales", "A. Writer")
    assert [(chapter.title, chapter.text) for chapter in found.chapters] == [
        ("The Fox", "The Fox\n\nIt ran."),
        ("The Dog", "The Dog\n\nIt slept."),
    ]


def test_deleted_text_fields_and_second_versions_are_not_read_but_tables_and_boxes_are() -> None:
    body = paragraph("<w:t>One</w:t><w:del><w:r><w:delText>No.</w:delText><w:t>No.</w:t></w:r></w:del>")
    body += paragraph("<w:instrText>PAGE</w:instrText><w:footnoteReference/><w:t>two</w:t>")
    body += f"<w:tbl><w:tr><w:tc>{paragraph('<w:t>three</w:t>')}</w:tc></w:tr></w:tbl>"
    box = f"<w:txbxContent>{paragraph('<w:t>five</w:t>')}</w:txbxContent>"
    body += paragraph(
        f"<w:t>four</w:t><mc:AlternateContent><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>"
    )
    [chapter] = read_file(docx(body), "tales.docx").chapters
    assert chapter.text.split() == ["One", "two", "three", "four", "five"]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;">]>'
HOSTILE = {
    "no archive": b"PK",
    "no document": archive({"x": "y"}),
    "broken markup": archive({"word/document.xml": "<w:document>"}),
    "entities": archive({"word/document.xml": f"{BOMB}<document>&b;</document>"}),
    "much": docx(paragraph("<w:t>" + "a" * 11_000_000 + "</w:t>")),
    "deep nesting in a paragraph": docx("<w:p>" + "<w:r>" * 50_000 + "<w:t>a</w:t>" + "</w:r>" * 50_000 + "</w:p>"),
    "no text": docx(paragraph("<w:t> </w:t>")),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_documents_are_refused(data: bytes) -> None:
    with pytest.raises(ServiceError) as refusal:
        read_file(data, "tales.docx")
    assert refusal.value.status == 400


def test_deep_nesting_outside_of_paragraphs_is_harmless() -> None:
    body = "<w:r>" * 20_000 + "<w:p><w:t>a</w:t></w:p>" + "</w:r>" * 20_000
    assert read_file(docx(body), "tales.docx").chapters[0].text == "a"
