"""Devices as a person chooses one: by its number, or by part of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gar_ssl_ros.errors import UserError


class DeviceError(UserError):
    """A device that is not there, or cannot be used: one sentence that says why and what to do."""


@dataclass(frozen=True)
class Device:
    """number, name: as the system has them. facts: what else a list tells of it. address: what opens it."""

    number: int
    name: str
    facts: str = ""
    address: str = ""


def listed(found: Sequence[Device], kind: str) -> str:
    """Devices in words, one a line. kind: what they are, such as camera."""
    return "\n".join(f"{one.number:3}  {one.name}  ({one.facts})" for one in found) or f"there is no {kind}"


def device_of_name(wanted: str, found: Sequence[Device], kind: str) -> Device:
    """The device meant by a number, or by part of a name in whatever case; a whole name goes before a part.

    kind: what they are, such as camera. Raises DeviceError where none is meant, or more than one.
    """
    fitting = [one for one in found if wanted == str(one.number)]
    fitting = fitting or [one for one in found if wanted.lower() in one.name.lower()]
    exact = [one for one in fitting if wanted.lower() == one.name.lower()]
    fitting = exact if len(exact) == 1 else fitting
    if len(fitting) == 1:
        return fitting[0]
    if not found:
        raise DeviceError(f"no {kind} is called {wanted!r}: there is none, plug it in")
    many = f"{len(fitting)} {kind}s are" if fitting else f"no {kind} is"
    there = ", ".join(f"{one.number} ({one.name})" for one in fitting or found)
    raise DeviceError(f"{many} called {wanted!r}: choose one of {there}")
