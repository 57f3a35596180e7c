"""The machine's cameras, of a tree as the kernel shows it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from gar_ssl_ros.media.cameras import CAPABILITIES_AT, QUERYCAP_BYTES, gives_images, v4l2_cameras
from gar_ssl_ros.media.devices import Device, DeviceError, device_of_name, listed

CAPTURE, METADATA, OUTPUT, DEVICE_CAPS = 0x1, 0x00800000, 0x2, 0x80000000


@pytest.fixture
def machine(tmp_path) -> tuple[Path, Path]:
    """A webcam with images and metadata, and another one: sysfs and /dev, whose files are no devices."""
    sysfs, dev = tmp_path / "sys", tmp_path / "dev"
    dev.mkdir()
    nodes = {"video0": ("HD Webcam", 0), "video1": ("HD Webcam", 1), "video10": ("USB Cam", 0)}
    for node, (name, index) in nodes.items():
        (sysfs / node).mkdir(parents=True)
        (sysfs / node / "name").write_text(f"{name}\n")
        (sysfs / node / "index").write_text(f"{index}\n")
    (dev / "video0").touch()
    (sysfs / "video2").mkdir()  # which is unplugged just now
    return sysfs, dev


def test_cameras_are_the_nodes_that_give_images_by_their_numbers(machine):
    sysfs, dev = machine
    found = v4l2_cameras(sysfs, dev)
    assert [(one.number, one.name, one.address) for one in found] == [
        (0, "HD Webcam", f"{dev}/video0"),
        (10, "USB Cam", f"{dev}/video10"),
    ]
    assert listed(found, "camera").splitlines()[1] == f" 10  USB Cam  ({dev}/video10)"


def test_a_machine_without_video4linux_has_no_camera(tmp_path):
    assert v4l2_cameras(tmp_path / "nothing") == []
    assert listed([], "camera") == "there is no camera"


@pytest.mark.parametrize(
    ("whole", "own", "expected"),
    [
        (CAPTURE | METADATA | DEVICE_CAPS, CAPTURE, True),
        (CAPTURE | METADATA | DEVICE_CAPS, METADATA, False),
        (CAPTURE, 0, True),  # a driver of before device_caps
        (OUTPUT, 0, False),
    ],
)
def test_a_node_gives_images_by_its_own_capabilities_not_the_whole_device_s(whole, own, expected):
    answer = bytearray(QUERYCAP_BYTES)
    struct.pack_into("=II", answer, CAPABILITIES_AT, whole, own)
    assert gives_images(bytes(answer)) is expected


FOUND = [Device(0, "HD Webcam"), Device(2, "USB Cam 2"), Device(4, "USB Cam")]


@pytest.mark.parametrize(("wanted", "number"), [("0", 0), ("2", 2), ("webcam", 0), ("usb cam", 4), ("cam 2", 2)])
def test_a_camera_is_chosen_by_number_or_part_of_its_name(wanted, number):
    assert device_of_name(wanted, FOUND, "camera").number == number


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("7", r"no camera is called '7': choose one of 0 \(HD Webcam\), 2 \(USB Cam 2\), 4 \(USB Cam\)"),
        ("usb", r"2 cameras are called 'usb': choose one of 2 \(USB Cam 2\), 4 \(USB Cam\)"),
    ],
)
def test_what_means_none_or_several_is_one_sentence_with_those_that_are_there(wanted, told):
    with pytest.raises(DeviceError, match=told):
        device_of_name(wanted, FOUND, "camera")
