"""What instructors and authors of the course run.

It imports course_utils, never the other way, and is not in the students' zip. A room imports only
from rooms above it in this table:

==============  ==================================================================
``drawing``     how the datasets of the course were drawn
``grading``     ``course grade``: intake, sandbox, scoring, reports
``authoring``   ``course build`` and ``course release``: what is made of what
``site``        ``make site``: lessons, documents and the reference as a website
``benchmarks``  ``course bench``: the course against other ways of doing the same
``cli``         these verbs of the command ``course``
==============  ==================================================================
"""
