import pytest

from deployments.text.markdown import read_markdown

DOCUMENT = """# Title

Some *text* with `code`, a [link](http://x.example) and ~~old~~ **words**.

1. First thing
2. Second thing
   - inner

| Name | Age |
|------|----:|
| Ann | 30 |
| Bob | |

```python
print(1)
```

> A quote

---

![A cat](c.png)

- [x] done
- [ ] 待办

Line
break
"""


def test_a_document_is_spoken_without_its_marks() -> None:
    assert read_markdown(DOCUMENT) == (
        "Title.\n\nSome text with code, a link and old words.\n\n1: First thing.\n2: Second thing.\ninner.\n\n"
        "Name: Ann, Age: 30.\nName: Bob.\n\nA quote\n\nA cat\n\ndone.\n待办。\n\nLine break"
    )


@pytest.mark.parametrize("block", ["```\nprint(1)\n```", "    print(1)"])
def test_code_blocks_are_said_or_skipped(block: str) -> None:
    assert read_markdown(f"Before\n\n{block}\n\nAfter", "say") == "Before\n\nprint(1)\n\nAfter"
    assert read_markdown(f"Before\n\n{block}\n\nAfter", "skip") == "Before\n\nAfter"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a \\*b\\* &lt;c&gt;", "a *b* <c>"),
        ("<div>In</div>\n\nOut <b>bold</b>", "In\n\nOut bold"),
        ("<script>x()</script>\n\nText", "Text"),
        ("Is it?\n\n## Yes!\n\n- Sure:\n  - a (b)", "Is it?\n\nYes!\n\nSure:\na (b)."),
        ("3. c\n4. d", "3: c.\n4: d."),
        ("https://a.example and <https://b.example>", "https://a.example and https://b.example"),
    ],
)
def test_is_spoken_as(text: str, said: str) -> None:
    assert read_markdown(text) == said


def test_deep_nesting_is_no_trouble() -> None:
    assert read_markdown("> " * 40 + "x") == "x"
    read_markdown("> " * 3000 + "x\n" + "- " * 500 + "x")
