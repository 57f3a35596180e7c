"""A calibration as camera_calibration writes it, and whatever else may stand in a file of that name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.messages.calibration import CalibrationError, camera_info_from_file, camera_info_from_text

WRITTEN = """\
image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [535.4, 0., 320.1, 0., 539.2, 247.6, 0., 0., 1.]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.29, 0.11, 0.0006, -0.0002, 0.]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1., 0., 0., 0., 1., 0., 0., 0., 1.]
projection_matrix:
  rows: 3
  cols: 4
  data: [470.2, 0., 319.7, 0., 0., 504.1, 248.3, 0., 0., 0., 1., 0.]
"""


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_all_of_the_file_is_in_the_message(tmp_path, prefix):
    path = tmp_path / "my camera.yaml"
    path.write_text(WRITTEN)
    name = f"{prefix}{path}".replace(" ", "%20" if prefix else " ")
    info = camera_info_from_file(name)
    assert (info.width, info.height, info.distortion_model) == (640, 480, "plumb_bob")
    assert list(info.k)[:3] == [535.4, 0.0, 320.1]
    assert list(info.d) == [-0.29, 0.11, 0.0006, -0.0002, 0.0]
    assert list(info.r) == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    assert list(info.p)[:4] == [470.2, 0.0, 319.7, 0.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is no mapping of names to values"),
        ("- 1\n- 2\n", "it is no mapping"),
        ("image_width: [640\nimage_height: 480\n", "it is no YAML in line 2"),
        ("a: !!python/object:os.system x\n", "it is no YAML in line 1"),
        (WRITTEN.replace("image_width: 640", "image_width: wide"), "image_width: input should be a valid integer"),
        (WRITTEN.replace("image_width: 640\n", ""), "image_width: field required"),
        (WRITTEN.replace("539.2, 247.6, ", ""), "camera_matrix.data: tuple should have at least 9 items"),
        (WRITTEN.replace("plumb_bob", "cubist"), "its distortion_model 'cubist' is not known"),
        (WRITTEN.replace("[-0.29, 0.11, ", "["), "its D has 3 numbers, which plumb_bob does not"),
        (WRITTEN.replace("535.4", ".nan"), "are not all numbers"),
        (WRITTEN.replace("535.4", "0."), "its K is zero"),
        (WRITTEN.replace("640", "0"), "image_width: input should be greater than 0"),
        (WRITTEN.replace("640", "99999999999"), "image_width: input should be less than 65536"),
    ],
)
def test_what_describes_no_camera_is_one_sentence_with_the_file(tmp_path, text, told):
    path = tmp_path / "camera.yaml"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=told) as refused:
        camera_info_from_file(str(path))
    assert str(refused.value).startswith(f"the calibration {path}: ")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(
        CalibrationError, match=r"absent.yaml cannot be read \(No such file or directory\): check the path"
    ):
        camera_info_from_file(f"file://{tmp_path}/absent.yaml")


@given(
    st.text()
    | st.sampled_from(WRITTEN.splitlines()).flatmap(
        lambda line: st.text(max_size=9).map(lambda put: WRITTEN.replace(line, line[: len(line) // 2] + put))
    )
)
def test_any_text_is_a_camera_or_a_sentence(text):
    try:
        assert camera_info_from_text(text).width > 0
    except CalibrationError as refused:
        told = str(refused)
    else:
        told = ""
    assert "\n" not in told
