"""Light-ASD without torch: the same numbers as torch's, and no file that is trusted."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.light_asd import FACE_SIDE_PX, REACH, WIDTH, LightASD, _shapes
from gar_ssl_ros.perception.sound import mfcc_light_asd

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")


def random_weights(seed: int = 0) -> dict[str, object]:
    """Of the network's names and shapes, of a size that keeps signals alive."""
    torch.manual_seed(seed)
    weights = {}
    for name, shape in _shapes().items():
        if name.endswith("running_var"):
            weights[name] = torch.rand(shape) + 0.5
        elif "bn_" in name or "bias" in name:
            weights[name] = torch.randn(shape) * 0.1 + (1.0 if name.endswith("weight") else 0.0)
        else:
            weights[name] = torch.randn(shape) / np.sqrt(np.prod(shape[1:]))
    return weights


@pytest.fixture(scope="module")
def weights() -> dict[str, object]:
    return random_weights()


@pytest.fixture(scope="module")
def path(weights, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "light_asd.model"
    torch.save(weights, file)
    return file


@pytest.fixture(scope="module")
def network(path) -> LightASD:
    return LightASD(path)


def reference(weights, faces, cepstra):
    """The paper's network in torch: what is seen, what is heard, and the log-odds."""
    functional = torch.nn.functional
    w = {name: tensor.double() for name, tensor in weights.items()}

    def layer(x, block, name, **options):
        convolution = functional.conv3d if x.ndim == 5 else functional.conv2d
        norm = [w[f"{block}bn_{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = convolution(x, w[f"{block}{name}.weight"], **options)
        return functional.batch_norm(x, *norm, eps=1e-3).relu()

    def block(x, name, first, space, time, **options):
        branches = []
        for k in (1, 2):
            y = layer(x, name, f"{first}_{2 * k + 1}", padding=tuple(k * i for i in space), **options)
            branches.append(layer(y, name, f"t_{2 * k + 1}", padding=tuple(k * i for i in time)))
        return layer(sum(branches), name, "last")

    x = ((torch.tensor(faces).double() / 255 - 0.4161) / 0.1688)[None, None]
    for i in (1, 2, 3):
        stride = {"stride": (1, 2, 2)} if i == 1 else {}
        x = block(x, f"model.visualEncoder.block{i}.", "s", (0, 1, 1), (1, 0, 0), **stride)
        x = functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1)) if i < 3 else x
    seen = x.amax((3, 4))[0].T
    x = torch.tensor(cepstra).double().T[None, None]
    for i in (1, 2, 3):
        x = block(x, f"model.audioEncoder.block{i}.", "m", (1, 0), (0, 1))
        x = functional.max_pool3d(x, (1, 1, 3), (1, 1, 2), (0, 0, 1)) if i < 3 else x
    heard = x.mean(2)[0].T
    x = (seen + heard)[None]
    for way in ("forward", "backward"):
        layer_of = torch.nn.GRU(WIDTH, WIDTH, batch_first=True).double()
        layer_of.load_state_dict({name: w[f"model.GRU.gru_{way}.{name}"] for name in layer_of.state_dict()})
        x = functional.gelu(layer_of(x)[0]).flip(1)
    logits = functional.linear(x[0], w["lossAV.FC.weight"], w["lossAV.FC.bias"])
    return tuple(y.detach().numpy() for y in (seen, heard, logits[:, 1] - logits[:, 0]))


@pytest.mark.parametrize("steps", [1, 7, 20, 75])
def test_it_gives_what_torch_gives(network, weights, steps):
    random = np.random.default_rng(steps)
    faces = random.integers(0, 256, (steps, FACE_SIDE_PX, FACE_SIDE_PX), np.uint8)
    samples = (random.standard_normal(steps * 640) * 0.1).astype(np.float32)
    cepstra = mfcc_light_asd(np.pad(samples, (0, 400)))[: 4 * steps]
    seen, heard = network.see(faces), network.hear(samples, steps)
    found = seen, heard, network.log_odds(seen, heard)
    with torch.no_grad():
        for ours, theirs in zip(found, reference(weights, faces, cepstra), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_many_sounds_are_judged_at_once(network):
    random = np.random.default_rng(0)
    seen, heard = random.random((9, WIDTH)).astype(np.float32), random.random((3, 9, WIDTH)).astype(np.float32)
    at_once = network.log_odds(seen, heard)
    np.testing.assert_allclose(at_once, [network.log_odds(seen, one) for one in heard], rtol=1e-4, atol=1e-5)


def test_a_part_is_seen_as_in_the_whole(network):
    faces = np.random.default_rng(0).integers(0, 256, (40, FACE_SIDE_PX, FACE_SIDE_PX), np.uint8)
    whole = network.see(faces)
    parts = network.see(faces[: 10 + REACH], behind=True), network.see(faces[10 - REACH :], ahead=True)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-4)


def test_silence_and_sound_that_ends_early_are_judged(network):
    assert np.isfinite(network.hear(np.zeros(0, np.float32), 75)).all()
    assert np.isfinite(network.hear(np.zeros(1000, np.float32), 75)).all()


def test_weights_saved_transposed_are_read_as_torch_reads_them(weights, path, tmp_path):
    name = "model.GRU.gru_forward.weight_hh_l0"
    moved = weights | {name: weights[name].T.contiguous().T}
    torch.save(moved, tmp_path / "moved.model")
    x = np.random.default_rng(0).random((5, WIDTH)).astype(np.float32)
    both = (LightASD(file).log_odds(x, x) for file in (path, tmp_path / "moved.model"))
    np.testing.assert_array_equal(*both)


class Bomb:
    def __reduce__(self):
        return print, ("it ran",)


def repacked(path: Path, data: bytes | None, into: Path) -> Path:
    """The file with another pickle, or with half of each tensor's data."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(into, "w") as new:
        for name in old.namelist():
            whole = old.read(name)
            if name.endswith("data.pkl"):
                new.writestr(name, whole if data is None else data)
            else:
                new.writestr(name, whole if data is not None else whole[: len(whole) // 2])
    return into


def test_a_pickle_that_wants_to_run_code_does_not(path, tmp_path, capsys):
    bad = repacked(path, pickle.dumps({"lossAV.FC.bias": Bomb()}), tmp_path / "bomb.model")
    with pytest.raises(ModelError, match=r"bomb\.model is not Light-ASD.*wants to run builtins\.print.*models get"):
        LightASD(bad)
    assert "it ran" not in capsys.readouterr().out


@pytest.mark.parametrize("kept", [0, 10, 1000, 100_000])
def test_a_cut_off_file_is_one_sentence(path, tmp_path, kept):
    (tmp_path / "short.model").write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"short\.model is not Light-ASD"):
        LightASD(tmp_path / "short.model")


def test_tensors_without_their_data_are_one_sentence(path, tmp_path):
    with pytest.raises(ModelError, match="larger than its data"):
        LightASD(repacked(path, None, tmp_path / "half.model"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("lossAV.FC.bias"), "it has no lossAV.FC.bias"),
        (lambda w: w.update({"lossAV.FC.bias": torch.zeros(3)}), r"its lossAV.FC.bias is \(3,\), not \(2,\)"),
        (lambda w: w.update({"lossAV.FC.bias": torch.tensor([0.0, np.nan])}), "holds what is no number"),
        (lambda w: w.update({"epoch": 3}), "other things than named tensors"),
    ],
)
def test_other_weights_are_one_sentence(weights, tmp_path, change, said):
    other = dict(weights)
    change(other)
    torch.save(other, tmp_path / "other.model")
    with pytest.raises(ModelError, match=said):
        LightASD(tmp_path / "other.model")


def test_a_missing_file_and_another_zip_are_one_sentence(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("note.txt", "hello")
    for name in ("missing.model", "other.zip", "."):
        with pytest.raises(ModelError, match="get it again with `gar-ssl models get`"):
            LightASD(tmp_path / name)


@given(st.binary(max_size=200))
def test_a_pickle_of_any_bytes_raises_nothing_else(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
    with pytest.raises(ModelError):
        LightASD(file)  # type: ignore[arg-type]


def test_the_published_weights_tell_speech_from_a_still_face():
    published = Path(__file__).parents[3] / "shared" / "models" / "light_asd_pretrain_AVA_CVPR.model"
    if not published.is_file():
        pytest.skip("needs ../shared/models/light_asd_pretrain_AVA_CVPR.model, which is not here")
    network = LightASD(published)
    still = np.full((75, FACE_SIDE_PX, FACE_SIDE_PX), 120, np.uint8)
    assert network.log_odds(network.see(still), network.hear(np.zeros(48_000, np.float32), 75)).mean() < -2
