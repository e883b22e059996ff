"""Pipelines without the thread with which TensorFlow tunes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def disable_autotune(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Return the same pipeline, which TensorFlow does not tune while it runs.

    For each iterator TensorFlow starts a thread that looks again and again at how many steps
    should run side by side, at last once a minute. When an iterator that has run for a while goes
    away, its end waits for that thread, which at times misses the call and sleeps on: training
    then stands still for tens of seconds (seen in TensorFlow 2.21, in about one of ten trainings).
    The pipelines of the course were measured to be as fast without the thread.

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
