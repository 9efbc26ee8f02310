"""What a candidate for a Lease does, by a clock that tests move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.leadership.leases import (
    LEASE,
    Record,
    Seen,
    Step,
    Timing,
    choose,
    lease,
    noticed,
)
from playbook_engine.objects import Object, ObjectKey, mapping

TIMING = Timing(duration=15.0, renew_deadline=10.0, retry=2.0)
PLACE = ObjectKey(gvk=LEASE, namespace="system", name="engine")


def record(
    holder: str = "other", *, seconds: float = 15.0, renewed: str = "t0", version: str = "1"
) -> Record:
    return Record(
        holder=holder, seconds=seconds, acquired="t0", renewed=renewed, transitions=3, version=version
    )


def spec_of(found: Object) -> dict[str, object]:
    return dict(mapping(found["spec"]))


def test_a_lease_that_is_not_there_is_created() -> None:
    assert choose(None, identity="me", timing=TIMING, now=0.0).step is Step.CREATE


def test_a_lease_that_was_released_is_taken_at_once() -> None:
    assert choose(Seen(record(""), 100.0), identity="me", timing=TIMING, now=100.0).step is Step.TAKE


def test_ones_own_lease_is_renewed_however_old_it_is() -> None:
    for now in (100.0, 10_000.0):
        assert choose(Seen(record("me"), 100.0), identity="me", timing=TIMING, now=now).step is Step.RENEW


def test_the_lease_of_another_is_taken_when_it_has_not_changed_for_its_duration() -> None:
    seen = Seen(record(), 100.0)
    assert choose(seen, identity="me", timing=TIMING, now=114.9).step is Step.WAIT
    assert choose(seen, identity="me", timing=TIMING, now=115.0).step is Step.TAKE


def test_a_candidate_looks_again_the_moment_the_lease_ends() -> None:
    assert choose(Seen(record(), 100.0), identity="me", timing=TIMING, now=101.0).wait == 2.0
    assert choose(Seen(record(), 100.0), identity="me", timing=TIMING, now=114.5).wait == pytest.approx(0.5)


def test_a_longer_duration_of_the_holder_is_respected() -> None:
    seen = Seen(record(seconds=60.0), 100.0)
    assert choose(seen, identity="me", timing=TIMING, now=120.0).step is Step.WAIT


def test_a_renewal_starts_the_wait_anew_and_the_same_record_does_not() -> None:
    first = noticed(None, record(), 100.0)
    assert noticed(first, record(), 110.0) is first
    assert noticed(first, record(renewed="t1", version="2"), 110.0).at == 110.0


def test_a_takeover_counts_and_a_renewal_keeps_what_it_found() -> None:
    taken = spec_of(lease(PLACE, record("other"), identity="me", seconds=15.0, now="t9"))
    assert (taken["leaseTransitions"], taken["acquireTime"], taken["renewTime"]) == (4, "t9", "t9")
    kept = spec_of(lease(PLACE, record("me"), identity="me", seconds=15.0, now="t9"))
    assert (kept["leaseTransitions"], kept["acquireTime"], kept["renewTime"]) == (3, "t0", "t9")


def test_a_release_leaves_a_lease_without_a_holder() -> None:
    released = spec_of(lease(PLACE, record("me"), identity="", seconds=1.0, now="t9"))
    assert (released["holderIdentity"], released["leaseDurationSeconds"]) == ("", 1)
    assert released["leaseTransitions"] == 3


def test_what_is_written_is_read_back_the_same() -> None:
    written = lease(PLACE, record("me"), identity="me", seconds=15.0, now="t9")
    assert Record.of(written) == record("me", renewed="t9")


@given(
    duration=st.floats(2.0, 300.0),
    share=st.floats(0.1, 0.95),
    began=st.floats(0.0, 1e6),
    travel=st.floats(0.0, 30.0),
    poll=st.floats(0.0, 2.0),
)
def test_nobody_can_take_the_lease_before_its_holder_is_killed(
    duration: float, share: float, began: float, travel: float, poll: float
) -> None:
    """Whenever the renewal arrives and whenever a rival sees it, the rival waits for longer than the tenure."""
    timing = Timing(duration=duration, renew_deadline=duration * share, retry=1.0)
    tenure = timing.tenure(began)
    seen = Seen(record(seconds=duration), began + travel + poll)
    assert tenure.until < tenure.killed < began + duration
    choice = choose(seen, identity="rival", timing=timing, now=tenure.killed)
    assert choice.step is Step.WAIT
