"""SAM 2 of video: what its stream remembers, and what it forgets."""

from __future__ import annotations

import pytest
from known_masks import knowing, picture, segmenter, torch

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.box import BoxSegmenter
from gar_ssl_ros.masks.following import Follower, masked_window
from gar_ssl_ros.masks.segmenter import Prompt
from gar_ssl_ros.media.window import SECOND, Frame, Window


def held(stream) -> int:
    """Bytes of all that a stream remembers."""
    seen: dict[int, int] = {}

    def add(one: object) -> None:
        if isinstance(one, torch.Tensor):
            seen[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
        elif isinstance(one, dict):
            for value in one.values():
                add(value)
        elif isinstance(one, (list, tuple)):
            for value in one:
                add(value)
        elif type(one).__module__.startswith(("transformers", "gar_ssl_ros.masks")) and not isinstance(
            one, torch.nn.Module
        ):
            add({name: value for name, value in vars(one).items() if name != "_segmenter"})

    add(stream)
    return sum(seen.values())


class CancelledInBetween(Deadline):
    """Of two things, before the second one is looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if self.checks == 3:
            self.cancel()
        super().check()


def test_what_a_video_s_stream_remembers_is_level_and_goes_with_the_thing(folder):
    stream = segmenter(folder, "sam2_video", track=True).stream()
    sizes = []
    for number in range(30):
        if number % 7 == 3:
            with pytest.raises(Cancelled):
                stream.look(picture(64, 48), CancelledInBetween())
        stream.look(picture(64, 48), Deadline())
        if number % 5 == 0:
            for thing in (7, 9):
                assert isinstance(stream.prompt(thing, Prompt(Box(10 + thing, 10, 50, 40)), Deadline()), Mask)
        sizes.append(held(stream))
    assert max(sizes[24:]) < 1.05 * max(sizes[18:24])
    assert len({len(one.processed_frames) for one in stream._things.values()}) == 1
    stream.keep([9])
    one = held(stream)
    stream.keep([])
    assert min(sizes[-1] - one, one - held(stream)) > 10_000  # bytes: what each thing took, beside the image
    assert stream.look(picture(64, 48), Deadline()) == {}


def test_what_is_forgotten_is_nothing_that_a_later_image_is_compared_with(folder, monkeypatch):
    made = segmenter(folder, "sam2_video", track=True)
    monkeypatch.setattr(made._model.config, "num_maskmem", 3)  # and so sooner than as it is published
    monkeypatch.setattr(made._model, "num_maskmem", 3)
    monkeypatch.setattr(made._model.config, "max_object_pointers_in_encoder", 5)
    images = [picture(64, 48) for _ in range(12)]

    def logits() -> list[torch.Tensor]:
        stream, passes = made.stream(), []
        passing = made.pass_on
        with monkeypatch.context() as patched:
            patched.setattr(made, "pass_on", lambda *given: passes.append(passing(*given)) or passes[-1])
            for number, image in enumerate(images):
                stream.look(image, Deadline())
                if number in (0, 4, 5):
                    stream.prompt(1, Prompt(Box(10 + 30 * (number > 3), 5, 60, 47)), Deadline())
        return passes

    pruned = logits()
    monkeypatch.setattr("gar_ssl_ros.masks.pretrained.sam2_video._forget", lambda *_: None)
    whole = logits()
    assert all(torch.equal(one, other) for one, other in zip(pruned, whole, strict=True))
    assert len({round(float(one.std()), 6) for one in pruned}) > 6  # the thing was there to be looked for


def test_a_stream_that_broke_off_begins_again_and_one_that_was_cancelled_goes_on(folder):
    stream = segmenter(folder, "sam2_video", track=True).stream()
    stream.look(picture(64, 48), Deadline())
    stream.prompt(1, Prompt(Box(10, 10, 50, 40)), Deadline())
    cancelled = Deadline()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        stream.look(picture(64, 48), cancelled)
    assert set(stream.look(picture(64, 48), Deadline())) == {1}
    passing, stream._segmenter.pass_on = stream._segmenter.pass_on, lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        stream.look(picture(64, 48), Deadline())
    stream._segmenter.pass_on = passing
    assert stream.look(picture(64, 48), Deadline()) == {}
    assert isinstance(stream.prompt(1, Prompt(Box(10, 10, 50, 40)), Deadline()), Mask)


def test_with_a_video_s_model_windows_have_masks_tracks_and_masks_of_their_newest_frame(folder):
    follower = segmenter_of(MaskOptions("sam2", str(folder("sam2_video")), masks_track=True))
    assert isinstance(follower, Follower)
    knowing(follower.segmenter, "sam2_video")
    box = Box(10, 10, 50, 40)
    source = Source(box, "dog", 0.9, 0.8, "a dog", box, False, None)
    found = Localization(Outcome.LOCALIZED, Stage.FINAL, "fixed", None, sources=(source,))
    for start in range(3):
        frames = tuple(Frame((10 * start + i) * SECOND // 10, picture(64, 48)) for i in range(20))
        window = Window(start * SECOND, (start + 2) * SECOND, frames, None)
        (one,) = masked_window(found, window, follower).sources
        assert one.track == 1
        assert one.mask.iou(BoxSegmenter().segment(picture(64, 48), [Prompt(box)], Deadline())[0]) > 0.9
        assert one.newest.pixels.shape == (48, 64)
