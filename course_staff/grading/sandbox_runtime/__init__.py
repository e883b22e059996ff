"""What runs inside the sandbox, beside the students' code. Nothing in here is secret.

This package is copied into the sandbox on its own, without the rest of ``grading`` and without the
checks, so it imports nothing but Python, NumPy, IPython and ``course_utils.student_work``.
"""
