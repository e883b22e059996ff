"""The web service of ``course serve``: a page and ``POST /predict``, for one model.

A request passes through these modules: ``_app`` (addresses, checks, answers), ``_body`` (reads the
picture within the limits), ``_pictures`` (decodes it), ``_batches`` (collects waiting pictures into
a batch) and ``_classifier`` (the model). ``_server`` starts and stops all of it; the files of the
page are in ``page/``.

First met in lesson 09.
"""

from course_utils.deployment.service._server import Service, serving

__all__ = ["Service", "serving"]
