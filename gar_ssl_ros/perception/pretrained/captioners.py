"""Audio language models of the transformers library: Qwen2-Audio and Audio Flamingo 3, which say what is heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AudioFlamingo3ForConditionalGeneration,
    AutoProcessor,
    Qwen2AudioForConditionalGeneration,
    StoppingCriteriaList,
)

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.pretrained.folder import LOCAL, load, model_type, running, whole

WHAT = "an audio language model of the transformers library"
SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
REPLY = "<|im_end|>\n<|im_start|>assistant\n"
KINDS = {  # by model_type: its class, and how it is shown a sound (the library's processing_qwen2_audio.py; of Audio
    # Flamingo 3, its convert_audioflamingo3_to_hf.py)
    "qwen2_audio": (Qwen2AudioForConditionalGeneration, "Audio 1: <|audio_bos|><|AUDIO|><|audio_eos|>\n"),
    "audioflamingo3": (AudioFlamingo3ForConditionalGeneration, "<sound>"),
}


def captioner(folder: Path) -> SoundCaptioner:
    """The model of a folder. Raises ModelError where it holds none."""
    return SoundCaptioner(folder)


class SoundCaptioner:
    """See `Captioner`. Raises ModelError where the folder holds no such model."""

    def __init__(self, folder: Path) -> None:
        kind = model_type(folder, WHAT)
        if kind not in KINDS:
            raise ModelError(folder, WHAT, f"it is a {kind}")
        model, self._sound = KINDS[kind]
        self._folder = folder
        with whole(folder, WHAT):
            self._processor = AutoProcessor.from_pretrained(folder, **LOCAL)
            self._processor.tokenizer.padding_side = "left"  # so that all replies begin at once
            self._model = load(model, folder)
            self.caption(np.zeros(SPEECH_RATE_HZ, np.float32), ["?"], 1, Deadline())

    def caption(
        self, samples: NDArray[np.float32], prompts: Sequence[str], max_new_tokens: int, deadline: Deadline
    ) -> list[str]:
        """See `Captioner`."""

        def stop(ids: torch.Tensor, _scores: object) -> torch.Tensor:
            deadline.check()
            return torch.zeros(len(ids), dtype=torch.bool, device=ids.device)

        deadline.check()
        texts = [f"{SYSTEM}{self._sound}{prompt}{REPLY}" for prompt in prompts]
        inputs = self._processor(
            text=texts,
            audio=[samples] * len(texts),
            text_kwargs={"padding": True},
            audio_kwargs={"sampling_rate": SPEECH_RATE_HZ, "padding": "max_length"},  # to 30 s, as their towers have it
            return_tensors="pt",
        )
        with running(self._folder):
            inputs = inputs.to(self._model.device, self._model.dtype)
            replies = self._model.generate(
                **inputs, max_new_tokens=max_new_tokens, do_sample=False, stopping_criteria=StoppingCriteriaList([stop])
            )
        given = inputs["input_ids"].shape[1]
        said: list[str] = self._processor.tokenizer.batch_decode(replies[:, given:], skip_special_tokens=True)
        return said
