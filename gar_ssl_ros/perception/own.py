"""A detector or tagger of the user's own, from a file or a folder that an option names. Nothing is fetched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import OptionError, pip_install, sentence, shortened
from gar_ssl_ros.files import check_file
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.detection import Detector, Finder
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.naming import NamedDetector
from gar_ssl_ros.perception.objects import Objects, kinds
from gar_ssl_ros.perception.quiet import quiet
from gar_ssl_ros.perception.tags import Tagger, Yamnet, names

logger = logging.getLogger(__name__)

Made = TypeVar("Made")
PRETRAINED = "gar_ssl_ros.perception.pretrained"


class Captioner(Protocol):
    """Says in words what is heard."""

    def caption(
        self, samples: NDArray[np.float32], prompts: Sequence[str], max_new_tokens: int, deadline: Deadline
    ) -> list[str]:
        """One reply for each prompt, cut off after so many tokens. samples: mono, (n,) at 16 kHz, -1..1.

        Raises what `deadline.check()` raises, within a token, and ReasonerError where memory does not suffice.
        """


def own_detector(path: Path, known: Collection[str]) -> Detector | Finder:
    """An ONNX file, see `Objects`, or a folder of the transformers library; its kinds under the names that are known.

    Raises OptionError where it is none or knows nothing of that, and ReasonerError where torch is not installed.
    """
    made = eyes(path)
    if isinstance(made, Finder):
        return made
    under = NamedDetector(made, tuple(made.kinds), {*known, *kinds()})
    _tell_unknown(path, under.unknown, "things that makers.yaml has no word of, and are left out")
    if not under.kinds:
        raise OptionError(f"detector: nothing that {path} sees makes sounds: name the makers with the option makers")
    return under


def own_tagger(path: Path) -> Tagger:
    """A folder of the transformers library, or YAMNet in another file. Raises as `own_detector`."""
    made: Tagger = _made("tagger", path, Yamnet)
    _tell_unknown(path, [name for name in made.names if name not in names()], "sounds that are none of YAMNet's")
    return made


def eyes(path: Path) -> Detector | Finder:
    """The detector of a file or folder, see `own_detector`; its kinds under their own names. Raises as that."""
    made: Detector | Finder = _made("detector", path, Objects)
    return made


def own_captioner(path: Path) -> Captioner:
    """A folder of the transformers library. Raises as `own_detector`."""
    made: Captioner = _made("captioner", path, _no_file, "describers")
    return made


def _no_file(path: Path) -> Captioner:
    raise ModelError(path, "an audio language model of the transformers library", "it is no folder")


def _made(what: str, path: Path, of_file: Callable[[Path], Made], option: str = "") -> Any:
    """What the option's file or folder holds. option: by which it is named; as what it is where empty."""
    option = option or what
    try:
        if not path.is_dir():
            check_file(path)  # a pipe would wait
            return of_file(path)
        with quiet():
            module = import_module(f"{PRETRAINED}.{what}s")  # torch is loaded here, and nowhere else
            return getattr(module, what)(path)
    except ImportError as problem:
        raise ReasonerError(
            f"{option}: {path} needs {problem.name}, which is not installed: {pip_install('omni')}"
        ) from None
    except OSError as problem:
        raise OptionError(f"{option}: {sentence(problem)}") from None
    except ModelError as problem:
        raise OptionError(f"{option}: {problem.fault}: name another one") from None


def _tell_unknown(path: Path, unknown: Sequence[str], what: str) -> None:
    if unknown:
        logger.warning("%s knows %d %s: %s", path.name, len(unknown), what, shortened(", ".join(unknown), 200))
