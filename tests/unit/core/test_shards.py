"""Every cell belongs to exactly one shard, today and tomorrow."""

from hypothesis import given
from hypothesis import strategies as st

from matrix.core.model import CellId
from matrix.core.selection import shard_of

NAMES = st.text("abcdefgh-0123456789", min_size=1, max_size=8)
CELLS = st.lists(st.builds(CellId, service=NAMES, environment=NAMES), unique=True)


@given(CELLS, st.integers(1, 9))
def test_shards_are_disjoint_and_together_complete(cells, count):
    shards = [shard_of(cells, number=number, count=count) for number in range(1, count + 1)]
    joined = [cell for shard in shards for cell in shard]
    assert sorted(joined) == sorted(cells)
    assert len(set(joined)) == len(joined)


@given(CELLS, CELLS, st.integers(1, 9))
def test_a_cell_stays_in_its_shard_whatever_else_there_is(cells, more, count):
    for number in range(1, count + 1):
        alone = shard_of(cells, number=number, count=count)
        together = shard_of([*more, *cells], number=number, count=count)
        assert set(alone) <= set(together)


def test_shards_keep_the_order_and_are_of_about_the_same_size():
    cells = [
        CellId(service=f"s{row}", environment=f"e{column}")
        for row in range(20)
        for column in range(50)
    ]
    shards = [shard_of(cells, number=number, count=5) for number in range(1, 6)]
    assert all(150 < len(shard) < 250 for shard in shards)
    assert list(shards[0]) == [cell for cell in cells if cell in set(shards[0])]


def test_which_shard_a_cell_is_in_does_not_change_from_version_to_version():
    cell = CellId(service="queue", environment="qa")
    found = [number for number in range(1, 6) if shard_of([cell], number=number, count=5)]
    assert found == [PLACE]


#: Of queue@qa among five; results of older runs are joined by it.
PLACE = 3
