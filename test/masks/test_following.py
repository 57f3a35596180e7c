"""Which mask is which from window to window, whatever tells them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.following import MAX_LOOKS, Follower, anew, masked_window
from gar_ssl_ros.masks.tracking import Tracker
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.record import record_from_localization

SIDE = 20  # pixels, of a thing
RED, BLUE = 0, 2


def picture(*things: tuple[int, float]) -> np.ndarray:
    """Squares, each of a colour and an x."""
    image = np.zeros((40, 200, 3), np.uint8)
    for colour, x in things:
        image[10 : 10 + SIDE, int(x) : int(x) + SIDE, colour] = 255
    return image


def source(x: float, label: str = "dog") -> Source:
    box = Box(x, 10, x + SIDE, 10 + SIDE)
    return Source(box, label, 0.9, 0.8, label, box, False, None)


def found(*sources: Source) -> Localization:
    return Localization(Outcome.LOCALIZED, Stage.FINAL, "fixed", None, sources=sources)


def window(start_s: float, *images: np.ndarray, step_s: float = 0.5) -> Window:
    frames = tuple(Frame(round((start_s + step_s * i) * SECOND), image) for i, image in enumerate(images))
    return Window(frames[0].stamp, frames[-1].stamp + round(step_s * SECOND), frames, None)


class Colours:
    """A thing is what has the colour of the middle of the box; its stream looks for that colour."""

    name = "colours"

    def __init__(self) -> None:
        self.looks: list[np.ndarray] = []
        self.problem: Exception | None = None

    def segment(self, image, prompts, deadline):
        deadline.check()
        return [Mask(image[..., self.colour(image, prompt)] > 0) for prompt in prompts]

    def colour(self, image, prompt) -> int:
        x, y = prompt.box.center
        return int(image[int(y), int(x)].argmax())


class Propagating(Colours):
    def stream(self):
        return Stream(self)


class Stream:
    def __init__(self, whose: Propagating) -> None:
        self.whose, self.things, self.image = whose, {}, None

    def look(self, image, deadline):
        deadline.check()
        self.whose.looks.append(image)
        if self.whose.problem is not None:
            raise self.whose.problem
        self.image = image
        return {number: Mask(image[..., colour] > 0) for number, colour in self.things.items()}

    def prompt(self, number, prompt, deadline):
        self.things[number] = self.whose.colour(self.image, prompt)
        return Mask(self.image[..., self.things[number]] > 0)

    def keep(self, numbers):
        self.things = {number: colour for number, colour in self.things.items() if number in numbers}


def tracks(done: Localization) -> list[int | None]:
    return [one.track for one in done.sources]


def test_masks_tell_things_apart_whose_boxes_are_one_and_boxes_where_a_mask_is_missing():
    tracker = Tracker(by_masks=True)
    left, right = np.zeros((40, 200), bool), np.zeros((40, 200), bool)
    left[10:30, 10:20], right[10:30, 20:30] = True, True
    one, other = (replace(source(10), mask=Mask(half)) for half in (left, right))
    assert tracker.follow([one, other], 0) == (1, 2)
    assert tracker.follow([other, one], SECOND) == (2, 1)
    assert tracker.follow([source(11)], SECOND)[0] in (1, 2)
    tracker = Tracker(by_masks=True)
    assert tracker.follow([one], 0) == (1,)
    assert tracker.follow([replace(other, mask=Mask(np.zeros((4, 4), bool)))], 0) == (1,)  # of an image of another size


def test_sources_keep_their_numbers_over_windows_with_any_segmenter():
    follower = segmenter_of(MaskOptions("box", masks_track=True))
    assert isinstance(follower, Follower)
    done = [
        masked_window(found(*sources), window(at, picture()), follower)
        for at, sources in enumerate([(source(10), source(100)), (source(104), source(13)), (source(16),)])
    ]
    assert [tracks(one) for one in done] == [[1, 2], [2, 1], [1]]
    assert all(one.mask is not None and one.newest is None for each in done for one in each.sources)


def test_a_thing_that_is_looked_for_keeps_its_number_however_far_it_went_and_is_known_in_the_newest_frame():
    follower = Follower(Propagating())
    first = window(0, *[picture((RED, 10 + 8 * i), (BLUE, 150 - 8 * i)) for i in range(5)])
    done = masked_window(found(source(26, "dog"), source(134, "dog")), first, follower)
    assert tracks(done) == [1, 2]
    assert [one.mask.box.x1 for one in done.sources] == [26, 134]
    assert [one.newest.box.x1 for one in done.sources] == [42, 118]
    # in the next window each is where the other one was
    second = window(2.5, *[picture((RED, 110 + 8 * i), (BLUE, 50 - 8 * i)) for i in range(5)])
    again = masked_window(found(source(126, "dog"), source(34, "dog")), second, follower)
    assert tracks(again) == [1, 2]
    assert tracks(masked_window(found(source(126)), second, Follower(Colours()))) == [1]


def test_of_many_frames_a_few_are_looked_at_once_each_the_newest_too():
    whose = Propagating()
    follower = Follower(whose)
    for start in (0, 1, 2):  # windows that overlap
        images = [picture((RED, 10 + i)) for i in range(30)]
        masked_window(found(source(25)), window(start, *images, step_s=0.1), follower)
        assert len(whose.looks) <= 1 + MAX_LOOKS
        assert whose.looks[-1] is images[-1]
        del whose.looks[:]


def test_where_the_newest_frame_cannot_be_looked_at_the_masks_stand_and_it_is_told():
    whose = Propagating()
    follower = Follower(whose)
    images = [picture((RED, 10))] * 5

    class Once(Deadline):
        def check(self) -> None:
            super().check()
            whose.problem = RuntimeError("the GPU is gone") if whose.looks else None

    done = masked_window(found(source(10)), window(0, *images), follower, Once())
    assert done.sources[0].mask is not None
    assert done.sources[0].newest is None
    assert done.detail == "masks of the newest frame failed: the GPU is gone"
    whose.problem = RuntimeError("the GPU is gone")
    done = masked_window(found(source(10)), window(3, *images), follower)
    assert (done.detail, tracks(done)) == ("1 of 1 masks failed: the GPU is gone", [1])
    whose.problem = None
    done = masked_window(found(source(10)), window(6, *images), follower)
    assert (done.detail, tracks(done), done.sources[0].newest is not None) == ("", [1], True)


def test_a_cancelled_window_is_given_up_and_the_next_one_goes_on():
    follower, images = Follower(Propagating()), [picture((RED, 10))] * 5
    masked_window(found(source(10)), window(0, *images), follower)
    cancelled = Deadline()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        masked_window(found(source(10)), window(3, *images), follower, cancelled)
    assert tracks(masked_window(found(source(10)), window(6, *images), follower)) == [1]


def test_another_recording_and_one_that_began_again_know_nothing_of_what_was_before():
    follower, images = Follower(Propagating()), [picture((RED, 10))] * 5
    masked_window(found(source(10)), window(100, *images), follower)
    masked_window(found(source(10)), window(0, *images), follower)
    assert len(follower._stream.things) == 1
    other = anew(follower)
    assert isinstance(other, Follower)
    assert other.segmenter is follower.segmenter
    assert tracks(masked_window(found(source(10)), window(0, *images), other)) == [1]
    assert anew(follower.segmenter) is follower.segmenter
    assert anew(None) is None


def test_answers_without_sources_are_left_alone_and_a_frame_by_itself_is_the_newest():
    follower = Follower(Propagating())
    silent = Localization(Outcome.SILENT, Stage.FINAL, "fixed", None)
    initial = replace(found(source(10)), stage=Stage.INITIAL)
    alone = window(0, picture((RED, 10)))
    for one in (silent, initial):
        assert masked_window(one, alone, follower) is one
    (done,) = masked_window(found(source(10)), alone, follower).sources
    assert done.newest == done.mask
    record = record_from_localization("a.mp4", 0, alone, found(done))
    assert type(record).model_validate_json(record.model_dump_json()) == record
    assert record.sources[0].track == 1


def test_in_the_graph_s_ids_a_followed_source_stays_itself_and_another_one_does_not_take_its_place():
    tracker = Tracker()
    first = replace(source(10), track=4)
    assert tracker.follow([first, replace(source(100), track=5)], 0) == (1, 2)
    assert tracker.follow([replace(source(10), track=5), replace(source(160), track=4)], SECOND) == (2, 1)
    assert tracker.follow([replace(source(10), track=6)], SECOND) == (3,)
    tracker.forget_followed()
    assert tracker.follow([replace(source(160), track=6)], SECOND) == (1,)


def test_a_segmenter_whose_masks_fail_still_tells_sources_apart_by_their_boxes():
    class Failing(Colours):
        def segment(self, image, prompts, deadline):
            return [Failure("it hides")] * len(prompts)

    follower = Follower(Failing())
    done = [masked_window(found(source(x)), window(at, picture()), follower) for at, x in enumerate((10, 14, 150))]
    assert [tracks(one) for one in done] == [[1], [1], [2]]


def test_to_follow_masks_that_nobody_asked_for_is_refused():
    with pytest.raises(UsageError, match="masks_track: there are no masks to follow"):
        segmenter_of(MaskOptions(masks_track=True))
