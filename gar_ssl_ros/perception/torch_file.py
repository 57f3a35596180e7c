"""Reads the tensors of a file that torch.save wrote, without torch and without running anything that it names."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 1 << 30  # bytes: no file that is read here unpacks to more
OLD_MAGIC = 0x1950A86A20F9469CFC6C  # with which torch.save's files began before 1.6
STORAGES = {  # torch's name of an element's type -> NumPy's; torch writes little-endian
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}


class TorchFileError(ValueError):
    """A file that holds no named tensors, or that wants to run something: what is wrong, without the file's name."""


@dataclass(frozen=True)
class _Storage:
    type: str
    key: str


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int  # elements
    size: tuple[int, ...]
    stride: tuple[int, ...]  # elements


class _Names(pickle.Unpickler):
    """Knows what a state dict is made of; all of it is only described here, and read afterwards."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: _Tensor(storage, offset, size, stride)
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise TorchFileError(f"it wants to run {module}.{name}, which no weights need")

    def persistent_load(self, pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, key)


def state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """Each tensor by its name, in the machine's byte order. Raises TorchFileError, and nothing else, for a bad file.

    path: what torch.save writes, since 1.6 or before, or a wheel or other zip file with one .pth that it wrote before.
    """
    try:
        if not zipfile.is_zipfile(path):
            return _read_old(BytesIO(_bytes(path)))
        with zipfile.ZipFile(path) as archive:
            return _read(archive)
    except TorchFileError:
        raise
    except Exception as problem:  # a damaged zip or pickle raises nearly anything
        raise TorchFileError(" ".join(str(problem).split()) or type(problem).__name__) from None


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise TorchFileError(f"it has more than {MAX_BYTES >> 20} MiB")
    return path.read_bytes()


def _read(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise TorchFileError(f"it unpacks to more than {MAX_BYTES >> 20} MiB")
    held = [info.filename for info in infos if info.filename.endswith(".pth")]
    if len(held) == 1:
        return _read_old(BytesIO(archive.read(held[0])))
    described = [info.filename for info in infos if info.filename.endswith("/data.pkl")]
    if len(described) != 1:
        raise TorchFileError("it is a zip file that torch.save did not write")
    folder = described[0].removesuffix("data.pkl")
    named = _described(BytesIO(archive.read(described[0])))
    return {name: _tensor(tensor, lambda key: archive.read(f"{folder}data/{key}")) for name, tensor in named.items()}


def _read_old(file: BytesIO) -> dict[str, NDArray[Any]]:
    """Of torch.save before 1.6: how it was written, the description, the storages' keys, their bytes."""
    if _Names(file).load() != OLD_MAGIC:
        raise TorchFileError("it is none that torch.save wrote")
    for _ in ("version", "byte order"):
        _Names(file).load()
    named = _described(file)
    sizes = {tensor.storage.key: np.dtype(tensor.storage.type).itemsize for tensor in named.values()}
    storages = {}
    for key in _Names(file).load():
        count = int.from_bytes(file.read(8), "little")
        storages[key] = file.read(count * sizes[key])
    return {name: _tensor(tensor, storages.__getitem__) for name, tensor in named.items()}


def _described(file: BytesIO) -> dict[str, _Tensor]:
    named = _Names(file).load()
    if not isinstance(named, dict) or not all(isinstance(tensor, _Tensor) for tensor in named.values()):
        raise TorchFileError("it holds other things than named tensors")
    return {str(name): tensor for name, tensor in named.items()}


def _tensor(tensor: _Tensor, bytes_of: Callable[[str], bytes]) -> NDArray[Any]:
    kind = np.dtype(tensor.storage.type)
    flat = np.frombuffer(bytes_of(tensor.storage.key), kind)[tensor.offset :]
    if min((*tensor.size, *tensor.stride, tensor.offset, 0)) < 0 or len(tensor.size) != len(tensor.stride):
        raise TorchFileError("it holds a tensor of impossible shape")
    last = sum((size - 1) * stride for size, stride in zip(tensor.size, tensor.stride, strict=True))
    if 0 not in tensor.size and last >= len(flat):
        raise TorchFileError("it holds a tensor larger than its data")
    strides = [stride * kind.itemsize for stride in tensor.stride]
    view = np.lib.stride_tricks.as_strided(flat, tensor.size, strides, writeable=False)
    return view.astype(kind.newbyteorder("="))  # a copy of its own
