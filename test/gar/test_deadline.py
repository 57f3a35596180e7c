import time

import pytest

from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded


def test_without_a_limit_it_never_ends_but_can_be_cancelled():
    deadline = Deadline()
    deadline.check()
    assert deadline.left is None
    deadline.cancel()
    with pytest.raises(Cancelled):
        deadline.check()


def test_it_ends_when_its_time_is_over():
    deadline = Deadline(0.02)
    assert deadline.left is not None
    assert 0 < deadline.left <= 0.02
    deadline.check()
    time.sleep(0.03)
    assert deadline.left == 0
    with pytest.raises(DeadlineExceeded):
        deadline.check()
