"""Read the tensors of a torch checkpoint without torch.

Such a file is a zip: one pickle that describes the tensors, and one raw file per storage. A pickle
can name any callable, so this one is read by an unpickler that knows three kinds of name and
refuses the rest (https://docs.python.org/3/library/pickle.html#restricting-globals).
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from debate_analyzer.errors import Misconfigured

Tensors = Mapping[str, npt.NDArray[np.float32]]

_STORAGES = {
    "FloatStorage": "<f4",
    "LongStorage": "<i8",
}


class _RebuildTensor:
    """torch._utils._rebuild_tensor_v2, for numpy. Slots: a pickle cannot set attributes on it."""

    __slots__ = ()

    def __call__(
        self,
        storage: npt.NDArray[Any],
        offset: int,
        shape: tuple[int, ...],
        stride: tuple[int, ...],
        *_autograd: object,
    ) -> npt.NDArray[Any]:
        size = math.prod(shape)
        contiguous = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        if size > 1 and tuple(stride) != contiguous:
            raise pickle.UnpicklingError("a tensor that is not contiguous")
        if not 0 <= offset <= offset + size <= storage.size:
            raise pickle.UnpicklingError("a tensor outside its storage")
        return storage[offset : offset + size].reshape(shape)


class _Unpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, description: zipfile.ZipInfo, data: IO[bytes]):
        super().__init__(data)
        self._archive = archive
        self._folder = description.filename.removesuffix("data.pkl")

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _RebuildTensor()
            case "torch", kind if kind in _STORAGES:
                return kind
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a state dict")

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        match pid:
            case "storage", str(kind), str(key), str(), int(size) if kind in _STORAGES:
                data = self._archive.read(f"{self._folder}data/{key}")
                storage: npt.NDArray[Any] = np.frombuffer(data, dtype=_STORAGES[kind], count=size)
                return storage
        raise pickle.UnpicklingError(f"an unknown storage: {pid!r}")


def read_checkpoint(file: IO[bytes]) -> Tensors:
    """The state dict in a torch zip checkpoint, by parameter name.

    A checkpoint that wraps its state dict as `{"state_dict": …}` is unwrapped.
    Raises Misconfigured when the file is damaged or asks for anything but tensors.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            description = next(
                info for info in archive.infolist() if info.filename.endswith("/data.pkl")
            )
            with archive.open(description) as data:
                content = _Unpickler(archive, description, data).load()
    except (
        pickle.UnpicklingError,
        zipfile.BadZipFile,
        StopIteration,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
    ) as error:
        raise Misconfigured(f"The checkpoint cannot be read as plain tensors: {error!r}") from error
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, np.ndarray) for v in state.values()):
        raise Misconfigured("The checkpoint is not a dictionary of tensors.")
    return {str(name): tensor for name, tensor in state.items()}
