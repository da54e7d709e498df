"""The policy in a kit: the sender's rules for its cells, and nothing else of the sender's."""

import hashlib
import tomllib
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from builders.handmade_kits import FILES, a_manifest, write_by_hand
from builders.kits import PROJECT, tiny_kit

from matrix.bundle.kit import Kit
from matrix.bundle.kit_policy import POLICY, kit_policy
from matrix.bundle.record import record_of
from matrix.core.errors import Refused
from matrix.core.model import CellId, Policy, Quarantine, Waiver
from matrix.preflight import FoundEngine, unpack_project

ENGINE = FoundEngine(name="docker", socket=Path("/nonexistent.sock"))
SENDERS = Policy(
    required=("queue@prod-*",),
    allow_unsupported=("api@*", "queue@prod-7"),
    warned_closes=True,
    allow_warned=("*@acme", "*@globex"),
    baseline="2026.1",
    quarantine=(Quarantine(cells="*@acme", reason="moves", owner="dana", until=date(2026, 12, 1)),),
    waivers=(
        Waiver(
            cell=CellId(service="queue", environment="acme"),
            probe="cell",
            signature="s",
            reason="told in private",
            owner="oscar",
            until=date(2026, 12, 1),
        ),
    ),
)


def test_the_rules_for_its_cells_go_along_and_every_one_of_them_is_required():
    said = tomllib.loads(kit_policy(SENDERS, "acme", ["queue", "api"]))
    assert said == {
        "required": ["queue@acme", "api@acme"],
        "allow_unsupported": ["api@acme"],
        "warned_closes": True,
        "allow_warned": ["queue@acme", "api@acme"],
    }


@pytest.mark.parametrize("word", ["prod", "globex", "private", "oscar", "dana", "2026"])
def test_nothing_that_is_the_senders_own_business_goes_along(word: str):
    assert word not in kit_policy(SENDERS, "acme", ["queue", "api"])


def test_the_run_is_judged_by_the_policy_in_the_kit(tmp_path: Path):
    written = kit_policy(Policy(warned_closes=True), "acme", ["tiny"]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PROJECT, "policy.toml", written)
        tiny_kit(tmp_path / "tiny.matrix")
    with closing(Kit(tmp_path / "tiny.matrix")) as kit:
        project = unpack_project(kit, tmp_path / "private", ENGINE)
        record = record_of(kit)
    assert project.policy == Policy(required=("tiny@acme",), warned_closes=True)
    assert record.policy == hashlib.sha256(written).hexdigest()


def test_a_kit_without_a_policy_is_none_of_ours(tmp_path: Path):
    assert POLICY not in FILES
    file = write_by_hand(tmp_path / "without.matrix", a_manifest(FILES))
    with closing(Kit(file)) as kit, pytest.raises(Refused, match="holds no policy"):
        record_of(kit)
