"""Functions behind the commands for students.

===================  ==============================================================
``machine``          checks that the lessons can run here (``course check``)
``copies``           copies for the student in ``work/`` (``course lab``, ``course reset``)
``lessons``          finds the lessons, runs them, and writes them as HTML
``notebook_runner``  runs one notebook without a browser; measures time and memory
===================  ==============================================================

First met in lesson 00, as the command ``course``.
"""
