"""SAM 2 of video, streaming: what was framed once is looked for again in the images that come.

The library's session keeps every image, mask and memory of what it has seen. Here each thing has a session of its own,
so that it can be let go; all share one encoding of an image; and of a session stays what the model's memory attends to.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceCache, Sam2VideoInferenceSession

from gar_ssl_ros.gar.boxes import box_from_reply
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.crop import outside
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.masks.pretrained.prompted import computing, enlarged, mask_of
from gar_ssl_ros.masks.pretrained.sam2 import VIDEO, Sam2Segmenter
from gar_ssl_ros.masks.segmenter import Image, Prompt
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.pretrained.folder import model_type

MAX_PROMPTED = 4  # prompted images of a thing that are kept: the library attends to all that there are
BOX_LABELS = [2, 3]  # of a box's two corners, as the prompt encoder tells them from points


def sam2_segmenter(options: MaskOptions) -> Sam2Segmenter:
    """As the registry makes it: one that looks for things again, if they are to be followed and the folder holds it.

    Raises SegmenterError.
    """
    folder = Path(options.masks_model)
    return Sam2VideoSegmenter(folder) if options.masks_track and _of_video(folder) else Sam2Segmenter(folder)


def _of_video(folder: Path) -> bool:
    try:
        return model_type(folder, "") == VIDEO
    except ModelError:  # which will be told
        return False


class Sam2VideoSegmenter(Sam2Segmenter):
    """Of a box the one mask that it most likely means, as in the video predictor. `stream` looks for it again."""

    kinds, model_class = (VIDEO,), Sam2VideoModel

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        """As of Segmenter."""
        stream = self.stream()
        stream.look(image, deadline)
        return [stream.prompt(number, prompt, deadline) for number, prompt in enumerate(prompts)]

    def stream(self) -> Sam2Stream:
        """Of images that follow one another. As of Propagating."""
        return Sam2Stream(self)

    def pass_on(self, session: Sam2VideoInferenceSession, pixels: torch.Tensor, number: int) -> torch.Tensor:
        """A forward pass for one thing in one image: its low-resolution logits (h, w)."""
        with self._guard, computing(self._model.device):
            out = self._model(inference_session=session, frame=pixels, frame_idx=number)
        _forget(session, number, self._model.config)
        return out.pred_masks.reshape(out.pred_masks.shape[-2:])

    def pixels(self, image: Image) -> torch.Tensor:
        """As the model sees it."""
        return self._pixels(image)[0]

    def point_inputs(self, prompt: Prompt, size: tuple[int, int]) -> dict[str, torch.Tensor]:
        """A box as the session takes it."""
        corners = self._corners(prompt.box, size).view(1, 1, 2, 2)
        return {"point_coords": corners, "point_labels": torch.tensor([[BOX_LABELS]], dtype=torch.int32)}

    def session(self, cache: Sam2VideoInferenceCache) -> Sam2VideoInferenceSession:
        """Of one thing, which shares the encoded image with others."""
        device = self._model.device
        places = {"inference_device": device, "inference_state_device": device, "video_storage_device": device}
        session = Sam2VideoInferenceSession(**places, dtype=self._model.dtype)
        session.cache = cache
        return session

    def cache(self) -> Sam2VideoInferenceCache:
        """Of one encoded image, the newest."""
        return Sam2VideoInferenceCache(self._model.device, self._model.device)


class Sam2Stream:
    """Things that were framed, in one image after another. Not thread-safe. As of Stream."""

    def __init__(self, segmenter: Sam2VideoSegmenter) -> None:
        self._segmenter = segmenter
        self._things: dict[int, Sam2VideoInferenceSession] = {}
        self._cache = segmenter.cache()
        self._number = -1  # of the newest image
        self._pixels = torch.empty(0)
        self._size = (0, 0)

    def look(self, image: Image, deadline: Deadline) -> dict[int, Mask]:
        """As of Stream."""
        deadline.check()
        self._number, self._size, self._pixels = self._number + 1, image.shape[:2], self._segmenter.pixels(image)
        found = {}
        for number, session in self._things.items():
            deadline.check()
            found[number] = self._mask(session)
        return found

    def prompt(self, number: int, prompt: Prompt, deadline: Deadline) -> Mask | Failure:
        """As of Stream."""
        deadline.check()
        height, width = self._size
        if (box := box_from_reply(prompt.box.sides, width, height)) is None:
            return Failure(outside(prompt.box, width, height))
        session = self._things.get(number) or self._segmenter.session(self._cache)
        thing = session.obj_id_to_idx(number)
        session.frames_tracked_per_obj[thing].pop(self._number, None)  # so that what the box says is not mixed with
        session.output_dict_per_obj[thing]["non_cond_frame_outputs"].pop(self._number, None)  # what was remembered
        session.add_point_inputs(thing, self._number, self._segmenter.point_inputs(Prompt(box), self._size))
        session.obj_with_new_inputs = [number]
        mask = self._mask(session)
        self._things[number] = session
        return mask

    def keep(self, numbers: Collection[int]) -> None:
        """As of Stream."""
        self._things = {number: session for number, session in self._things.items() if number in numbers}

    def _mask(self, session: Sam2VideoInferenceSession) -> Mask:
        try:
            logits = self._segmenter.pass_on(session, self._pixels, self._number)
            return mask_of(enlarged(logits, self._size) > 0)
        except BaseException:  # halfway through what it remembers
            self._things.clear()
            raise


def _forget(session: Sam2VideoInferenceSession, newest: int, config: Any) -> None:
    """All of it that no later image is compared with."""
    session.processed_frames = {}
    since_pointers = newest - config.max_object_pointers_in_encoder
    since_memories = newest - config.num_maskmem
    for thing, outputs in session.output_dict_per_obj.items():
        prompted, tracked = outputs["cond_frame_outputs"], outputs["non_cond_frame_outputs"]
        for frame in sorted(prompted)[:-MAX_PROMPTED]:
            del prompted[frame]
        for frame in [frame for frame in tracked if frame <= since_pointers]:
            del tracked[frame]
        for frame, output in [*prompted.items(), *tracked.items()]:
            output.pop("high_res_masks", None)
            if frame in tracked and frame <= since_memories:
                output.pop("maskmem_features", None), output.pop("maskmem_pos_enc", None)
        for kept in (session.point_inputs_per_obj[thing], session.frames_tracked_per_obj[thing]):
            for frame in [frame for frame in kept if frame < newest]:
                del kept[frame]
