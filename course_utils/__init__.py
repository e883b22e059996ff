"""Shared code of the course *Classifying images with convolutional networks*.

Each room of the package is a submodule that is imported when it is first used, so that
``import course_utils`` stays fast and TensorFlow is only loaded by the rooms that need it. A room
imports only from rooms above it in this table:

==================  ======================================================  ==============
room                what is in it                                           first met in
==================  ======================================================  ==============
``exceptions``      errors that are written for the reader                  all
``files``           replace files in one step                               --
``settings``        the one place that reads the environment                lesson 00
``quiet``           keep away what libraries print                          --
``progress``        progress bars and what is shown, in a notebook or not   --
``results``         ``report_result``: what a lesson reached                lesson 04
``validate``        checks of arguments                                     --
``convolution``     the 6 x 6 letters, convolution and pooling in NumPy     lesson 01
``datasets``        load images from folders, tables and archives           lesson 02
``augmentation``    random changes of training images                       lesson 04
``models``          the networks of the course                              lesson 03
``quality``         the data quality checklist as code                      lesson 02
``training``        compile, fit, schedules, experiments                    lesson 04
``evaluation``      predictions, metrics, calibration                       lesson 05
``error_analysis``  worst predictions, confused pairs, suspect labels       lesson 06
``explain``         Grad-CAM and its peers, tests of their faithfulness     lesson 07
``transfer``        backbones, features, heads, fine-tuning                 lesson 08
``deployment``      export, compare, threshold, service                     lesson 09
``plots``           figures                                                 all
``widgets``         interactive pieces, predictions, questions              all
``student_work``    call functions and models of a submission               exercises
``checks``          feedback in the exercises                               exercises
``workspace``       the student's copies, and how lessons are run           lesson 00
``cli``             the command ``course``                                  lesson 00
==================  ======================================================  ==============
"""

from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

__version__ = "1.0.0"

_ROOMS = tuple(sorted(module.name for module in iter_modules(__path__)))

__all__ = [*_ROOMS, "__version__"]


def __getattr__(name: str) -> ModuleType:
    if name in _ROOMS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils has no submodule {name!r}; it has {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return sorted(__all__)
