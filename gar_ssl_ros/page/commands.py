"""What a page may ask for, and who does it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.page.feed import Feed, Picture

MOST_CHARACTERS = 4096  # of a command


class CommandError(UserError):
    """A command that means nothing, or cannot be carried out: one sentence."""


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: int


class Ping(_Command):
    """Asks what time it is here."""

    do: Literal["ping"]


class Look(_Command):
    """Whether pictures can be shown now: not while the tab is hidden."""

    do: Literal["look"]
    on: bool


class Localize(_Command):
    """Localize the window that has just been heard."""

    do: Literal["localize"]


class Enable(_Command):
    """Whether windows are answered as they come."""

    do: Literal["enable"]
    on: bool


class SetParameter(_Command):
    """Another value for a parameter of the localizer."""

    do: Literal["set"]
    name: str
    value: bool | int | float | str


class Record(_Command):
    """Begin a session's recording, or end it."""

    do: Literal["record"]
    on: bool


class Play(_Command):
    """Play a session on, or hold it."""

    do: Literal["play"]
    on: bool


class Seek(_Command):
    """Go on from that time, ms, of a session."""

    do: Literal["seek"]
    to: float = Field(allow_inf_nan=False)


class Rate(_Command):
    """How fast a session is played."""

    do: Literal["rate"]
    rate: float = Field(ge=0.25, le=4.0)


Command: TypeAlias = Annotated[
    Ping | Look | Localize | Enable | SetParameter | Record | Play | Seek | Rate, Field(discriminator="do")
]
COMMANDS: TypeAdapter[Command] = TypeAdapter(Command)


class Behind(Protocol):
    """What stands behind a page: a graph that is looked at, or a session that is played."""

    @property
    def feed(self) -> Feed:
        """What the page shows."""

    @property
    def hello(self) -> dict[str, Any]:
        """What a page is told first: mode, title, can, lanes."""

    def picture(self, stamp: int) -> Picture | None:
        """The one of an answer, by its stamp, ns, or the nearest to that; None where there is none."""

    def sound(self, begin: int, end: int) -> bytes:
        """Columns of an interval, ns, as messages one after another, as far as they are held."""

    def do(self, command: Command) -> str:
        """What came of it, one sentence. On a worker thread. Raises UserError."""


def read_command(text: str) -> Command:
    """Raises CommandError where it means nothing."""
    if len(text) > MOST_CHARACTERS:
        raise CommandError(f"a command has {len(text)} characters: send at most {MOST_CHARACTERS}")
    try:
        return COMMANDS.validate_json(text)
    except ValidationError as problem:
        said = problem.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in said["loc"])
        raise CommandError(
            f"a command cannot be read ({where or 'as a whole'}: {said['msg']}): see docs/live.md"
        ) from None
