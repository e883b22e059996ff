"""Put a trained network to work: export it, compare the exported files, say "I don't know".

In the order of lesson 09: :func:`export` writes a network in several formats with one
``model.json`` beside them, which says all that is needed to use it; :func:`load_exported` reads any
of them and answers pictures; :func:`compare` measures size, time and accuracy; :func:`quantize`
shows what 8-bit numbers do to weights; :func:`choose_threshold` finds the confidence below which
the network should not answer; :func:`serving` starts the web service of ``course serve``.

First met in lesson 09.
"""

from course_utils.deployment.card import ModelInfo, read_card
from course_utils.deployment.comparison import compare
from course_utils.deployment.exporting import FORMATS, Exported, export
from course_utils.deployment.loading import Answer, DeployedModel, load_exported
from course_utils.deployment.model_cards import ModelCard, model_card
from course_utils.deployment.quantization import Quantized, quantize
from course_utils.deployment.service import Service, serving
from course_utils.deployment.thresholds import Threshold, choose_threshold

__all__ = [
    "FORMATS",
    "Answer",
    "DeployedModel",
    "Exported",
    "ModelCard",
    "ModelInfo",
    "Quantized",
    "Service",
    "Threshold",
    "choose_threshold",
    "compare",
    "export",
    "load_exported",
    "model_card",
    "quantize",
    "read_card",
    "serving",
]
