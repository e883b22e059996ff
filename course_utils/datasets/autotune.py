"""Pipelines without automatic tuning by TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def disable_autotune(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return the same pipeline with automatic tuning turned off.

    For each iterator TensorFlow starts a thread that adjusts the number of parallel steps, in the
    end once a minute. When the iterator is deleted it waits for that thread, which occasionally
    misses the wake-up and blocks for up to a minute (seen in TensorFlow 2.21, in about one of ten
    trainings). The pipelines of the course are as fast without the thread.

    Parameters
    ----------
    batches : tf.data.Dataset

    Returns
    -------
    tf.data.Dataset
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
