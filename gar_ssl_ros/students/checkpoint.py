"""A student on disk: config.json and model.safetensors in a folder, and nothing in either that runs."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from gar_ssl_ros.errors import misfit, sentence
from gar_ssl_ros.files import read_file, write_whole
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.pretrained.folder import draft_of_weights
from gar_ssl_ros.students.model import Student
from gar_ssl_ros.students.options import StudentConfig

CONFIG, WEIGHTS = "config.json", "model.safetensors"


class StudentError(ReasonerError):
    """A folder that holds no student: one sentence that names it and says what to do."""

    def __init__(self, folder: Path, problem: str) -> None:
        told = " ".join(problem.split())[:160]
        super().__init__(f"{folder} is no student ({told}): name a folder that gar-ssl train has filled")


def save(student: Student, folder: Path) -> None:
    """Each file whole or not there. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: one.detach().cpu().contiguous() for name, one in student.state_dict().items()}
    with draft_of_weights(folder / WEIGHTS) as draft:
        save_file(weights, draft, {"format": "pt"})
    write_whole(folder / CONFIG, student.config.model_dump_json(indent=2) + "\n")


def read_config(folder: Path) -> StudentConfig:
    """Raises StudentError where it is none."""
    try:
        return StudentConfig.model_validate_json(read_file(folder / CONFIG))
    except OSError as problem:
        raise StudentError(folder, f"{CONFIG}: {problem.strerror}") from None
    except ValidationError as problem:
        raise StudentError(folder, f"{CONFIG}: {misfit(problem)}") from None


def load(folder: Path) -> Student:
    """Ready to be asked, on the first GPU where there is one. Raises StudentError."""
    config = read_config(folder)
    try:
        student = Student(config)
        student.load_state_dict(load_file(folder / WEIGHTS))
    except Exception as problem:  # of nearly any type, where the files are damaged
        raise StudentError(folder, f"{WEIGHTS}: {sentence(problem)}") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    student.requires_grad_(False).eval().to(device)
    return student
