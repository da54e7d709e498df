"""axe with the rules that count here: WCAG 2.2 AA, and what axe itself calls best practice."""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
#: By tags, since what is newest in WCAG 2.2 is not among the rules that run unasked.
OPTIONS = {"runOnly": {"type": "tag", "values": list(TAGS)}}
KINDS = ("violations", "passes", "incomplete", "inapplicable")


def violations(page: Page) -> AxeResults:
    """What axe says of *page* as it stands; no rule is turned off, or this fails."""
    found = Axe().run(page, options=OPTIONS)
    ran = {rule["id"] for kind in KINDS for rule in found.response[kind]}
    wanted = page.evaluate(
        "tags => axe.getRules(tags).map((rule) => [rule.ruleId, rule.tags])", TAGS
    )
    asked = {name for name, tags in wanted if not {"experimental", "deprecated"} & set(tags)}
    assert asked <= ran, f"axe left out {asked - ran}"
    assert "target-size" in ran
    return found
