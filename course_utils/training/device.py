"""What the networks are computed on: processor, one graphics card, or several.

First met in lesson 00 (what is there) and lesson 04 (how to use it).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from course_utils import settings
from course_utils.exceptions import InvalidInput

#: From this compute capability on (Volta, 2017) an NVIDIA card has units made for float16.
MIXED_PRECISION_FROM = (7, 0)


@dataclass(frozen=True)
class Device:
    """One graphics card that TensorFlow can use.

    Attributes
    ----------
    name : str
        For instance "NVIDIA T4".
    compute_capability : tuple of two int or None
        NVIDIA's number for the generation of the card; None where it is not known.
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
    """What TensorFlow computes on; ``print`` it for a friendly summary.

    Attributes
    ----------
    gpus : tuple of Device
        The graphics cards that TensorFlow can use.
    card_without_libraries : bool
        Whether this machine has an NVIDIA card that TensorFlow cannot use.
    cpu_cores : int
        Number of processor cores that this process may use.
    policy : str
        The number format that new layers compute in, for instance "float32".
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
        """Whether every card is made for float16 (False without a card)."""
        return bool(self.gpus) and all(gpu.made_for_mixed_precision for gpu in self.gpus)

    def __str__(self) -> str:
        lines = [f"TensorFlow {self.tensorflow} with Keras {self.keras}"]
        if self.gpus:
            for gpu in self.gpus:
                generation = (
                    "compute capability {}.{}".format(*gpu.compute_capability)
                    if gpu.compute_capability
                    else "compute capability unknown"
                )
                lines.append(f"GPU: {gpu.name} ({generation})")
            if len(self.gpus) > 1:
                lines.append(f"Training is shared among the {len(self.gpus)} GPUs.")
            lines.append(
                "Mixed precision: "
                + (
                    "these GPUs are made for it; training.use_mixed_precision() turns it on."
                    if self.made_for_mixed_precision
                    else "of no use here, since the GPU has no units made for float16."
                )
            )
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
    """Say what TensorFlow computes on.

    Returns
    -------
    DeviceReport
        Its ``str()`` is a summary for reading.
    """
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
    """Return how TensorFlow shares the work: among all GPUs, or on the one device there is.

    With several GPUs it is a ``MirroredStrategy``: each card holds a copy of the network and
    computes a part of every batch; the gradients are summed, so that the result is that of one
    card, within rounding. The batch that you choose is the whole one. Batch normalisation is the
    exception: each card normalises its own part of the batch unless the layer is made with
    ``synchronized=True`` (:func:`course_utils.models.deep_cnn` takes that argument). With one GPU
    or none it is TensorFlow's default strategy, which changes nothing.

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
    """Let new layers compute in float16 where the GPU is made for it.

    Weights, the loss and the logits stay float32; Keras multiplies the loss by a factor while
    gradients are computed, so that small ones do not become zero. Call this before the model is
    built.

    Parameters
    ----------
    on : bool, optional
        True and False set it on or off whatever the device; None, the default, asks the device:
        on where every GPU has compute capability 7.0 or more, off otherwise.

    Returns
    -------
    str
        The policy that is in use now: "mixed_float16" or "float32".

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
        With one sentence that says why and what to do.
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
    """Whether there is an NVIDIA card, told without any of its libraries."""
    signs = ("/proc/driver/nvidia/gpus", "/dev/nvidia0", "/usr/lib/wsl/lib/nvidia-smi")
    return any(Path(sign).exists() for sign in signs) or shutil.which("nvidia-smi") is not None


def _cores() -> int:
    import os

    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
