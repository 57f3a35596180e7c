"""The camera's images with the answer on them, on the graph."""

from __future__ import annotations

import threading
from array import array
from collections import Counter

from foxglove_msgs.msg import ImageAnnotations
from robot import localizer, robot, seconds, until
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.nodes import overlay_outputs

GREY = array("B", [90] * (3 * 64 * 48))
KINDS = {"image_annotated": Image, "image_annotated/compressed": CompressedImage, "annotations": ImageAnnotations}


def painting() -> bool:
    return any(thread.name == "overlay" for thread in threading.enumerate())


def test_whoever_listens_has_the_cameras_images_as_they_were_but_for_what_is_drawn(monkeypatch):
    made: Counter[str] = Counter()
    for name in ("drawn", "compressed_message", "annotations_message"):
        real = getattr(overlay_outputs, name)
        monkeypatch.setattr(overlay_outputs, name, lambda *of, n=name, real=real: made.update([n]) or real(*of))
    came: dict[str, list] = {topic: [] for topic in KINDS}
    with localizer(reasoner="misbehaving:Fixed", overlay_rate=240.0) as node, robot() as bot:
        bot.meet()
        assert painting()
        bot.play(10, 3, data=GREY)
        bot.next_final(after=12)
        assert not made  # nobody looks
        for second, (topic, kind) in enumerate(KINDS.items(), 13):
            heard = bot.node.create_subscription(kind, f"/localizer/{topic}", came[topic].append, 100)
            until(lambda topic=topic: bot.node.count_publishers(f"/localizer/{topic}"))
            until(
                lambda: any(
                    one.get_subscription_count()
                    for one in (node._overlay._image, node._overlay._compressed, node._overlay._annotations)
                )
            )
            bot.play(second, 1, data=GREY)
            until(lambda topic=topic: came[topic])
            if topic == "image_annotated":
                assert set(made) == {"drawn"}
            bot.node.destroy_subscription(heard)
            until(
                lambda: (
                    not any(
                        one.get_subscription_count()
                        for one in (node._overlay._image, node._overlay._compressed, node._overlay._annotations)
                    )
                )
            )
        assert set(made) == {"drawn", "compressed_message", "annotations_message"}
        node.trigger_deactivate()
        assert not painting()
    images, coded, noted = came.values()
    for image in (*images, *coded):
        assert (image.header.frame_id, 13 <= seconds(image.header.stamp) < 15) == ("camera_optical_frame", True)
    assert {(image.width, image.height, image.encoding) for image in images} == {(64, 48, "rgb8")}
    assert any(bytes(image.data) != GREY.tobytes() for image in images)
    assert all(image.data[: 9 * 64] == GREY[: 9 * 64] for image in images)  # above the box, and its label
    assert coded[0].format == "rgb8; jpeg compressed bgr8"
    (box,) = next(one.points for one in noted if len(one.points))
    assert [(point.x, point.y) for point in box.points] == [(16, 12), (48, 12), (48, 36), (16, 36)]


def test_at_rate_0_the_windows_own_image_comes_and_without_foxglove_msgs_there_are_no_annotations(monkeypatch):
    monkeypatch.setattr(overlay_outputs, "ANNOTATIONS_TYPE", "no_msgs/msg/ImageAnnotations")
    drawn: list[Image] = []
    with localizer(reasoner="misbehaving:Fixed", overlay_rate=0.0), robot() as bot:
        bot.node.create_subscription(Image, "/localizer/image_annotated", drawn.append, 10)
        bot.meet()
        bot.play(10, 3, data=GREY)
        until(lambda: drawn)
        assert drawn[0].header in [answer.header for answer in bot.finals()]
        told = until(bot.state_of("annotations"))
        assert told["message"].startswith("not published: no_msgs/msg/ImageAnnotations is not installed: install the")
        assert (told["level"], bot.node.count_publishers("/localizer/annotations")) == ("0", 0)
