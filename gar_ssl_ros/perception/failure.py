"""What is said where a model's file cannot be used."""

from __future__ import annotations

from pathlib import Path

from gar_ssl_ros.gar.reasoner import ReasonerError


class ModelError(ReasonerError):
    """A file that does not hold the model it should: one sentence that names it and says what to do.

    fault: the sentence without that.
    """

    def __init__(self, path: Path, what: str, problem: object) -> None:
        said = " ".join(str(problem).split())[:120] or type(problem).__name__
        self.fault = f"{path} is not {what} ({said})"
        super().__init__(f"{self.fault}: get it again with `gar-ssl models get`")
