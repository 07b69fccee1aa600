"""How much a GPU takes at once."""

from __future__ import annotations

import ctypes

from debate_analyzer.errors import Misconfigured

_GIB = 2**30

# CUDA's own, and pyannote's two networks with 32 windows at a time, which torch does not give back.
_RESERVED = 3 * _GIB

# Of half a minute of speech, in float16 with beam 5, at the most: the scores of an encoder layer's
# attention (heads x 1500 x 1500, twice), 0.06 GB in tiny to 0.2 in large, and what the decoder's
# layers keep of 1500 frames and of 5 x 448 tokens, 0.02 to 0.6. A model's shape is not at hand but
# its size is, and this line lies above tiny (0.08), base (0.13), small (0.26), medium (0.53), large
# (0.81) and turbo (0.27). Reported are 0.21 for turbo with beam 1
# (https://github.com/SYSTRAN/faster-whisper/issues/1257) and 0.3 for large-v2 on ordinary speech,
# which has fewer tokens than a loop (its README).
_OF_EACH = 0.15e9
_OF_EACH_BYTE_OF_WEIGHTS = 0.25

# More are no faster on a T4 (https://github.com/huggingface/distil-whisper/issues/47), and progress
# is told once a batch.
_LARGEST = 16


def batch_size(weights: int, memory: int) -> int:
    """How many half minutes Whisper decodes at once: a power of two from 1 to 16.

    `weights`: of the model, in bytes, as float16. `memory`: of the GPU, in bytes. An estimate from
    above, so that a batch of loops fits as well; not tried on a GPU.
    """
    each = _OF_EACH + _OF_EACH_BYTE_OF_WEIGHTS * weights
    fitting = (memory - _RESERVED - weights) / each
    size = _LARGEST
    while size > max(1.0, fitting):
        size //= 2
    return size


def memory() -> int:
    """Bytes of the GPU that CUDA puts first, which is the one that CTranslate2 takes.

    Asked of the driver, so that it needs no torch. Raises Misconfigured when it does not say.
    https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html
    """
    device, size = ctypes.c_int(), ctypes.c_size_t()
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise Misconfigured(f"There is no driver of a GPU: {error}") from error
    for call, arguments in (
        (driver.cuInit, (0,)),
        (driver.cuDeviceGet, (ctypes.byref(device), 0)),
        (driver.cuDeviceTotalMem_v2, (ctypes.byref(size), device)),
    ):
        if code := call(*arguments):
            raise Misconfigured(f"The GPU does not say how much memory it has: CUDA error {code}.")
    return size.value
