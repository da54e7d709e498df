"""The collector of cycles rests within, and goes on afterwards as before."""

import gc

import pytest

from matrix.core.collector import resting


def test_it_rests_within_and_goes_on_afterwards() -> None:
    with resting():
        assert not gc.isenabled()
        with resting():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(ValueError, match="late"), resting():
        raise ValueError("late")
    assert gc.isenabled()
