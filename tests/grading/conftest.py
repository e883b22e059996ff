"""Tests of grading call ``course grade``, a verb of course_staff."""

from course_utils import cli

cli.add_staff_verbs()
