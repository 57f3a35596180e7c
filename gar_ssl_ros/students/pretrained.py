"""A network whose body, a backbone or a SAM of the library transformers, begins with the weights of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gar_ssl_ros.files import read_file
from gar_ssl_ros.perception.pretrained.folder import LOCAL, model_type, whole
from gar_ssl_ros.students.model import Student

WHAT = "what a student can begin with, a PVTv2, ResNet or SAM"


def body_of(folder: Path) -> dict[str, Any]:
    """What `network` of a config says of its body. Raises ModelError where the folder holds no model."""
    model_type(folder, WHAT)
    told: dict[str, Any] = json.loads(read_file(folder / "config.json"))
    return told


def begin_with(student: Student, folder: Path) -> None:
    """Give its body the folder's weights. Raises ModelError where they are of another model, or some are missing."""
    with whole(folder, WHAT):
        body = getattr(student.avs, "body", None)
        if body is None:
            raise ValueError(f"the student {student.config.student} has no body that can begin with any weights")
        model, found = type(body).from_pretrained(
            folder, config=body.config, use_safetensors=True, output_loading_info=True, **LOCAL
        )
        if missing := sorted(found["missing_keys"]):
            raise ValueError(f"it lacks {len(missing)} of its weights, {missing[0]} among them")
        body.load_state_dict(model.state_dict())
