"""Build the files of the course.

=============  ====================================================================
``addresses``  the repository and the site on the web
``build``      runs the lessons for the repository and stores their outputs
``derived``    files that are generated from other files
``exercises``  generates the exercises from the solutions
``release``    writes the zip for students
``links``      checks the links of the documents and the lessons
=============  ====================================================================
"""
