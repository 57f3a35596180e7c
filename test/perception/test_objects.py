"""Things of COCO's kinds, by the real models of both families."""

from __future__ import annotations

import numpy as np
import pytest
from clips import read_picture
from pictures import SIZES, damaged, noise

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.objects import Objects, kinds
from gar_ssl_ros.perception.store import load_path

TRUTH = {"dog": Box(65, 134, 640, 838), "car": Box(42, 116, 599, 336), "bird": Box(155, 130, 519, 659)}  # by eye


@pytest.fixture(params=["yolox-nano", "nanodet"])
def objects(request, shared_models) -> Objects:
    return Objects(load_path(request.param))


def test_there_are_80_kinds_each_once():
    assert len(set(kinds())) == 80
    assert {"person", "dog", "car", "bird", "tv", "cell phone"} <= set(kinds())


@pytest.mark.parametrize("what", TRUTH)
def test_a_real_thing_is_named_and_boxed(objects, shared_media, what):
    things = objects.detect(read_picture(shared_media / f"{what}.jpg"))
    assert things[0].label == what
    assert things[0].box.iou(TRUTH[what]) >= 0.6
    assert [thing.score for thing in things] == sorted((thing.score for thing in things), reverse=True)
    assert all(0.15 <= thing.score <= 1 for thing in things)


def test_boxes_are_in_pixels_of_the_picture(objects, shared_media):
    image = read_picture(shared_media / "dog.jpg")
    larger = objects.detect(np.repeat(np.repeat(image, 3, axis=0), 3, axis=1))[0]
    wider = objects.detect(np.pad(image, ((0, 0), (0, 400), (0, 0))))[0]
    assert np.array(larger.box.sides) / 3 == pytest.approx(TRUTH["dog"].sides, abs=40)
    assert wider.box.sides == pytest.approx(TRUTH["dog"].sides, abs=40)


@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_picture(objects, size):
    for thing in objects.detect(noise(*size)):
        assert 0 <= thing.box.x1 < thing.box.x2 <= size[0]
        assert 0 <= thing.box.y1 < thing.box.y2 <= size[1]


@pytest.mark.parametrize("name", ["yolox-nano", "nanodet"])
@pytest.mark.parametrize("how", ["text", "empty", "half"])
def test_a_file_that_is_not_the_model_is_a_sentence(shared_models, tmp_path, name, how):
    file = damaged(load_path(name), tmp_path, how)
    with pytest.raises(ModelError, match=f"^{file} is not a .*gar-ssl models get") as refused:
        Objects(file)
    assert "\n" not in str(refused.value)


def test_another_model_is_a_sentence(shared_models):
    with pytest.raises(ModelError, match="is not a "):
        Objects(load_path("yunet"))


def test_a_detector_of_other_kinds_is_a_sentence(objects, shared_models, monkeypatch):
    monkeypatch.setattr("gar_ssl_ros.perception.objects.kinds", lambda: ("face", "person"))
    for name in ("yolox-nano", "nanodet"):
        with pytest.raises(ModelError, match="is not a YOLOX or NanoDet of COCO's 80 kinds"):
            Objects(load_path(name))
