"""stub until merged"""

from pathlib import Path

M = Path("/work/shared/models")
F = {
    "yunet": "face_detection_yunet_2023mar.onnx",
    "nanodet": "object_detection_nanodet_2022nov.onnx",
    "yolox-nano": "yolox_nano.onnx",
    "yamnet": "yamnet.tflite",
}


def find(name: str) -> Path | None:
    return M / F[name] if name in F else None


def load_path(name: str) -> Path:
    return M / F[name]
