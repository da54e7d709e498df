"""The page: one file, nothing from outside, nothing that runs but its own script."""

import base64
import hashlib
import re
from functools import cache

from builders.report_readers import Elements
from builders.reports import a_cell, a_report, a_service, an_attempt, an_environment
from builders.shop import shop_report

from matrix.core.verdict import Verdict
from matrix.report import render
from matrix.report.layout import steps


@cache
def page() -> str:
    return render("html", shop_report())


def block(tag: str) -> str:
    (content,) = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", page())
    return content


def digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def test_the_policy_names_the_one_style_and_the_one_script() -> None:
    policy = next(
        names["content"]
        for tag, names in Elements(page()).found
        if names.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{digest(block('style'))}'" in policy
    assert f"script-src 'sha256-{digest(block('script'))}'" in policy
    assert "unsafe" not in policy


def test_nothing_on_the_page_points_outside() -> None:
    for tag, names in Elements(page()).found:
        assert "src" not in names, tag
        assert "style" not in names, tag
        if "href" in names:
            assert names["href"].startswith(("#", "data:image/svg+xml,")), names["href"]
    assert "url(" not in block("style")
    assert "@import" not in block("style")


def test_every_link_leads_to_something_on_the_page() -> None:
    found = Elements(page()).found
    ids = [names["id"] for _, names in found if "id" in names]
    assert len(ids) == len(set(ids))
    targets = {names["href"][1:] for tag, names in found if tag == "a"}
    assert targets <= set(ids)


def test_an_unreachable_column_says_so_once() -> None:
    grid = re.search('(?s)<table class="grid".*</table>', page())
    assert grid is not None
    assert len(re.findall(">! unreachable<", grid[0])) == 1
    assert ">unreachable<" not in grid[0]


def test_an_image_that_was_not_asked_for_is_said() -> None:
    attempt = an_attempt(image_id="sha256:" + "f" * 64)
    report = a_report(
        (a_service("queue"),),
        (an_environment("qa"),),
        (a_cell("queue", "qa", Verdict.ERROR, attempt, reason="image-mismatch"),),
    )
    assert "not the one asked for" in render("html", report)
    assert "not the one asked for" not in page()


def test_steps_fill_the_bar() -> None:
    bar = steps({"start": 1.0, "probe": 3.0})
    assert [(step.start, step.length) for step in bar] == [(0.0, 25.0), (25.0, 75.0)]
    assert steps({"start": 0.0})[0].length == 0.0
    assert steps({}) == ()
