"""What is known of an image from what came: the newest calibration, the depth of its time, the transforms then."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from tf2_msgs.msg import TFMessage

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.messages.surroundings import camera_from_info, cloud_from_message, depth_from_image
from gar_ssl_ros.spatial.camera import CameraError
from gar_ssl_ros.spatial.depth import DepthError
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.spatial.transforms import TransformError
from gar_ssl_ros.work.surroundings import MAX_DEPTH_BYTES, Surroundings, camera_info_beside, is_rectified

BOX = Box(16, 12, 48, 36)
FRAME = Frame(10 * SECOND, np.zeros((48, 64, 3), np.uint8), "camera")


def stamped(message, seconds: float, frame_id: str):
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(round(seconds * SECOND), SECOND)
    message.header.frame_id = frame_id
    return message


def info(frame_id: str = "camera", **changes) -> CameraInfo:
    facts = {"width": 64, "height": 48, "distortion_model": "plumb_bob", "d": [0.0] * 5}
    facts["k"] = [60.0, 0.0, 31.5, 0.0, 60.0, 23.5, 0.0, 0.0, 1.0]
    return stamped(CameraInfo(**(facts | changes)), 10, frame_id)


def depth(metres: float, seconds: float = 10.0, frame_id: str = "camera", width: int = 64, height: int = 48) -> Image:
    data = np.full((height, width), metres, "<f4").tobytes()
    facts = {"width": width, "height": height, "encoding": "32FC1", "step": 4 * width, "data": array("B", data)}
    return stamped(Image(**facts), seconds, frame_id)


def cloud(points: np.ndarray, seconds: float = 10.0, frame_id: str = "lidar") -> PointCloud2:
    fields = [
        PointField(name=name, offset=4 * at, datatype=PointField.FLOAT32, count=1) for at, name in enumerate("xyz")
    ]
    padded = np.zeros((len(points), 5), "<f4")
    padded[:, :3] = points
    facts = {"width": len(points), "height": 1, "point_step": 20, "row_step": 20 * len(points)}
    return stamped(PointCloud2(fields=fields, data=array("B", padded.tobytes()), **facts), seconds, frame_id)


def transform(parent: str, child: str, seconds: float, x: float) -> TFMessage:
    one = stamped(TransformStamped(child_frame_id=child), seconds, parent)
    one.transform.translation.x = x
    return TFMessage(transforms=[one])


def surroundings(**options) -> Surroundings:
    made = Surroundings(SpatialOptions(**options), WindowOptions(window=3.0))
    made.take_camera_info(info())
    return made


def test_without_a_camera_info_there_is_a_sentence_and_no_direction():
    view = Surroundings(SpatialOptions(), WindowOptions()).view(FRAME, False)
    assert view.problem == "no CameraInfo has come: remap `camera_info` to the camera's"
    assert math.isnan(view.place(BOX).direction.bearing)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (info("other"), "its frame_id is 'other', the images' 'camera'"),
        (info(width=640, height=360), "describes 640x360 pixels, and the images' 64x48 are no scale"),
    ],
)
def test_the_camera_info_of_another_camera_is_refused(wrong, said):
    here = surroundings()
    here.take_camera_info(wrong)
    view = here.view(FRAME, False)
    assert view.camera is None
    assert said in view.problem


def test_the_newest_camera_info_counts_at_any_scale():
    here = surroundings()
    here.take_camera_info(info(width=128, height=96, k=[120.0, 0.0, 63.5, 0.0, 120.0, 47.5, 0.0, 0.0, 1.0]))
    place = here.view(FRAME, False).place(BOX)
    assert (place.direction.bearing, place.direction.elevation) == pytest.approx((0, 0), abs=1e-6)
    assert here.view(FRAME, False).problem == ""


def test_roi_and_binning_are_honoured():
    message = info(width=128, height=96, k=[60.0, 0.0, 63.5, 0.0, 60.0, 47.5, 0.0, 0.0, 1.0], binning_x=2, binning_y=2)
    camera = camera_from_info(message)
    assert (camera.width, camera.height, camera.matrix[0], camera.matrix[2]) == (64, 48, 30.0, 31.5)
    message.roi.x_offset, message.roi.width, message.roi.height = 32, 64, 96
    assert camera_from_info(message).matrix[2] == 15.5
    message.roi.width = 200
    with pytest.raises(CameraError, match="roi 200x96 at 32, 0 reaches out"):
        camera_from_info(message)


def test_the_depth_of_the_image_s_time_counts():
    here = surroundings(depth="image")
    for step in range(30):
        here.take_depth(depth(1 + step, 9 + step / 10), 0)
    assert here.view(FRAME, False).place(BOX).distance == pytest.approx(11.0)
    late = Frame(14 * SECOND, FRAME.image, "camera")
    view = here.view(late, False)
    assert "what came on `depth` is 2.10 s from the image, more than 0.1 s" in view.problem
    assert math.isnan(view.place(BOX).distance)
    assert math.isfinite(view.place(BOX).direction.bearing)


def test_depth_that_is_not_registered_needs_its_own_camera_and_the_way_to_the_other():
    here = surroundings(depth="image")
    here.take_depth(depth(2.0, frame_id="depth", width=32, height=32), 0)
    assert "is not registered to the images, and no CameraInfo of it has come" in here.view(FRAME, False).problem
    here.take_depth_camera_info(info("depth", width=32, height=32, k=[30.0, 0, 15.5, 0, 30.0, 15.5, 0, 0, 1]))
    assert "no transform names the frame 'depth'" in here.view(FRAME, False).problem
    here.take_transforms(transform("camera", "depth", 0, 0.1), True)
    view = here.view(FRAME, False)
    assert view.problem == ""
    assert view.place(BOX).distance == pytest.approx(2.0, rel=0.01)


def test_of_rectified_pictures_p_counts():
    here = surroundings(depth="image")
    twice = [120.0, 0, 31.5, 0, 0, 120.0, 23.5, 0, 0, 0, 1, 0]
    here.take_camera_info(info(p=twice))
    here.take_depth_camera_info(info("depth", width=32, height=32, k=[30.0, 0, 15.5, 0, 30.0, 15.5, 0, 0, 1], p=twice))
    here.take_depth(depth(2.0, frame_id="depth", width=32, height=32), 0)
    here.take_transforms(transform("camera", "depth", 0, 0.0), True)
    left = Box(0, 20, 8, 28)
    wide, narrow = (here.view(FRAME, rectified).place(left).direction.bearing for rectified in (False, True))
    assert math.tan(wide) == pytest.approx(2 * math.tan(narrow))
    assert here.view(FRAME, False, True).depth_camera.rectified
    assert not here.view(FRAME, True, False).depth_camera.rectified


@pytest.mark.parametrize(
    ("topic", "rectified", "beside"),
    [
        ("/camera/image_raw", False, "/camera/camera_info"),
        ("/camera/image_rect_color/compressed", True, "/camera/camera_info"),
        ("/zed/rgb/rect/image", True, "/zed/rgb/rect/camera_info"),
        ("/image", False, "/camera_info"),
        ("/direct/image", False, "/direct/camera_info"),
    ],
)
def test_a_topic_s_name_says_what_its_images_are(topic, rectified, beside):
    assert (is_rectified(topic), camera_info_beside(topic)) == (rectified, beside)


def test_a_cloud_tells_distances_too():
    here = surroundings(depth="points", target_frame="base")
    across, down = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    points = np.stack([across.ravel(), down.ravel(), np.full(3600, 2.5)], axis=1)
    points[0] = math.nan
    here.take_points(cloud(points), 0)
    here.take_transforms(transform("base", "camera", 0, 1.0), True)
    here.take_transforms(transform("camera", "lidar", 9.9, 0.0), False)
    here.take_transforms(transform("camera", "lidar", 10.1, 0.0), False)
    view = here.view(FRAME, False)
    assert view.problem == ""
    place = view.place(BOX)
    assert place.distance == pytest.approx(2.5)
    assert place.target_position == pytest.approx((1.0, 0.0, 2.5), abs=1e-6)


def test_a_transform_that_is_too_old_is_told_and_the_rest_goes_on():
    here = surroundings(target_frame="base")
    here.take_transforms(transform("base", "camera", 8.0, 1.0), False)
    view = here.view(FRAME, False)
    assert (
        "nothing is told in base: where camera is in base is known only up to 2.00 s before the image" in view.problem
    )
    assert view.target_frame == ""
    assert math.isfinite(view.place(BOX).direction.bearing)


def test_depths_are_bounded_in_bytes_and_a_bag_that_begins_anew_is_followed():
    here = surroundings(depth="image")
    for step in range(200):
        here.take_depth(depth(1.0, 10 + step / 100, width=1024, height=768), 0)
    assert sum(one.values.nbytes for one in here._depths) <= MAX_DEPTH_BYTES
    here.take_depth(depth(3.0, 5.0), 0)
    assert [one.stamp for one in here._depths] == [5 * SECOND]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"encoding": "rgb8"}, "its encoding 'rgb8' is none of a depth image"),
        ({"width": 2**20, "height": 2**20}, "may have at most"),
        ({"step": 8}, "in rows of 8 are not 64x48 pixels"),
        ({"height": 4800}, "are not 64x4800 pixels"),
    ],
)
def test_what_is_no_depth_image_is_refused_by_a_sentence(changes, said):
    message = depth(1.0)
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(DepthError, match=said):
        depth_from_image(message, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fields": []}, "no x, y and z"),
        ({"point_step": 4}, "are not 9x1 points of 4 bytes"),
        ({"width": 2**22}, "at most 1048576"),
        ({"row_step": 2**20}, "are not 9x1 points"),
    ],
)
def test_what_is_no_cloud_is_refused_by_a_sentence(changes, said):
    message = cloud(np.ones((9, 3)))
    for name, value in changes.items():
        setattr(message, name, value)
    with pytest.raises(DepthError, match=said):
        cloud_from_message(message, 0)


def test_millimetres_of_either_byte_order_are_read_and_rows_may_be_padded():
    data = np.zeros((2, 4), ">u2")
    data[:, :3] = 1500
    facts = {
        "width": 3,
        "height": 2,
        "encoding": "16UC1",
        "step": 8,
        "is_bigendian": 1,
        "data": array("B", data.tobytes()),
    }
    made = depth_from_image(stamped(Image(**facts), 10, "camera"), 0)
    assert (made.values.shape, made.unit, int(made.values[1, 2])) == ((2, 3), 1e-3, 1500)


def test_a_transform_that_is_none_is_refused_and_the_others_count():
    here, message = surroundings(), transform("base", "camera", 0, math.nan)
    message.transforms += transform("odom", "base", 0, 1.0).transforms
    with pytest.raises(TransformError, match="no translation and quaternion"):
        here.take_transforms(message, True)
    assert here.frames == 1
