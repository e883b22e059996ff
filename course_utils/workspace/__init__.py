"""What the command ``course`` does for a student.

===================  ==============================================================
``machine``          is this machine ready for the lessons? (``course check``)
``copies``           the student's copies in ``work/`` (``course lab``, ``course reset``)
``lessons``          finds the lessons; runs them all and writes them as HTML
``notebook_runner``  runs one notebook without a browser; measures time and memory
===================  ==============================================================

First met in lesson 00, as the command ``course``.
"""
