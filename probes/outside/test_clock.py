"""Oscar puts the logs of many machines side by side by their times: no container has its own."""

#: Both clocks are read to the second.
SECOND = 1


def test_its_clock_is_the_machines(container, outside):
    """The clock in the container is the machine's"""
    before = int(outside.check_output("date +%s"))
    inside = container.exec("date +%s")
    after = int(outside.check_output("date +%s"))
    seen = inside.stdout.strip()
    assert seen.isdigit(), f"it has no clock: {inside.stderr or seen}"
    assert before - SECOND <= int(seen) <= after + SECOND, (
        f"it is {int(seen) - before} s apart from the machine's"
    )
