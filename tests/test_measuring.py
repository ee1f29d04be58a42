"""What the benchmark says of the times it took: ratios, shares, the slowest, and a group that breaks off."""

import pytest

from tests.benchmarks import __main__ as bench
from tests.benchmarks import table
from tests.benchmarks.measure import Floor, Surface, compare
from tests.benchmarks.table import Row


def taking(*milliseconds):
    """Answers that take so long, in turn."""
    waiting = list(milliseconds)

    def shoot():
        waiting.append(waiting.pop(0))
        return waiting[-1] / 1000

    return shoot


FLOOR = Floor("floor", taking(2))


@pytest.mark.parametrize(("took", "found", "is_met"), [(5, "2.50 ×", True), (6, "3.00 ×", True), (7, "3.50 ×", False)])
def test_a_limit_is_in_times_of_the_floor(took, found, is_met):
    row = compare(Surface("page", taking(took), limit=3), FLOOR, rounds=4)
    assert (row.found, row.goal, row.is_met) == (found, "≤ 3 ×", is_met)


@pytest.mark.parametrize(("took", "found", "is_met"), [(4, "0.50 of it", True), (5, "0.40 of it", False)])
def test_a_share_is_of_the_floors_rate(took, found, is_met):
    row = compare(Surface("page", taking(took), limit=0.5, is_share=True), FLOOR, rounds=4)
    assert (row.found, row.goal, row.is_met) == (found, "≥ 0.5 of it", is_met)


def test_the_slowest_count_too():
    # One answer in ten is slow: p50 does not see it, p95 does.
    mixed = taking(*[4] * 9, 40)
    assert compare(Surface("page", mixed, limit=3), FLOOR, rounds=40).is_met
    row = compare(Surface("page", mixed, limit=3, slowest=5), FLOOR, rounds=40)
    assert (row.found, row.goal, row.is_met) == ("2.00 ×, 20.0 ×", "≤ 3 ×, p95 ≤ 5 ×", False)
    assert compare(Surface("page", mixed, limit=3, slowest=20, tail=0.99), FLOOR, rounds=40).is_met


def test_a_group_that_breaks_off_keeps_what_it_found(monkeypatch, capsys):
    def rows(_shop):
        yield Row("home", "page", "0.70 of it", "≥ 0.6 of it", is_met=True)
        raise RuntimeError("the form: 500 instead of 303")

    monkeypatch.setitem(bench.GROUPS, "shop", rows)
    found = list(bench._rows("shop", None))
    assert [row.is_met for row in found] == [True, False]
    assert "500 instead of 303" in found[1].found
    assert list(table.lines("A run", found))[-1] == "1 of 2 goals met"
    assert "RuntimeError" in capsys.readouterr().err
