"""Faces, by the real model."""

from __future__ import annotations

import numpy as np
import pytest
from clips import read_picture
from pictures import SIZES, damaged, noise

from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.store import load_path


@pytest.fixture
def faces(shared_models) -> Faces:
    return Faces(load_path("yunet"))


@pytest.fixture(scope="module")
def portrait() -> object:
    """A function from the folder of media to the picture in which a rabbit looks at us."""
    return lambda media: list(Clip(media / "bigbuckbunny.mp4").pictures())[120].image


def test_a_face_is_found_where_it_is(faces, shared_media, portrait):
    (face,) = faces.detect(portrait(shared_media))
    assert face.label == "face"
    assert 0.6 <= face.score <= 1
    assert face.box.contains(470, 200)


def test_a_face_is_found_in_a_larger_and_a_smaller_picture(faces, shared_media, portrait):
    image = portrait(shared_media)
    (face,) = faces.detect(image)
    (larger,) = faces.detect(np.repeat(np.repeat(image, 2, axis=0), 2, axis=1))
    assert np.abs(np.array(larger.box.sides) / 2 - face.box.sides).max() < 8


def test_a_car_has_no_face(faces, shared_media):
    assert faces.detect(read_picture(shared_media / "car.jpg")) == []


@pytest.mark.parametrize("size", SIZES)
def test_any_size_of_picture(faces, size):
    for face in faces.detect(noise(*size)):
        assert 0 <= face.box.x1 < face.box.x2 <= size[0]
        assert 0 <= face.box.y1 < face.box.y2 <= size[1]


def test_one_size_after_another_changes_nothing(faces, shared_media, portrait):
    before = faces.detect(portrait(shared_media))
    faces.detect(noise(33, 800))
    assert faces.detect(portrait(shared_media)) == before


@pytest.mark.parametrize("how", ["text", "empty", "half"])
def test_a_file_that_is_not_the_model_is_a_sentence(shared_models, tmp_path, how):
    file = damaged(load_path("yunet"), tmp_path, how)
    with pytest.raises(ModelError, match=f"^{file} is not YuNet, the face detector, .*gar-ssl models get") as refused:
        Faces(file)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("other", ["yolox-nano", "nanodet"])
def test_another_model_is_a_sentence(shared_models, other):
    with pytest.raises(ModelError, match="is not YuNet, the face detector"):
        Faces(load_path(other))
