"""A pipeline reads the images of a dataset where they are, without a copy of all of them."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import psutil
    import tensorflow as tf

    from course_utils import datasets

    def anonymous():
        memory = psutil.Process().memory_info()
        return memory.rss - memory.shared

    data = datasets.load("paper_flowers", image_size=96)
    next(iter(tf.data.Dataset.range(8).batch(4).map(lambda x: x + 1)))  # what the first one needs
    before = anonymous()
    batches = iter(data.train)
    next(batches)
    images = sum(len(data.ids(split)) for split in datasets.SPLITS)
    print(images * 96 * 96 * 3, anonymous() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads what Linux says of memory")
def test_no_pipeline_copies_all_images():
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], capture_output=True, text=True, check=True
    )
    all_images, grown = map(int, ran.stdout.split()[-2:])
    assert grown < all_images / 2
