"""The page: one file, nothing from outside, nothing that runs but its own script."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from builders.past import a_report_with_a_past, cell_id
from builders.report_readers import Elements
from builders.reports import a_hostile_report
from builders.shop import shop_report

from matrix.core.history import CellHistory
from matrix.report import render


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


def test_every_cell_has_its_evidence_and_every_environment_its_facts() -> None:
    report = shop_report()
    assert EVIDENCE.keys() == {*map(str, report.grid.cells), "environments"}
    queue = unpacked("queue@qa")
    (attempt,) = queue["attempts"]
    failed = [probe for side in attempt["sides"] for probe in side["probes"] if "detail" in probe]
    assert [probe["title"] for probe in failed] == ["Memory limit is enforced"]
    assert [command["exit"] for command in failed[0]["commands"]] == [0, 0, 1]
    assert unpacked("environments")["environments"]["qa"]["hosts"][0]["facts"]


def test_the_history_and_the_waivers_of_a_cell_are_in_its_evidence() -> None:
    known = unpacked("worker@prod", of=render("html", a_report_with_a_past()))
    history = known["history"]
    assert len(history["runs"]) == len(history["verdicts"]) == len(history["at"]) == 30
    assert history["first_bad"]["run"] == history["runs"][-1]
    assert history["releases"].count("2.3") == 1
    # A column of which all is the same is that value.
    assert isinstance(history["probes"], str)
    assert [waiver["state"] for waiver in known["waivers"]] == ["used"]


def test_the_grid_of_the_page_holds_what_can_be_asked_for() -> None:
    grid = json.loads(data("grid-data", of=render("html", a_report_with_a_past())))
    cells = {f"{cell['service']}@{cell['environment']}": cell for cell in grid["cells"]}
    assert len(cells) == 49
    assert cells["userdb@cloud"]["flaky"]
    assert cells["queue@cluster"]["change"] == "regression"
    assert cells["worker@prod"]["waived"]
    assert cells["queue@qa"]["past"] == "PPPEPPFFFF"
    assert grid["services"][1]["owner"] == "team-orders"


def test_the_page_knows_its_newest_runs_and_every_release() -> None:
    grid = json.loads(data("grid-data", of=after_many_runs()))
    runs = [run["run"] for run in grid["runs"]]
    assert runs == [*(f"run{number:03}" for number in range(50)), "run090"]
    assert {run["release"] for run in grid["runs"]} == {"", "2.3"}


def test_a_fingerprint_of_several_hosts_is_shortened_host_by_host() -> None:
    known = unpacked("queue@qa", of=after_many_runs())["history"]
    assert known["fingerprints"] == "111111111111+222222222222"


@cache
def after_many_runs() -> str:
    """A hundred runs, each of one cell; those from the ninetieth on are of release 2.3."""
    report = a_report_with_a_past()
    like = next(iter(report.history.values())).past[0]
    several = f"sha256:{'1' * 64}+sha256:{'2' * 64}"
    pasts = [
        replace(
            like,
            run=f"run{number:03}",
            release="2.3" if number >= 90 else "",
            finished_at=like.finished_at - timedelta(hours=number),
            fingerprint=several,
        )
        for number in range(100)
    ]
    history = {
        cell: CellHistory(past=tuple(pasts[at::4]), first_bad=None, flaky=False)
        for at, cell in enumerate(map(cell_id, ("queue@qa", "api@qa", "userdb@qa", "website@qa")))
    }
    return render("html", replace(report, history=history))


def test_a_text_cannot_end_the_element_that_holds_the_data() -> None:
    found = render("html", a_hostile_report())
    assert len(re.findall("<script", found)) == len(re.findall("</script>", found)) == 3
    assert "<" not in data("grid-data", of=found)


def data(name: str, *, of: str) -> str:
    (content,) = re.findall(f'(?s)<script type="application/json" id="{name}">(.*?)</script>', of)
    return str(content)


EVIDENCE = json.loads(data("evidence-data", of=page()))


def unpacked(key: str, *, of: str = "") -> dict[str, Any]:
    packed = json.loads(data("evidence-data", of=of))[key] if of else EVIDENCE[key]
    return dict(json.loads(zlib.decompress(base64.b64decode(packed))))
