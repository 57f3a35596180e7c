"""A detector or tagger of the user's own, from a file or a folder that an option names. Nothing is fetched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from gar_ssl_ros.errors import OptionError, pip_install, sentence, shortened
from gar_ssl_ros.files import check_file
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.detection import Detector, Finder
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.naming import NamedDetector
from gar_ssl_ros.perception.objects import Objects, kinds
from gar_ssl_ros.perception.tags import Tagger, Yamnet, names

logger = logging.getLogger(__name__)

Made = TypeVar("Made")
PRETRAINED = "gar_ssl_ros.perception.pretrained"


def own_detector(path: Path, known: Collection[str]) -> Detector | Finder:
    """An ONNX file, see `Objects`, or a folder of the transformers library; its kinds under the names that are known.

    Raises OptionError where it is none or knows nothing of that, and ReasonerError where torch is not installed.
    """
    made = _made("detector", path, Objects)
    if isinstance(made, Finder):
        return made
    under = NamedDetector(made, made.kinds, {*known, *kinds()})
    _tell_unknown(path, under.unknown, "things that makers.yaml has no word of, and are left out")
    if not under.kinds:
        raise OptionError(f"detector: nothing that {path} sees makes sounds: name the makers with the option makers")
    return under


def own_tagger(path: Path) -> Tagger:
    """A folder of the transformers library, or YAMNet in another file. Raises as `own_detector`."""
    made: Tagger = _made("tagger", path, Yamnet)
    _tell_unknown(path, [name for name in made.names if name not in names()], "sounds that are none of YAMNet's")
    return made


def _made(option: str, path: Path, of_file: Callable[[Path], Made]) -> Any:
    """What the option's file or folder holds."""
    try:
        if not path.is_dir():
            check_file(path)  # a pipe would wait
            return of_file(path)
        module = import_module(f"{PRETRAINED}.{option}s")  # torch is loaded here, and nowhere else
        return getattr(module, option)(path)
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
