"""A classifier as a finder: EfficientNet without torch, and boxes of what it says cell by cell."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from clips import read_picture

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.perception import imagenet, store
from gar_ssl_ros.perception.efficientnet import BLOCKS, CELL_PX, CLASSES, FEATURES, STEM, EfficientNet
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.imagenet import ImageNetFinder, things
from gar_ssl_ros.perception.makers import Makers

EXPANSION = 6  # times a block's channels within it, but for the first block


def blocks() -> list[tuple[int, int, int, int]]:
    """Of each block channels in and out, side of the filter and stride."""
    found, channels = [], STEM
    for count, side, stride, out in BLOCKS:
        for i in range(count):
            found.append((channels, out, side, stride if i == 0 else 1))
            channels = out
    return found


def random_weights(torch):
    """Of the network's names and shapes, of a size that keeps signals alive."""
    torch.manual_seed(0)
    shapes, norms = (
        {"_conv_stem": (STEM, 3, 3, 3), "_conv_head": (FEATURES, BLOCKS[-1][-1], 1, 1)},
        {
            "_bn0": STEM,
            "_bn1": FEATURES,
        },
    )
    for i, (channels, out, side, _) in enumerate(blocks()):
        wide = channels * (EXPANSION if i else 1)
        shapes |= {
            f"_blocks.{i}._depthwise_conv": (wide, 1, side, side),
            f"_blocks.{i}._project_conv": (out, wide, 1, 1),
        }
        norms |= {f"_blocks.{i}._bn1": wide, f"_blocks.{i}._bn2": out}
        if i:
            shapes[f"_blocks.{i}._expand_conv"] = (wide, channels, 1, 1)
            norms[f"_blocks.{i}._bn0"] = wide
    weights = {f"{name}.weight": torch.randn(shape) * (2 / np.prod(shape[1:])) ** 0.5 for name, shape in shapes.items()}
    for name, width in norms.items():
        weights |= {f"{name}.{part}": torch.randn(width) * 0.1 for part in ("bias", "running_mean")}
        weights |= {f"{name}.{part}": torch.rand(width) + 0.5 for part in ("weight", "running_var")}
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
    return weights | {
        "_fc.weight": torch.randn(CLASSES, FEATURES) * 0.05,
        "_fc.bias": torch.randn(CLASSES),
    }


def reference(torch, w, image):
    """The published network in torch, up to its last layers, which are done cell by cell."""
    functional = torch.nn.functional

    def layer(x, convolution, norm, stride=1, groups=1):
        missing = w[f"{convolution}.weight"].shape[-1] - stride  # as TensorFlow pads, where the stride divides the side
        pads = [missing // 2, missing - missing // 2] * 2
        x = functional.conv2d(
            functional.pad(x, pads) if missing > 0 else x, w[f"{convolution}.weight"], None, stride, groups=groups
        )
        parts = [w[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts, eps=1e-3)

    x = torch.tensor(((image.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None])
    x = functional.relu6(layer(x, "_conv_stem", "_bn0", 2))
    for i, (channels, out, _, stride) in enumerate(blocks()):
        name, y = f"_blocks.{i}._", x
        if i:
            y = functional.relu6(layer(y, f"{name}expand_conv", f"{name}bn0"))
        y = functional.relu6(layer(y, f"{name}depthwise_conv", f"{name}bn1", stride, y.shape[1]))
        y = layer(y, f"{name}project_conv", f"{name}bn2")
        x = x + y if stride == 1 and channels == out else y
    x = functional.relu6(layer(x, "_conv_head", "_bn1"))
    return functional.conv2d(x, w["_fc.weight"][:, :, None, None], w["_fc.bias"])[0].numpy()


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="needs torch, which is not installed")


@pytest.fixture(scope="module")
def weights(torch):
    return random_weights(torch)


def wheel(torch, weights, into: Path) -> Path:
    """As it is published: a wheel with one file, as torch.save wrote it before 1.6."""
    torch.save(weights, into / "weights.pth", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(into / "model.whl", "w") as archive:
        archive.write(into / "weights.pth", "model/models/weights.pth")
        archive.writestr("model/__init__.py", "")
    return into / "model.whl"


def test_it_gives_what_torch_gives(torch, weights, tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (3 * CELL_PX, 4 * CELL_PX, 3), np.uint8)
    with torch.inference_mode():
        expected = reference(torch, weights, image)
    wheel(torch, weights, tmp_path)
    assert expected.std() > 0.5
    for name in ("model.whl", "weights.pth"):  # as published, and as pip installs it
        network = EfficientNet(tmp_path / name)
        assert network.logits(np.zeros((2 * CELL_PX, CELL_PX, 3), np.uint8)).shape == (CLASSES, 2, 1)
        np.testing.assert_allclose(network.logits(image), expected, atol=1e-2)  # after a picture of another size


class Bomb:
    def __reduce__(self):
        return print, ("it ran",)


@pytest.mark.parametrize("kept", [0, 1000, 100_000])
def test_a_cut_off_wheel_is_one_sentence(torch, weights, tmp_path, kept):
    whole = wheel(torch, weights, tmp_path).read_bytes()
    (tmp_path / "short.whl").write_bytes(whole[:kept])
    with pytest.raises(ModelError, match=r"short\.whl is not EfficientNet-Lite2.*gar-ssl models get"):
        EfficientNet(tmp_path / "short.whl")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lambda torch: pickle.dumps(Bomb()), r"wants to run builtins\.print"),
        (lambda torch: pickle.dumps(3), "none that torch.save wrote"),
        (lambda torch: b"", "EOF|out of input|not"),
    ],
)
def test_other_pickles_are_one_sentence_and_run_nothing(torch, tmp_path, capsys, content, said):
    (tmp_path / "bad.pth").write_bytes(content(torch))
    with zipfile.ZipFile(tmp_path / "bad.whl", "w") as archive:
        archive.write(tmp_path / "bad.pth", "weights.pth")
    for name in ("bad.whl", "bad.pth"):
        with pytest.raises(ModelError, match=said):
            EfficientNet(tmp_path / name)
    assert "it ran" not in capsys.readouterr().out


def test_weights_of_another_network_are_one_sentence(torch, weights, tmp_path):
    other = {**weights, "_fc.weight": torch.zeros(10, FEATURES)}
    with pytest.raises(ModelError, match=r"its last layer is \(10, 1280\)"):
        EfficientNet(wheel(torch, other, tmp_path))
    other = {name: tensor for name, tensor in weights.items() if name != "_bn0.bias"}
    with pytest.raises(ModelError, match=r"it has no '_bn0\.bias'"):
        EfficientNet(wheel(torch, other, tmp_path))


def test_every_thing_has_classes_and_is_a_maker_or_a_part_of_one():
    assert all(0 <= number < CLASSES for numbers in things().values() for number in numbers)
    assert len(things()["dog"]) == 118
    assert set(things()["guitar"]) < set(things()["musical instrument"])
    made = {imagenet.named_as(kind, things()) for kind in Makers().kinds}
    used = {number for name in made if name for number in things()[name]}
    assert {number for numbers in things().values() for number in numbers} == used


class Scripted:
    """A network that sees drums where a picture is white, and another thing elsewhere."""

    def __init__(self, _: Path) -> None:
        self.looks = 0

    def logits(self, image):
        self.looks += 1
        rows, columns = image.shape[0] // CELL_PX, image.shape[1] // CELL_PX
        white = image.reshape(rows, CELL_PX, columns, CELL_PX, 3).mean(axis=(1, 3, 4)) / 255
        logits = np.zeros((CLASSES, rows, columns), np.float32)
        logits[541], logits[0] = 40 * white, 12 * (1 - white)
        return logits


@pytest.fixture
def finder(monkeypatch) -> ImageNetFinder:
    monkeypatch.setattr(imagenet, "EfficientNet", Scripted)
    return ImageNetFinder(Path())


def test_a_thing_is_boxed_where_its_cells_are(finder):
    image = np.zeros((480, 640, 3), np.uint8)
    image[180:420, 240:480] = 255
    (drum,) = finder.find(image, ["drum kit", "harp"])
    assert (drum.label, drum.score > 0.9) == ("drum kit", True)
    assert drum.box.iou(Box(240, 180, 480, 420)) > 0.6
    assert [one.label for one in finder.find(image, ["rimshot", "drum", "musical instrument"])] == [
        "rimshot",
        "musical instrument",
    ]  # of names for the same the first
    assert finder._net.looks == 1


def test_what_is_not_there_or_has_no_class_is_not_found(finder):
    assert finder.find(np.zeros((90, 1200, 3), np.uint8), ["drum", "theremin"]) == []
    assert finder.find(np.full((1, 1, 3), 255, np.uint8), ["drum"])[0].box == Box(0, 0, 1, 1)
    assert finder.knows("snare drum")
    assert not finder.knows("theremin")
    assert not finder.knows("person")


def test_the_published_weights_know_a_dog(shared_models, shared_media):
    file = store.find("efficientnet-lite2")
    if file is None:
        pytest.skip("needs the model efficientnet-lite2, which the extra senses brings")
    finder = ImageNetFinder(file)
    (dog,) = finder.find(read_picture(shared_media / "dog.jpg"), ["dog", "drum", "bird"])
    assert dog.label == "dog"
    assert dog.box.iou(Box(65, 134, 640, 838)) > 0.3
