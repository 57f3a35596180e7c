"""The newest window is answered, whatever the reasoner does."""

from __future__ import annotations

import time
from array import array
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from misbehaving import Endless, Fixed, Garbage, Hanging, Raising, Slow
from sensor_msgs.msg import Image

from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.foreign import ForeignReasoner
from gar_ssl_ros.gar.localization import Outcome, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.reasoner import Fallback, Unavailable
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.work.window_assembler import WindowAssembler
from gar_ssl_ros.work.worker import Answer, Request, Worker

PATIENCE = 240.0  # s: what should happen has happened by then, on any machine


def window(number: int = 0) -> Window:
    start = number * SECOND
    sound = np.sin(np.arange(3 * 8000) / 5, dtype=np.float32)[None]
    frame = Frame(start + SECOND, np.zeros((48, 64, 3), np.uint8), "camera")
    return Window(start, start + 3 * SECOND, (frame,), Audio(start, sound, 8000))


def request(number: int = 0, limit: float = PATIENCE, refusal: str = "") -> Request:
    return Request(window(number), GarOptions(), limit, refusal)


def picture(stamp: int) -> Image:
    message = Image(width=4, height=4, encoding="mono8", step=4, data=array("B", bytes(16)))
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, SECOND)
    return message


class Desk:
    """A worker and what it published and told."""

    def __init__(self, reasoner) -> None:
        self.answers: list[Answer] = []
        self.told: list[str] = []
        self.worker = Worker(reasoner, self.publish, self.told.append)

    def publish(self, answer: Answer) -> Answer:
        self.answers.append(answer)
        return answer

    def offer(self, number: int = 0) -> None:
        self.worker.offer(lambda: request(number))

    def until(self, condition) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.005)

    @property
    def finals(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.found.stage is Stage.FINAL]

    def __enter__(self) -> Desk:
        return self

    def __exit__(self, *_) -> None:
        self.worker.close(PATIENCE)


def test_an_initial_answer_comes_before_the_final_one():
    with Desk(Fixed()) as desk:
        desk.offer()
        desk.until(lambda: len(desk.answers) == 2)
        assert [a.found.stage for a in desk.answers] == [Stage.INITIAL, Stage.FINAL]
        assert {a.found.outcome for a in desk.answers} == {Outcome.LOCALIZED}


def test_a_slow_reasoner_gets_the_newest_window_each_time_and_the_rest_is_counted_as_dropped():
    slow = Slow()
    slow.delay = 0.3
    with Desk(slow) as desk:
        desk.offer(0)
        desk.until(lambda: desk.worker.statistics.busy is not None)
        for number in range(1, 6):
            desk.offer(number)
        desk.until(lambda: len(desk.finals) == 2)
        assert [a.request.window.start // SECOND for a in desk.finals] == [0, 5]
        assert [a.dropped for a in desk.finals] == [0, 4]
        work = desk.worker.statistics
        assert (work.offered, work.answered, work.dropped) == (6, 2, 4)


def test_a_worker_that_becomes_free_has_the_newest_window_cut_and_not_the_last_one_that_was_due():
    assembler = WindowAssembler(WindowOptions(window=1.0, hop=0.5), pytest.fail)
    slow = Slow()
    with Desk(slow) as desk:

        def see(tenth: int) -> None:
            stamp = tenth * SECOND // 10
            cut = assembler.take_image(picture(stamp), stamp)
            if cut is not None:
                desk.worker.offer(lambda: Request(assembler.renewed(cut).window, GarOptions(), PATIENCE, "not asked"))

        for tenth in range(100, 131):  # without sound, windows are due once that is not waited for any more
            see(tenth)
        desk.until(lambda: desk.finals)
        first = desk.finals[0].request.window
        held = desk.worker.ask(request(0))  # which takes 2 s
        desk.until(lambda: desk.worker.statistics.busy is not None)
        offered = desk.worker.statistics.offered
        for tenth in range(131, 145):
            see(tenth)
        work = desk.worker.statistics
        assert (work.offered - offered, work.waiting) == (3, 1)
        held.result(PATIENCE)
        desk.until(lambda: len(desk.finals) == work.answered + 2)
        newest = desk.finals[-1]
        assert (newest.request.window.end, newest.request.window.start) == (14.4 * SECOND, 13.4 * SECOND)
        assert first.end < newest.request.window.start
        done = desk.worker.statistics
        assert (done.offered, done.waiting) == (done.answered - 1 + done.dropped, 0)  # one was asked for


class Preparing(Fixed):
    """Looks at a window that comes until it is told to stop."""

    def __init__(self) -> None:
        self.prepared: list[Window] = []
        self.told_to_stop = 0

    def prepare(self, window: Window, deadline: Deadline) -> None:
        self.prepared.append(window)
        try:
            while True:
                deadline.check()
                time.sleep(0.001)
        except Cancelled:
            self.told_to_stop += 1
            raise


def test_a_free_reasoner_looks_at_the_window_that_comes_until_one_is_due_or_the_worker_closes():
    reasoner = Preparing()
    with Desk(reasoner) as desk:
        assert desk.worker.prepare(lambda: window(7), PATIENCE)
        desk.until(lambda: reasoner.prepared)
        assert not desk.worker.prepare(pytest.fail, PATIENCE)  # it works
        assert desk.worker.statistics.busy is desk.worker.statistics.stalled is None
        desk.offer(1)
        desk.until(lambda: desk.finals)
        assert desk.finals[0].found.outcome is Outcome.LOCALIZED
        assert [one.start // SECOND for one in reasoner.prepared] == [7]
        desk.until(lambda: desk.worker.prepare(lambda: window(8), PATIENCE))
        desk.until(lambda: len(reasoner.prepared) == 2)
        assert desk.worker.close(PATIENCE)
    assert reasoner.told_to_stop == 2


def test_nothing_is_cut_for_a_reasoner_that_does_not_prepare():
    with Desk(Fixed()) as desk:
        assert not desk.worker.prepare(pytest.fail, PATIENCE)


def test_a_preparation_that_breaks_leaves_the_window_as_it_is():
    reasoner = Preparing()
    with Desk(reasoner) as desk:
        desk.worker.prepare(lambda: window(7), 0.0)  # no time at all
        desk.until(lambda: reasoner.prepared)
        desk.offer(1)
        desk.until(lambda: desk.finals)
        assert desk.finals[0].found.outcome is Outcome.LOCALIZED


def test_what_comes_of_the_next_window_is_its_interval_and_the_pictures_so_far():
    assembler = WindowAssembler(WindowOptions(window=1.0, hop=0.5), pytest.fail)
    assert assembler.coming() is assembler.left is None
    for tenth in range(100, 138):
        assembler.take_image(picture(tenth * SECOND // 10), tenth * SECOND // 10)
    coming = assembler.coming()
    assert coming is not None
    assert coming.end - coming.start == SECOND
    assert coming.end > 13.7 * SECOND
    assert assembler.left == (coming.end, coming.end - 1 - 137 * SECOND // 10)  # that picture is in it
    assert [frame.stamp for frame in coming.frames] == [
        tenth * SECOND // 10 for tenth in range(-(-coming.start * 10 // SECOND), 138)
    ]


def test_a_window_that_cannot_be_cut_is_told_and_dropped_and_the_next_one_is_answered():
    def broken() -> Request:
        raise MemoryError("no room for it")

    with Desk(Fixed()) as desk:
        desk.worker.offer(broken)
        desk.until(lambda: desk.told)
        assert "no room for it" in desk.told[0]
        desk.offer(1)
        desk.until(lambda: desk.finals)
        assert (desk.finals[0].dropped, desk.worker.statistics.dropped) == (1, 1)


def test_whoever_offers_does_not_wait_for_a_window_that_is_cut_and_clearing_gives_that_up():
    cutting, go_on = Event(), Event()

    def slowly() -> Request:
        cutting.set()
        assert go_on.wait(PATIENCE)
        return request(0)

    with Desk(Fixed()) as desk:
        desk.worker.offer(slowly)
        assert cutting.wait(PATIENCE)
        desk.offer(1)  # it would never return if the cut had to end first
        desk.worker.clear()
        desk.offer(2)
        go_on.set()
        desk.until(lambda: desk.finals)
        assert [answer.request.window.start // SECOND for answer in desk.finals] == [2]


def test_asking_waits_for_the_window_in_hand_and_drops_none():
    slow = Slow()
    slow.delay = 0.3
    with Desk(slow) as desk:
        desk.offer(0)
        desk.until(lambda: desk.worker.statistics.busy is not None)
        desk.offer(1)
        asked = desk.worker.ask(request(2))
        assert asked.result(PATIENCE).request.window.start == 2 * SECOND
        desk.until(lambda: len(desk.finals) == 3)
        assert [a.request.window.start // SECOND for a in desk.finals] == [0, 2, 1]


def test_a_reasoner_that_raises_fails_its_window_and_answers_the_next():
    with Desk(Raising()) as desk:
        for number in range(2):
            found = desk.worker.ask(request(number)).result(PATIENCE).found
            assert found.outcome is Outcome.BACKEND_ERROR
            assert "out of memory, as it were" in found.detail


def test_a_reasoner_that_looks_at_its_deadline_ends_in_timeout():
    with Desk(Endless()) as desk:
        found = desk.worker.ask(request(limit=0.2)).result(PATIENCE).found
        assert found.outcome is Outcome.TIMEOUT
        assert desk.worker.statistics.stalled is None
        assert desk.worker.statistics.overruns == 1


def test_windows_are_answered_while_a_reasoner_hangs_and_it_is_used_again_when_it_is_back():
    hanging = Hanging()
    with Desk(hanging) as desk:
        first = desk.worker.ask(request(0, limit=0.1)).result(PATIENCE).found
        assert first.outcome is Outcome.TIMEOUT
        assert "did not stop at its deadline" in first.detail
        second = desk.worker.ask(request(1)).result(PATIENCE).found
        assert second.outcome is Outcome.TIMEOUT
        assert "stuck in an earlier window" in second.detail
        assert desk.worker.statistics.stalled is not None
        hanging.released.set()
        desk.until(lambda: len(desk.told) == 2)
        assert "is stuck" in desk.told[0]
        assert "is back" in desk.told[1]
        assert desk.worker.ask(request(2)).result(PATIENCE).found.outcome is Outcome.LOCALIZED
        assert len(desk.finals) == 3  # what the hanging one found at last was not wanted any more


@pytest.mark.parametrize("kind", ["label", "none", "confidence", "boxes", "nan", "fewer"])
def test_garbage_is_a_failure_and_never_an_answer(kind):
    with Desk(ForeignReasoner(Garbage(kind))) as desk:
        found = desk.worker.ask(request()).result(PATIENCE).found
        assert found.outcome.failed
        assert not found.sources
        assert found.detail


@pytest.mark.parametrize("reasoner", [Raising(), Garbage("none"), ForeignReasoner(Garbage("label"))])
def test_the_fallback_answers_where_the_reasoner_fails_and_the_answer_says_so(reasoner):
    with Desk(Fallback(reasoner, Fixed())) as desk:
        answer = desk.worker.ask(request()).result(PATIENCE)
        assert answer.found.instead_of
        assert answer.found.outcome is Outcome.LOCALIZED
        assert answer.found.reasoner == "fixed"
        assert f"{reasoner.name} failed" in answer.found.detail
        assert desk.worker.statistics.fallbacks == 1


def test_the_fallback_answers_while_the_reasoner_hangs():
    hanging = Hanging()
    with Desk(Fallback(hanging, Fixed())) as desk:
        for number in range(2):
            answer = desk.worker.ask(request(number, limit=0.1)).result(PATIENCE)
            assert (answer.found.instead_of.outcome, answer.found.outcome) == (Outcome.TIMEOUT, Outcome.LOCALIZED)
        assert (desk.worker.statistics.fallbacks, desk.worker.statistics.overruns) == (2, 2)
        hanging.released.set()


def test_a_fallback_that_hangs_does_not_stop_the_answers_either():
    hanging = Hanging()
    with Desk(Fallback(Raising(), hanging)) as desk:
        for number in range(2):
            found = desk.worker.ask(request(number, limit=0.1)).result(PATIENCE).found
            assert (found.outcome, found.reasoner) == (Outcome.BACKEND_ERROR, "raising")
        assert "the reasoner hanging is stuck" in desk.told[0]
        assert desk.worker.statistics.stalled is not None
        hanging.released.set()
        desk.until(lambda: len(desk.told) == 2)
        assert desk.worker.ask(request(2)).result(PATIENCE).found.reasoner == hanging.name


@pytest.mark.parametrize("reasoner", [Unavailable("omni", None, "the weights are missing"), Raising()])
def test_the_first_boxes_of_the_fallback_are_published_as_initial_too(reasoner):
    with Desk(Fallback(reasoner, Fixed())) as desk:
        desk.worker.ask(request()).result(PATIENCE)
        initial, final = desk.answers[-2:]
        assert (initial.found.stage, final.found.stage) == (Stage.INITIAL, Stage.FINAL)
        assert initial.found.instead_of == final.found.instead_of
        assert initial.found.instead_of is not None
        assert initial.found.reasoner == "fixed"


def test_a_fallback_that_fails_too_leaves_the_reasoners_own_failure():
    with Desk(Fallback(Raising(), ForeignReasoner(Garbage("none")))) as desk:
        answer = desk.worker.ask(request()).result(PATIENCE)
        assert not answer.found.instead_of
        assert answer.found.reasoner == "raising"


def test_a_missing_reasoner_fails_every_window_with_its_reason_or_leaves_it_to_the_fallback():
    missing = Unavailable("omni", None, "the weights are missing")
    with Desk(missing) as desk:
        found = desk.worker.ask(request()).result(PATIENCE).found
        assert (found.outcome, found.detail) == (Outcome.BACKEND_ERROR, "the weights are missing")
    with Desk(Fallback(missing, Fixed())) as desk:
        answer = desk.worker.ask(request()).result(PATIENCE)
        assert answer.found.instead_of
        assert "the weights are missing" in answer.found.detail


def test_a_refused_window_fails_without_the_reasoner_or_the_fallback_being_asked():
    with Desk(Fallback(Fixed(), Fixed())) as desk:
        answer = desk.worker.ask(request(refusal="no sound has come")).result(PATIENCE)
        assert (answer.found.outcome, answer.found.detail) == (Outcome.BACKEND_ERROR, "no sound has come")
        assert not answer.found.instead_of


def test_clearing_gives_up_what_waits_and_what_is_worked_on_and_the_next_window_is_answered():
    with Desk(Endless()) as desk:
        waiting = desk.worker.ask(request(0))
        desk.until(lambda: desk.worker.statistics.busy is not None)
        desk.offer(1)
        second = desk.worker.ask(request(2))
        desk.worker.clear()
        desk.until(lambda: desk.worker.statistics.busy is None and desk.worker.statistics.waiting == 0)
        assert waiting.cancelled()
        assert second.cancelled()
        assert not desk.finals
        assert desk.worker.ask(request(3, limit=0.1)).result(PATIENCE).found.outcome is Outcome.TIMEOUT


def test_closing_ends_both_threads_even_in_the_middle_of_a_window():
    desk = Desk(Endless())
    desk.offer()
    desk.until(lambda: desk.worker.statistics.busy is not None)
    assert desk.worker.close(PATIENCE)
    assert desk.worker.ask(request()).cancelled()


def test_closing_does_not_wait_for_a_reasoner_that_hangs():
    hanging = Hanging()
    desk = Desk(hanging)
    desk.offer()
    assert hanging.hangs.wait(PATIENCE)
    assert not desk.worker.close(0.2)
    hanging.released.set()
    assert desk.worker.close(PATIENCE)


def test_an_answer_that_cannot_be_published_does_not_stop_the_worker():
    published = []

    def publish(answer: Answer) -> Answer:
        published.append(answer)
        if len(published) == 1:
            raise RuntimeError("no middleware")
        return answer

    told: list[str] = []
    worker = Worker(Fixed(), publish, told.append)
    worker.ask(request(0))
    end = time.monotonic() + PATIENCE
    while not told and time.monotonic() < end:
        time.sleep(0.01)
    assert "no middleware" in told[0]
    assert worker.ask(request(1)).result(PATIENCE).found.outcome is Outcome.LOCALIZED
    worker.close(PATIENCE)


def test_a_window_that_the_noise_gate_holds_is_uncertain_counted_and_not_given_to_the_reasoner():
    with Desk(Raising()) as desk:
        desk.worker.offer(lambda: replace(request(), held="an even noise"))
        desk.until(lambda: desk.answers)
        found = desk.answers[0].found
        assert (found.outcome, found.reasoner, found.detail) == (Outcome.UNCERTAIN, "noise_gate", "an even noise")
        work = desk.worker.statistics
        assert (work.gated, work.answered, work.outcomes[Outcome.UNCERTAIN]) == (1, 1, 1)


def test_who_asked_hears_of_each_answer_and_cancels_what_waits_or_is_in_hand():
    early: list[Answer] = []
    with Desk(Fixed()) as desk:
        final = desk.worker.ask(request(), early.append).result(PATIENCE)
        assert [answer.found.stage for answer in (*early, final)] == [Stage.INITIAL, Stage.FINAL]
        assert desk.answers == [*early, final]
    for endless in (Endless(), Fallback(Unavailable("omni", None, "it is missing"), Endless())):
        in_hand_and_waiting_are_cancelled(endless)


def in_hand_and_waiting_are_cancelled(endless):
    with Desk(endless) as desk:
        in_hand, waiting = desk.worker.ask(request(0)), desk.worker.ask(request(1))
        desk.until(lambda: desk.worker.statistics.busy is not None)
        assert waiting.cancel()
        assert desk.worker.statistics.waiting == 0
        assert in_hand.cancel()
        desk.until(lambda: desk.worker.statistics.busy is None)
        assert (desk.answers, desk.worker.statistics.answered) == ([], 0)
        again = desk.worker.ask(request(2, refusal="it need not be asked")).result(PATIENCE)
        assert again.found.detail == "it need not be asked"


class Segmenting:
    """Gives all of the image as each mask, once it may."""

    name = "segmenting"

    def __init__(self) -> None:
        self.may = Event()

    def segment(self, image, prompts, deadline):
        while not self.may.wait(0.01):
            deadline.check()
        return [Mask(np.ones(image.shape[:2], np.bool_))] * len(prompts)


def test_masks_are_published_after_their_answer_which_does_not_wait_for_those_that_take_long():
    segmenting, published = Segmenting(), []
    desk = Desk(Fixed())
    desk.worker.close(PATIENCE)
    desk.worker = Worker(
        Fixed(),
        lambda one: published.append(("answer", one)) or desk.publish(one),
        desk.told.append,
        segmenting,
        lambda one: published.append(("masks", one)),
    )
    with desk:
        desk.offer(0)
        desk.until(lambda: len(desk.finals) == 1)
        assert desk.finals[0].found.sources[0].mask is None
        desk.offer(1)  # while the first one's masks are still looked for
        desk.until(lambda: len(desk.finals) == 2)
        assert desk.finals[1].found.detail == "1 of 1 masks failed: they are still looked for in an earlier window"
        segmenting.may.set()
        desk.until(lambda: len(published) == 6)
        late = published[-1][1]
        assert (late.late, late.request, late.found.sources[0].mask.area) == (True, desk.finals[0].request, 48 * 64)
        desk.offer(2)
        desk.until(lambda: len(published) == 9)
        (_, final), (what, soon) = published[-2:]
        assert (what, soon.request, soon.found.sources[0].mask.area) == ("masks", final.request, 48 * 64)
        if not soon.late:  # it is, where the machine has no time at all
            assert soon.found == final.found


def test_a_segmenter_that_ignores_its_cancel_costs_masks_and_not_answers():
    class Stuck(Segmenting):
        def segment(self, image, prompts, deadline):
            self.may.wait(PATIENCE)
            raise RuntimeError

    stuck = Stuck()
    desk = Desk(Fixed())
    desk.worker.close(PATIENCE)
    desk.worker = Worker(Fixed(), desk.publish, desk.told.append, stuck)
    for number in range(3):
        desk.offer(number)
        desk.until(lambda number=number: len(desk.finals) == number + 1)
        desk.worker.clear()
    assert {one.found.outcome for one in desk.finals} == {Outcome.LOCALIZED}
    assert not desk.worker.close(0.2)
    stuck.may.set()
    assert desk.worker.close(PATIENCE)
