"""A customer's administrator has two pages to read: docs/howto/customers.md, printed on A4."""

import re

from builders.pages import ROOT
from markdown_it import MarkdownIt
from playwright.sync_api import Browser

PAGE = ROOT / "docs/howto/customers.md"
#: What was promised to whoever has to read it.
SHEETS = 2
#: 11 pt and 2 cm: what a word processor gives. DejaVu is the widest font that is usual.
STYLE = """
@page { size: A4; margin: 20mm }
body { font: 11pt/1.35 "DejaVu Serif", serif; margin: 0 }
h1 { font-size: 18pt; margin: 0 0 6pt } h2 { font-size: 14pt; margin: 10pt 0 4pt }
p, ul, pre, table { margin: 0 0 6pt } ul { padding-left: 16pt }
pre { font: 9pt monospace; white-space: pre-wrap; padding: 4pt } code { font-size: 9.5pt }
table { border-collapse: collapse; width: 100% }
td, th { border: 0.5pt solid; padding: 2pt 4pt; text-align: left; vertical-align: top }
"""


def printed(browser: Browser, text: str) -> int:
    """Sheets of paper."""
    html = MarkdownIt("commonmark").enable("table").render(text)
    page = browser.new_page()
    try:
        page.set_content(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{html}")
        data = page.pdf(prefer_css_page_size=True)
    finally:
        page.close()
    return len(re.findall(rb"/Type\s*/Page\b", data))


def test_what_an_administrator_reads_is_two_sheets(browser: Browser):
    assert printed(browser, PAGE.read_text(encoding="utf-8")) == SHEETS


def test_a_longer_page_would_be_noticed(browser: Browser):
    text = PAGE.read_text(encoding="utf-8")
    assert printed(browser, text + "\n\nOne more line.\n" * 40) > SHEETS
