"""Any YOLOX or NanoDet in ONNX: sizes, layouts and kinds of their own."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import onnx_files
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import Objects, kinds
from gar_ssl_ros.perception.onnx import input_shape
from gar_ssl_ros.perception.own import own_detector, own_tagger

SIZES = {"yolox": (640, 640), "yolox-tiny": (416, 416), "yolox-wide": (384, 640), "nanodet": (320, 320),
         "nanodet-416": (416, 416), "nanodet-plus": (416, 416), "nanodet-plus-320": (320, 320)}  # fmt: skip
FAMILIES = {name: name.removesuffix("-tiny").removesuffix("-wide").removesuffix("-416").removesuffix("-320")
            for name in SIZES}  # fmt: skip


def white_at(x: int, y: int, height: int, width: int, across: int) -> np.ndarray:
    """Black, with a white square at (x, y)."""
    image = np.zeros((height, width, 3), np.uint8)
    image[y : y + across, x : x + across] = 255
    return image


@pytest.mark.parametrize("name", SIZES)
def test_each_family_is_read_at_each_size_and_its_boxes_are_the_picture_s(tmp_path, name):
    height, width = SIZES[name]
    file = onnx_files.write(tmp_path / "any.onnx", FAMILIES[name], height, width, 80, kinds().index("dog"))
    made = Objects(file)
    # Twice as large as what the network takes, so that a cell of 8 pixels is 16 of the picture.
    (found,) = made.detect(white_at(160, 96, 2 * height, 2 * width, 16))
    assert found.label == "dog"
    around = (144, 80, 192, 128) if "plus" not in name else (144, 80, 176, 112)
    if name.startswith("nanodet") and "plus" not in name:
        around = (136, 72, 200, 136)
    assert found.box.sides == pytest.approx(around, abs=1)


@pytest.mark.parametrize("family", ["yolox", "nanodet", "nanodet-plus"])
def test_kinds_stand_in_a_text_file_beside_it_and_get_the_makers_names(tmp_path, family):
    file = onnx_files.write(tmp_path / "mine.onnx", family, 128, 128, 3, 1)
    (tmp_path / "mine.txt").write_text("Axe\nAcoustic guitar\nToaster oven\n\n")
    assert Objects(file).kinds == ("axe", "acoustic guitar", "toaster oven")
    made = own_detector(file, Makers().kinds)
    assert set(made.kinds) == {"axe", "acoustic guitar", "oven"}
    assert [one.label for one in made.detect(white_at(64, 64, 128, 128, 8))] == ["acoustic guitar"]


def test_another_number_of_kinds_than_are_listed_is_a_sentence(tmp_path):
    file = onnx_files.write(tmp_path / "mine.onnx", "yolox", 128, 128, 3, 1)
    with pytest.raises(ModelError, match=r"mine.onnx is not a YOLOX or NanoDet of COCO's 80 kinds \(its outputs are"):
        Objects(file)
    (tmp_path / "mine.txt").write_text("dog\n")
    with pytest.raises(OptionError, match=r"^detector: .*mine.onnx is not a .* of the 1 kinds of mine.txt .*another"):
        own_detector(file, Makers().kinds)


@pytest.mark.parametrize("content", [b"", b"no model\n" * 100, pickle.dumps(Path), b"\x3a\xff\xff\xff\xff\x0f", None])
def test_what_is_no_such_file_is_a_sentence(tmp_path, content):
    file = onnx_files.write(tmp_path / "any.onnx", "yolox", 128, 128, 80, 1)
    file.write_bytes(file.read_bytes()[:2000] if content is None else content)
    with pytest.raises(OptionError, match=f"^detector: {file} is not a YOLOX or NanoDet .*: name another") as refused:
        own_detector(file, Makers().kinds)
    assert "\n" not in str(refused.value)


def test_what_is_not_there_or_no_file_is_a_sentence(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, told in {"none": ": No such file or directory: check the path", "pipe": ".*a named pipe"}.items():
        with pytest.raises(OptionError, match=f"^detector: {tmp_path / name}{told}"):
            own_detector(tmp_path / name, Makers().kinds)
        with pytest.raises(OptionError, match=f"^tagger: {tmp_path / name}{told}"):
            own_tagger(tmp_path / name)


@given(st.binary(max_size=200))
def test_of_any_bytes_the_picture_s_size_is_told_or_they_are_refused(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.onnx"
    file.write_bytes(content)
    try:
        told = input_shape(file)
    except ValueError:
        return
    assert all(side >= 0 for side in told)
