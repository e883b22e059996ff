"""Pipelines that TensorFlow runs as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def run_as_written(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return the same pipeline without automatic tuning and rewriting by TensorFlow.

    For each iterator TensorFlow starts a thread that adjusts the number of parallel steps, in the
    end once a minute. When the iterator is deleted it waits for that thread, which occasionally
    misses the wake-up and blocks for up to a minute (seen in TensorFlow 2.21, in about one of ten
    trainings). And before it rewrites a pipeline it copies all tensors that the pipeline reads:
    here all images of a dataset, which are otherwise shared with a mapped file.

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
    options.experimental_optimization.apply_default_optimizations = False
    return batches.with_options(options)
