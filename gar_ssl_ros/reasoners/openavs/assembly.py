"""Who describes, translates, seeks and verifies, as options say it: each model loaded once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.options import from_values
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import Objects
from gar_ssl_ros.perception.own import eyes, own_captioner, own_tagger
from gar_ssl_ros.perception.tags import Yamnet
from gar_ssl_ros.reasoners.omni import load
from gar_ssl_ros.reasoners.openavs.describe import CaptionDescriber, Describer, ModelDescriber, TagDescriber
from gar_ssl_ros.reasoners.openavs.ground import Grounder
from gar_ssl_ros.reasoners.openavs.reasoner import OpenAvsReasoner, Parts
from gar_ssl_ros.reasoners.openavs.translate import AsTheyAre, MakersTranslator, ModelTranslator, Translator
from gar_ssl_ros.reasoners.options import Consistency, OpenAvsOptions, ServedOptions
from gar_ssl_ros.reasoners.prompted.probe import coordinates_of
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Runtime
from gar_ssl_ros.reasoners.senses.senses import OBJECTS, TAGS
from gar_ssl_ros.reasoners.served import connect

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.served.runtime import ServedRuntime  # which needs an extra

TAGGER, MODEL, SERVER, MAKERS, NONE = "tagger", "model", "server", "makers", "none"
UNLEARNED = (MAKERS, NONE)  # translators that are told nothing, and read the sound's descriptions alone


def assembled(options: OpenAvsOptions) -> OpenAvsReasoner:
    """The reasoner. Raises OptionError where options do not go together, and ReasonerError where a model is missing."""
    assembly = _Assembly(options)
    grounder = assembly.grounder()  # the small models first: what is missing is told before anything large is loaded
    describers, translator = assembly.describers(), assembly.translator()
    verifier = assembly.verifier if options.verify else None
    if verifier is not None and assembly.talking[0] == MODEL:
        verifier(Deadline())  # that it cannot is told now; a server need not be there yet
    return OpenAvsReasoner(Parts(describers, translator, assembly.consistency, grounder, verifier), assembly.close)


class _Assembly:
    """talking: which of MODEL and SERVER there are, in this order; the first of them sees, the last one translates."""

    def __init__(self, options: OpenAvsOptions) -> None:
        self._options = options
        self._verifying: PromptedReasoner | None = None
        self._wanted = [one.strip() for one in options.describers.split(",") if one.strip()]
        in_process = options.model and (not options.server or MODEL in (*self._wanted, options.translator))
        self.talking = [one for one, there in ((MODEL, in_process), (SERVER, options.server)) if there]
        self._wanted = self._wanted or self._usual()
        self._translating: str = options.translator
        if self._translating == "auto":
            self._translating = self.talking[-1] if self.talking else MAKERS
        self._check()

    def close(self) -> None:
        """End the connections to a server, if any was asked."""
        if "_server" in vars(self):
            self._server.close()

    @property
    def consistency(self) -> Consistency:
        """What is to agree; without a translator, one description of each second is enough."""
        if self._options.consistency != "auto":
            return cast("Consistency", self._options.consistency)
        if self._translating in UNLEARNED:
            return "basic"
        return "prompt_frame" if self._options.preset == "lite" else "model"

    def describers(self) -> list[Describer]:
        """As named, or as the preset has them."""
        found = [self._describer(one) for one in sorted(self._wanted, key=lambda one: one in (MODEL, SERVER))]
        if self._options.preset != "lite":
            found.append(ModelDescriber(self._seeing, seen=True))
        return found

    def translator(self) -> Translator:
        """As named, or whoever can."""
        if self._translating == NONE:
            return AsTheyAre()
        if self._translating == MAKERS:
            return MakersTranslator(Makers())
        return ModelTranslator(self._runtime(self._translating), self.consistency)

    def grounder(self) -> Grounder:
        """The detector that is named, or the better one of those that are here."""
        if self._options.detector:
            path = Path(self._options.detector).expanduser()
            return Grounder(eyes(path), path.resolve().name, self._options.box_threshold)
        name = store.first_here(OBJECTS)
        return Grounder(Objects(store.load_path(name)), name, self._options.box_threshold)

    def verifier(self, deadline: Deadline) -> PromptedReasoner:
        """GAR's stages, asked of the model that sees."""
        if self._verifying is None:
            coordinates = coordinates_of(self._seeing, self._options.coordinates, deadline)
            self._verifying = PromptedReasoner(self._seeing, coordinates, self._options, OpenAvsReasoner.name)
        return self._verifying

    def _usual(self) -> list[str]:
        if self._options.preset == "large":
            return [TAGGER, *self.talking]
        return self.talking[:1] or [TAGGER]

    def _check(self) -> None:
        options = self._options
        for what, named in (("describers", self._wanted), ("translator", [self._translating])):
            for one in named:
                if one in (MODEL, SERVER) and one not in self.talking:
                    raise OptionError(f"{what} names the {one}, and there is none: give {one}, or choose another")
        if options.preset != "lite" and not self.talking:
            raise OptionError(f"the preset {options.preset} needs a model that sees: give model or server, or lite")
        if options.preset != "lite" and self._translating in UNLEARNED:
            raise OptionError(
                f"the preset {options.preset} is of no use without a model that translates: choose one, or lite"
            )
        if options.consistency != "auto" and self._translating in UNLEARNED:
            raise OptionError(f"consistency {options.consistency} is for a model that translates, and there is none")
        if options.verify and not self.talking:
            raise OptionError("verify needs a model that sees and hears: give model or server, or leave verify out")

    def _describer(self, who: str) -> Describer:
        if who in (MODEL, SERVER):
            return ModelDescriber(self._runtime(who))
        if who != TAGGER:
            folder = Path(who).expanduser()
            return CaptionDescriber(own_captioner(folder), folder.resolve().name)
        if self._options.tagger:
            path = Path(self._options.tagger).expanduser()
            return TagDescriber(own_tagger(path), path.resolve().name)
        return TagDescriber(Yamnet(store.load_path(TAGS)), TAGS)

    def _runtime(self, who: str) -> Runtime:
        return self._model if who == MODEL else self._server

    @property
    def _seeing(self) -> Runtime:
        return self._runtime(self.talking[0])

    @cached_property
    def _model(self) -> Runtime:
        return load(self._options.model, self._options)

    @cached_property
    def _server(self) -> ServedRuntime:
        name = "" if MODEL in self.talking else self._options.model
        return connect(from_values(ServedOptions, {**vars(self._options), "model": name}))
