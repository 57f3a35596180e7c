"""ROS 2 interfaces without ROS 2: classes of messages, services and actions, their bytes, names and type hashes.

`install` makes `from sensor_msgs.msg import Image` work as on a machine with ROS 2; nothing is done before. Standard
definitions come from the rosbags library, further ones from .msg, .srv and .action files. How the two packages named
audio_common_msgs live side by side is told in `library`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TypeVar

from .cdr import CdrError
from .definition import InterfaceError
from .finder import install, typestore, uninstall
from .message import ActionType, Message, ServiceType

__all__ = [
    "ActionType",
    "CdrError",
    "InterfaceError",
    "Message",
    "ServiceType",
    "dds_type_name",
    "deserialize",
    "get_message",
    "get_service",
    "install",
    "ros_type_name",
    "serialize",
    "type_hash",
    "typestore",
    "uninstall",
]

_M = TypeVar("_M", bound=Message)


def serialize(message: Message) -> bytearray:
    """A message as CDR: 4 bytes of encapsulation header, then its fields, little endian.

    Raises CdrError where a value of it has no such form.
    """
    return message.__support__.serialize(message)


def deserialize(data: bytes | bytearray | memoryview, cls: type[_M]) -> _M:
    """The message of `serialize`'s bytes, in either byte order; it shares no memory with them.

    Raises CdrError where they are no such message: cut short, too long, or of another type.
    """
    message = cls.__support__.deserialize(data)
    assert isinstance(message, cls)
    return message


def get_message(name: str) -> type[Message]:
    """The class of a message by its name, std_msgs/msg/Header. Raises InterfaceError where there is none."""
    found = _imported(name)
    if isinstance(found, type) and issubclass(found, Message):
        return found
    raise InterfaceError(_why_not(name, "message", found))


def get_service(name: str) -> ServiceType:
    """The class of a service by its name, std_srvs/srv/SetBool. Raises InterfaceError where there is none."""
    found = _imported(name)
    if isinstance(found, ServiceType):
        return found
    raise InterfaceError(_why_not(name, "service", found))


def ros_type_name(cls: type[Message] | ServiceType | ActionType) -> str:
    """What ROS 2 calls the type: sensor_msgs/msg/Image, std_srvs/srv/SetBool_Request."""
    return cls.__support__.name


def dds_type_name(cls: type[Message]) -> str:
    """What ROS 2 calls a message's type on DDS: sensor_msgs::msg::dds_::Image_."""
    package, kind, name = ros_type_name(cls).split("/")
    return f"{package}::{kind}::dds_::{name}_"


def type_hash(cls: type[Message] | ServiceType | ActionType) -> str:
    """RIHS01 of the type's description, as ROS 2 has had it since Iron (REP-2016): RIHS01_ and 64 hex digits."""
    return cls.__support__.hash


def _imported(name: str) -> object:
    package, kind, base = name.split("/") if name.count("/") == 2 else ("", "", "")
    try:
        return getattr(import_module(f"{package}.{kind}"), base, None) if package else None
    except ImportError:
        return None


def _why_not(name: str, wanted: str, found: object) -> str:
    if found is None or hasattr(found, "__support__"):
        return f"{name}: there is no such {wanted}"
    where = getattr(sys.modules.get(getattr(found, "__module__", "")), "__file__", "elsewhere")
    return f"{name} is ROS 2's own ({where}), which needs ROS 2's rclpy: source all of ROS 2, or take it off PYTHONPATH"
