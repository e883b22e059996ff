"""Grade notebooks fairly and safely: the command ``course grade``.

=============  ==================================================================================
``intake``     finds the notebooks in what was handed in, and what cannot be graded
``unpack``     reads files, folders and zips within bounds
``exports``    reads the names that learning platforms give to what they export
``naming``     reads the names that people give to files and folders
``people``     says over the whole class who handed in what
``listing``    shows who was found with which file, without grading
``times``      reads times of hand-in from the instructor's table
``notebook``   reads a notebook of any format and finds the questions in it
``sandbox``    runs a student's code where it can do no harm, and talks to it
``inside``     the part that runs in the sandbox
``remote``     the student's work as the checks ask it, over the wire
``runner``     grades one notebook
``engine``     grades a class, on several processes or a cluster, only what changed
``policies``   attempts, lateness, marks given by a person, ids, copies
``reports``    tables and pages
=============  ==================================================================================

Marks are made in this process, from answers that are plain data; a student's code runs in another
one, which knows no test and no answer.
"""
