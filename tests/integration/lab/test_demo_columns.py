"""The columns of the short demo are the lab's own."""

import tomllib
from pathlib import Path

INVENTORIES = Path(__file__).parents[3] / "inventories"


def environments(name: str) -> dict[str, dict]:
    return tomllib.loads((INVENTORIES / name).read_text(encoding="utf-8"))["environments"]


def test_every_column_of_the_demo_is_one_of_the_lab_with_one_host():
    lab, demo = environments("lab.toml"), environments("demo.toml")
    assert list(demo) == ["laptop", "qa", "production", "customer"]
    for name, column in demo.items():
        whole = {key: value for key, value in lab[name].items() if key != "lab"}
        assert column == {**whole, "hosts": whole["hosts"][:1]}
