"""Writes jazzy_samples.json anew: messages as a real ROS 2 Jazzy writes and shows them. Run where Jazzy is sourced."""

from __future__ import annotations

import importlib
import json
import random
import re
from pathlib import Path
from typing import Any

from rclpy.serialization import serialize_message
from rosidl_runtime_py import get_message_interfaces, get_service_interfaces
from rosidl_runtime_py.utilities import get_message, get_service

HERE = Path(__file__).parent
LIMITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}
chance = random.Random(0)


def value(type_: str) -> Any:
    """Some value of a type, named as `get_fields_and_field_types` names it."""
    if match := re.fullmatch(r"sequence<(.*?)(?:, (\d+))?>", type_):
        return [value(match[1]) for _ in range(chance.randint(0, min(2, int(match[2] or 2))))]
    if match := re.fullmatch(r"(.*)\[(\d+)\]", type_):
        return [value(match[1]) for _ in range(int(match[2]))]
    if type_ in LIMITS:
        top = 2 ** LIMITS[type_] - 1
        return chance.choice([0, 1, top, chance.randint(0 if type_[0] == "u" else -top - 1, top)])
    if type_ in ("float", "double"):
        return chance.choice([0.0, -1.5, 0.125, 1024.0, float("inf")])
    if type_ == "boolean":
        return chance.random() < 0.5
    if type_ == "octet":
        return bytes([chance.randint(0, 255)])
    if type_.startswith("string"):
        return chance.choice(["", "a", "it's", "grün und 音", "12345678"])
    package, name = type_.split("/")
    kind = "srv" if re.search("_(Request|Response|Event)$", name) else "msg"
    return filled(getattr(importlib.import_module(f"{package}.{kind}"), name))


def filled(cls: type) -> Any:
    """A message with values of all kinds."""
    message = cls(check_fields=True)
    for name, type_ in cls.get_fields_and_field_types().items():
        setattr(message, name, value(type_))
    return message


known = json.loads((HERE / "type_hashes.json").read_text())
samples = []
for package, names in get_message_interfaces().items():
    for name in names:
        samples += [(f"{package}/{name}", get_message(f"{package}/{name}"))]
for package, names in get_service_interfaces().items():
    for name in names:
        service = get_service(f"{package}/{name}")
        samples += [(f"{package}/{name}_Request", service.Request), (f"{package}/{name}_Response", service.Response)]
lines = []
for name, cls in sorted(samples, key=lambda sample: sample[0]):
    if name in known and not name.startswith(("composition_interfaces", "ros2cli_test_interfaces")):
        message = filled(cls)
        lines.append(json.dumps({"type": name, "repr": repr(message), "cdr": serialize_message(message).hex()}))
(HERE / "jazzy_samples.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
