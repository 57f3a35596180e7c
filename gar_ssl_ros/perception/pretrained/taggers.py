"""Audio taggers of the transformers library: of fixed classes, as AST, or by AudioSet's words, as CLAP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from transformers import AutoFeatureExtractor, AutoModelForAudioClassification, AutoProcessor, ClapModel
from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES

from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.naming import named_as
from gar_ssl_ros.perception.pretrained.folder import LOCAL, load, model_type, whole
from gar_ssl_ros.perception.tags import Tags, looks, names

WHAT = "an audio tagger of the transformers library"
LOOK_SAMPLES = 2 * SPEECH_RATE_HZ  # samples: of one look, 2 s
LOOKS = 3  # at a window


def tagger(folder: Path) -> ClassesTagger | WordsTagger:
    """The one or the other, as the folder says. Raises ModelError where it holds neither."""
    kind = model_type(folder, WHAT)
    if kind in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES:
        return ClassesTagger(folder)
    if kind == "clap":
        return WordsTagger(folder)
    raise ModelError(folder, WHAT, f"it is a {kind}")


class ClassesTagger:
    """Tells its own classes apart, under AudioSet's names where they have one. Raises ModelError.

    Each class is scored by itself, as of a model that may hear several at once, unless its config says otherwise.
    """

    def __init__(self, folder: Path) -> None:
        with whole(folder, WHAT):
            self._extractor = AutoFeatureExtractor.from_pretrained(folder, **LOCAL)
            self._model = load(AutoModelForAudioClassification, folder)
            config = self._model.config
            classes = [str(config.id2label[i]).lower() for i in range(config.num_labels)]
            self.names = tuple(one if one in names() else named_as(one, names()) or one for one in classes)
            self._one = config.problem_type == "single_label_classification"
            self.tags(np.zeros(SPEECH_RATE_HZ, np.float32))

    def tags(self, samples: NDArray[np.float32]) -> Tags:
        """See `Tagger`."""
        rate = self._extractor.sampling_rate
        heard = [_at(look, rate) for look in looks(samples, LOOK_SAMPLES, LOOKS)]
        inputs = self._extractor(heard, sampling_rate=rate, return_tensors="pt")
        with torch.inference_mode():
            logits = self._model(**inputs.to(self._model.device)).logits
        scores = logits.softmax(-1) if self._one else logits.sigmoid()
        return Tags(scores.float().cpu().numpy(), self.names)


class WordsTagger:
    """CLAP: how well a sound goes with each of AudioSet's names, which share one certainty. Raises ModelError."""

    def __init__(self, folder: Path) -> None:
        with whole(folder, WHAT):
            self._processor = AutoProcessor.from_pretrained(folder, **LOCAL)
            self._model = load(ClapModel, folder)
            self.names = names()
            said = [f"the sound of {name}" for name in self.names]
            with torch.inference_mode():
                texts = self._processor(text=said, padding=True, return_tensors="pt").to(self._model.device)
                self._words = self._model.get_text_features(**texts).pooler_output
            self.tags(np.zeros(SPEECH_RATE_HZ, np.float32))

    def tags(self, samples: NDArray[np.float32]) -> Tags:
        """See `Tagger`."""
        rate = self._processor.feature_extractor.sampling_rate
        heard = [_at(look, rate) for look in looks(samples, LOOK_SAMPLES, LOOKS)]
        inputs = self._processor(audio=heard, sampling_rate=rate, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            sounds = self._model.get_audio_features(**inputs).pooler_output
        scores = (self._model.logit_scale_a.exp() * sounds @ self._words.T).softmax(-1)
        return Tags(scores.float().cpu().numpy(), self.names)


def _at(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    return np.asarray(soxr.resample(samples, SPEECH_RATE_HZ, rate), np.float32)
