"""What keeps the course itself in order.

===========  ====================================================================
``results``  ``report_result``, by which a lesson says what it reached; ``can_check``
``check``    is this machine ready for the lessons?
``runner``   runs one notebook without a browser and watches time and memory
``lessons``  finds the lessons; runs them all and writes them as HTML
``build``    runs the lessons for the repository and stores their outputs
``derived``  the files that are made from other files
``student``  the student's copies in ``work/``
``bench``    measures the course against other ways of doing the same
===========  ====================================================================

First met in lesson 00, as the command ``course``.
"""

from course_utils.project.results import can_check, report_result

__all__ = ["can_check", "report_result"]
