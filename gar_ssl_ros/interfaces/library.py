"""Every interface by its name: the standard ones, those of the packages one names, and their classes.

Two packages are named audio_common_msgs. Both are here at once: ros-drivers' (AudioData, AudioDataStamped, AudioInfo)
and mgonzs13's (Audio, AudioData, AudioInfo, AudioStamped), each message with the nested ones of its own package. The
two names that both have mean ros-drivers', which nodes publish by themselves; mgonzs13's only ever come in an
AudioStamped. They are also there as AudioData_mgonzs13 and AudioInfo_mgonzs13, and are what one gets for their fields:
AudioData(int16_data=[0]). So the type name that a publisher states tells which package it uses: AudioStamped is
mgonzs13's, AudioDataStamped, AudioData and AudioInfo are ros-drivers'. No class is needed to fill an AudioStamped:
`message.audio.audio_data.int16_data = …`, on real ROS 2 as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any, cast

from rosbags.interfaces import Nodetype
from rosbags.interfaces.typing import Typesdict
from rosbags.typesys.store import Typestore

from .cdr import MessageSupport, TypeSupport
from .definition import (
    Definition,
    InterfaceError,
    definitions_in,
    rosbags_constants,
    rosbags_fields,
    standard_definitions,
)
from .message import ActionType, Message, ServiceType, action_class, message_class, module_of, service_class

_DEFINITIONS = Path(__file__).parent / "definitions"  # what rosbags lacks, or has without its default values
_VARIANTS = Path(__file__).parent / "variants"  # packages that share their name with another one, by their maker
_PARTS = ("Request", "Response", "Event")
# What an action consists of, as its type description names it; each of the class beside it.
_ACTION_FIELDS = {
    "goal": "Goal",
    "result": "Result",
    "feedback": "Feedback",
    "send_goal_service": "SendGoal",
    "get_result_service": "GetResult",
    "feedback_message": "FeedbackMessage",
}


class Library:
    """Definitions, and the classes made of them when asked for.

    definitions: the last of several with one name counts. base: where a message that is not among them comes from.
    label: what the name of a class ends in where `base` has one of the same name.
    """

    def __init__(self, definitions: Iterable[Definition], base: Library | None = None, label: str = "") -> None:
        self._base = base
        self._label = label
        self._definitions = {definition.name: definition for definition in definitions}
        self._services = {name.removesuffix("_Event") for name in self._definitions if name.endswith("_Event")}
        self._actions = {
            name.removesuffix("_FeedbackMessage")
            for name in self._definitions
            if "/action/" in name and name.endswith("_FeedbackMessage")
        }
        self._message_classes: dict[str, type[Message]] = {}
        self._service_classes: dict[str, ServiceType] = {}
        self._action_classes: dict[str, ActionType] = {}
        self._namesakes: dict[str, Library] = {}
        self._making = RLock()  # one class a name, whichever threads ask for it
        self._store = Typestore()
        self._store.fielddefs = self.fields()
        self._store.types = {name: cast("Any", partial(self._read, name)) for name in self._store.fielddefs}

    def fields(self) -> Typesdict:
        """All messages' fields and constants, those of `base` too, and what services and actions consist of, as rosbags
        has them.
        """
        found = {} if self._base is None else self._base.fields()
        for name, definition in self._definitions.items():
            found[name] = (rosbags_constants(definition), rosbags_fields(definition))
        for name in self._services:
            found[name] = ([], [(f"{part.lower()}_message", (Nodetype.NAME, f"{name}_{part}")) for part in _PARTS])
        for name in self._actions:
            found[name] = ([], [(field, (Nodetype.NAME, f"{name}_{part}")) for field, part in _ACTION_FIELDS.items()])
        return found

    def names(self) -> Iterator[str]:
        """Of all messages, services and actions."""
        yield from self._definitions
        yield from self._services
        yield from self._actions

    def class_name(self, name: str) -> str:
        """What the class of a message, service or action is called in its module."""
        return name.rpartition("/")[2] + (self._label if self._base and name in self._base._definitions else "")

    def defer_to(self, other: Library) -> None:
        """Let its messages answer where their name is asked for with their fields."""
        self._namesakes.update(dict.fromkeys(self._definitions.keys() & other._definitions.keys(), other))

    def message(self, name: str) -> type[Message]:
        """The class of a message such as std_msgs/msg/Header. Raises InterfaceError where there is none."""
        if name not in self._definitions:
            if self._base:
                return self._base.message(name)
            raise InterfaceError(f"{name}: there is no such message")
        with self._making:
            if name not in self._message_classes:
                try:
                    cls = message_class(self._definitions[name], self.message, self.class_name(name))
                except RecursionError:
                    raise InterfaceError(f"{name}: it holds itself") from None
                cls.__support__ = MessageSupport(name, self._store, cls)
                if name in self._namesakes:
                    cls.__new__ = staticmethod(partial(_new, self._namesakes[name], name))  # type: ignore[assignment]
                self._message_classes[name] = cls
            return self._message_classes[name]

    def service(self, name: str) -> ServiceType:
        """The class of a service such as std_srvs/srv/SetBool. Raises InterfaceError where there is none."""
        if name not in self._services:
            raise InterfaceError(f"{name}: there is no such service")
        with self._making:
            if name not in self._service_classes:
                cls = service_class(name, *(self.message(f"{name}_{part}") for part in _PARTS))
                cls.__support__ = TypeSupport(name, self._store)
                self._service_classes[name] = cls
            return self._service_classes[name]

    def action(self, name: str) -> ActionType:
        """The class of an action such as nav2_msgs/action/Spin. Raises InterfaceError where there is none."""
        if name not in self._actions:
            raise InterfaceError(f"{name}: there is no such action")
        with self._making:
            if name not in self._action_classes:
                cls = action_class(name, self.made)
                cls.__support__ = TypeSupport(name, self._store)
                self._action_classes[name] = cls
            return self._action_classes[name]

    def made(self, name: str) -> type[Message] | ServiceType | ActionType:
        """The class of a message, service or action. Raises InterfaceError where there is none."""
        if name in self._services:
            return self.service(name)
        return self.action(name) if name in self._actions else self.message(name)

    def _read(self, name: str, *values: Any) -> Message:
        return self.message(name).__support__.read(values)


class Interfaces:
    """All libraries as the modules of packages.

    packages: the folders of further packages, each with msg/*.msg, srv/*.srv and action/*.action, by the package's
    name.
    Raises InterfaceError where one of their files cannot be read.
    """

    def __init__(self, packages: Mapping[str, Path]) -> None:
        main = Library((*standard_definitions(), *_definitions(_packages(_DEFINITIONS)), *_definitions(packages)))
        self._libraries = [main]
        for folder in sorted(_VARIANTS.iterdir()):
            variant = Library(_definitions(_packages(folder)), main, f"_{folder.name}")
            main.defer_to(variant)
            self._libraries.append(variant)
        self._modules: dict[str, dict[str, tuple[Library, str]]] = {}
        for library in self._libraries:
            for name in library.names():
                package, kind, _ = name.split("/")
                entry = (library, name)
                for module in (package, f"{package}.{kind}", f"{package}.{kind}.{module_of(name)}"):
                    members = self._modules.setdefault(module, {})
                    if module != package:
                        members[library.class_name(name)] = entry

    def modules(self) -> set[str]:
        """The names of all packages and their modules: std_msgs, std_msgs.msg, std_msgs.msg._header."""
        return set(self._modules)

    def has_module(self, module: str) -> bool:
        """True if it is one of them."""
        return module in self._modules

    def classes(self, module: str) -> set[str]:
        """The names of the classes in a module."""
        return set(self._modules[module])

    def class_in(self, module: str, name: str) -> type[Message] | ServiceType | ActionType:
        """One of its classes. Raises KeyError where it has none of that name."""
        library, full = self._modules[module][name]
        return library.made(full)

    def fields(self, name: str) -> Typesdict:
        """All messages' fields and constants as rosbags has them, of packages of one name those that `name` is from."""
        for library in self._libraries:
            if name in library.names():
                return library.fields()
        return self._libraries[0].fields()


def _new(library: Library, name: str, cls: type[Message], **given: Any) -> Message:
    """An instance of `cls`, or the library's message of that name where only it has the fields given."""
    namesake = library.message(name)
    fields = given.keys() - {"check_fields"}
    if not fields <= cls._fields_and_field_types.keys() and fields <= namesake._fields_and_field_types.keys():
        return namesake(**given)
    return object.__new__(cls)


def _definitions(packages: Mapping[str, Path]) -> Iterator[Definition]:
    for package, folder in packages.items():
        yield from definitions_in(package, folder)


def _packages(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in sorted(folder.iterdir())}
