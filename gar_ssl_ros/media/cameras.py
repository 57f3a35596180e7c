"""The machine's cameras: V4L2's on Linux, AVFoundation's on macOS, DirectShow's on Windows."""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

import av
from av.error import FFmpegError

from gar_ssl_ros.media.devices import Device

KIND = "camera"  # of device
FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}  # FFmpeg's, by sys.platform
SYSFS, DEV = Path("/sys/class/video4linux"), Path("/dev")
# linux/videodev2.h: VIDIOC_QUERYCAP, the length of its answer, where in that the capabilities are, and two of them.
QUERYCAP, QUERYCAP_BYTES, CAPABILITIES_AT = 0x80685600, 104, 84
CAP_VIDEO_CAPTURE, CAP_DEVICE_CAPS = 0x1, 0x80000000


def cameras() -> list[Device]:
    """Those that are plugged in."""
    kind = FORMATS.get(sys.platform, "")
    if kind == "v4l2":
        return v4l2_cameras()
    try:
        found = av.enumerate_input_devices(kind) if kind else []
    except (FFmpegError, OSError):
        return []
    seen = [one for one in found if "video" in one.media_types or not one.media_types]
    address = "{}:none" if kind == "avfoundation" else "video={}"
    return [Device(i, one.description, one.name, address.format(one.name)) for i, one in enumerate(seen)]


def v4l2_cameras(sysfs: Path = SYSFS, dev: Path = DEV) -> list[Device]:
    """Video4Linux's nodes that give images, N of /dev/videoN each: a camera often has others, of metadata."""
    found = []
    for folder in sysfs.glob("video*"):
        number = folder.name.removeprefix("video")
        with suppress(OSError):  # unplugged just now
            name = (folder / "name").read_text(errors="replace").strip()
            if number.isdecimal() and _gives_images(dev / folder.name, folder / "index"):
                found.append(Device(int(number), name, str(dev / folder.name), str(dev / folder.name)))
    return sorted(found, key=lambda one: one.number)


def gives_images(answer: bytes) -> bool:
    """True if a device does whose answer to VIDIOC_QUERYCAP that is."""
    whole, own = struct.unpack_from("=II", answer, CAPABILITIES_AT)  # of all nodes of the device, and of this one
    return bool((own if whole & CAP_DEVICE_CAPS else whole) & CAP_VIDEO_CAPTURE)


def _gives_images(node: Path, index: Path) -> bool:
    import fcntl  # noqa: PLC0415  # which Windows has not

    answer = bytearray(QUERYCAP_BYTES)
    try:
        file = os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(file, QUERYCAP, answer)
        finally:
            os.close(file)
    except OSError:  # it may not be asked: a camera's first node is the one
        return index.read_text().strip() == "0"
    return gives_images(bytes(answer))
