"""Devices: the processor, one graphics card (GPU), or several.

First met in lesson 00 (which devices there are) and lesson 04 (how to use them).
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from course_utils import settings
from course_utils.exceptions import InvalidInput

#: NVIDIA cards from this compute capability on (Volta, 2017) have units for float16.
MIXED_PRECISION_FROM = (7, 0)


@dataclass(frozen=True)
class Device:
    """A graphics card that TensorFlow can use.

    Attributes
    ----------
    name : str
        For instance "NVIDIA T4".
    compute_capability : tuple of two int or None
        NVIDIA's number for the generation of the card; None if unknown.
    """

    name: str
    compute_capability: tuple[int, int] | None

    @property
    def made_for_mixed_precision(self) -> bool:
        """Whether float16 is faster than float32 on this card."""
        return (
            self.compute_capability is not None and self.compute_capability >= MIXED_PRECISION_FROM
        )


@dataclass(frozen=True)
class DeviceReport:
    """The devices that TensorFlow uses; ``print`` shows a summary.

    Attributes
    ----------
    gpus : tuple of Device
        The graphics cards that TensorFlow can use.
    card_without_libraries : bool
        Whether this machine has an NVIDIA card that TensorFlow cannot use.
    cpu_cores : int
        Number of processor cores that this process may use.
    policy : str
        The dtype policy of new layers, for instance "float32".
    tensorflow, keras : str
        The versions.
    """

    gpus: tuple[Device, ...]
    card_without_libraries: bool
    cpu_cores: int
    policy: str
    tensorflow: str
    keras: str

    @property
    def made_for_mixed_precision(self) -> bool:
        """Whether float16 is faster on every card (False without a card)."""
        return bool(self.gpus) and all(gpu.made_for_mixed_precision for gpu in self.gpus)

    def __str__(self) -> str:
        lines = [f"TensorFlow {self.tensorflow} with Keras {self.keras}"]
        for gpu in self.gpus:
            numbers = gpu.compute_capability or ["unknown"]
            lines.append(f"GPU: {gpu.name} (compute capability {'.'.join(map(str, numbers))})")
        if len(self.gpus) > 1:
            lines.append(f"Training is shared among the {len(self.gpus)} GPUs.")
        if self.made_for_mixed_precision:
            lines.append(
                "Mixed precision: these GPUs have units for float16; "
                "training.use_mixed_precision() turns it on."
            )
        elif self.gpus:
            lines.append("Mixed precision: of no use here, since the GPU has no units for float16.")
        elif self.card_without_libraries:
            lines.append(
                "There is an NVIDIA card in this machine, but TensorFlow cannot use it: its CUDA "
                "libraries are missing. Install them with 'make lab GPU=1' or "
                'pip install "tensorflow[and-cuda]". Until then the processor is used.'
            )
        else:
            lines.append("No GPU: the processor is used. All lessons are made to run on it.")
        cores = f"{self.cpu_cores} core{'s' if self.cpu_cores != 1 else ''}"
        lines.append(f"Processor: {cores} for this process")
        lines.append(f"Number format of new layers: {self.policy}")
        return "\n".join(lines)


def device_report() -> DeviceReport:
    """Return the devices that TensorFlow uses, with a summary as ``str()``."""
    gpus = []
    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        gpus.append(Device(details.get("device_name", gpu.name), details.get("compute_capability")))
    return DeviceReport(
        gpus=tuple(gpus),
        card_without_libraries=not gpus and _nvidia_card(),
        cpu_cores=_cores(),
        policy=keras.config.dtype_policy().name,
        tensorflow=tf.__version__,
        keras=keras.__version__,
    )


def strategy() -> tf.distribute.Strategy:
    """Return the distribution strategy: over all GPUs, or TensorFlow's default for one device.

    With several GPUs it is a ``MirroredStrategy``: each GPU has a copy of the network and computes
    a part of every batch; the gradients are summed, so the result is that of one GPU, within
    rounding. The batch size is that of the whole batch. Batch normalization is the exception: each
    GPU normalizes its own part of the batch unless the layer is made with ``synchronized=True``
    (:func:`course_utils.models.deep_cnn` has that argument).

    Build the model inside ``with training.strategy().scope():``.

    Returns
    -------
    tensorflow.distribute.Strategy

    Raises
    ------
    InvalidInput
        If TF_CONFIG names several machines: Keras 3 cannot train on several machines with ``fit``.
    """
    refuse_several_machines()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def use_mixed_precision(on: bool | None = None) -> str:
    """Set the dtype policy of new layers: float16 where the GPU has units for it.

    Weights, the loss and the logits stay float32; Keras multiplies the loss by a factor while it
    computes gradients, so that small gradients do not become zero. Call this before you build the
    model.

    Parameters
    ----------
    on : bool, optional
        True and False turn it on or off on any device. None, the default, turns it on if every GPU
        has compute capability 7.0 or more.

    Returns
    -------
    str
        The new policy: "mixed_float16" or "float32".

    References
    ----------
    Micikevicius et al. (2018), "Mixed Precision Training".
    """
    if on is None:
        on = device_report().made_for_mixed_precision
    policy = "mixed_float16" if on else "float32"
    keras.config.set_dtype_policy(policy)
    return policy


def refuse_several_machines() -> None:
    """Raise InvalidInput if TF_CONFIG names several machines.

    Raises
    ------
    InvalidInput
        If TF_CONFIG names several machines, or is not JSON.
    """
    text = settings.tf_config()
    if text is None:
        return
    try:
        cluster = json.loads(text).get("cluster", {})
        tasks = sum(len(addresses) for addresses in cluster.values())
    except (ValueError, AttributeError, TypeError):
        raise InvalidInput(
            "TF_CONFIG is set, but it is not the JSON object that TensorFlow expects; unset it."
        ) from None
    if tasks > 1:
        raise InvalidInput(
            f"TF_CONFIG names {tasks} tasks on several machines, but model.fit of Keras 3 does not "
            f"run on several machines; unset TF_CONFIG and train on this machine with all its GPUs."
        )


def _nvidia_card() -> bool:
    """Return whether there is an NVIDIA card, without using its libraries."""
    signs = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/usr/lib/wsl/lib/nvidia-smi")
    return any(Path(sign).exists() for sign in signs) or shutil.which("nvidia-smi") is not None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
