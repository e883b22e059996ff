"""Transfer learning: use a pretrained network for a new task.

In the order of lesson 08: :func:`load_backbone` gives a network from pixels to feature maps;
:func:`extract_features` computes the features of all images of a dataset once; :func:`fit_head`
trains a small classifier on them, in a second or two; :func:`attach_head` joins both into one
model; :func:`fine_tune` trains its upper layers further. :func:`out_of_fold` predicts few images
with heads that have not seen them.

Preprocessing is part of every backbone: pixels are 0-255 outside, so it can neither be forgotten
nor done twice.

Lesson 08 writes each of these functions out in Keras.
"""

from course_utils.datasets import SPLITS
from course_utils.transfer.backbones import (
    DEFAULT,
    Backbone,
    backbones,
    load_backbone,
    load_classifier,
    weights_digest,
)
from course_utils.transfer.classification import classify, decode, imagenet_names
from course_utils.transfer.cross_validation import out_of_fold
from course_utils.transfer.features import Features, extract_features
from course_utils.transfer.fine_tuning import fine_tune, unfreeze
from course_utils.transfer.heads import Head, attach_head, build_head, feature_statistics, fit_head

__all__ = [
    "DEFAULT",
    "SPLITS",
    "Backbone",
    "Features",
    "Head",
    "attach_head",
    "backbones",
    "build_head",
    "classify",
    "decode",
    "extract_features",
    "feature_statistics",
    "fine_tune",
    "fit_head",
    "imagenet_names",
    "load_backbone",
    "load_classifier",
    "out_of_fold",
    "unfreeze",
    "weights_digest",
]
