"""Grade notebooks fairly and safely: the command ``course grade``.

===================  ============================================================================
``command``          runs the command: options, policies, reports, one student again
``listing``          lists who was found with which file, without grading
``engine``           grades a class, in several processes or on a cluster, only what changed
``scoring``          the scoring processes
``tasks``            one notebook to grade, and the key of its result
``journal``          stores results as soon as they are known
``intake``           finds the submitted notebooks, and what cannot be graded
``unpack``           reads files, folders and zips, with limits
``people``           finds out for the whole class who handed in what
``exports``          parses the names that learning platforms give to exported files
``naming``           interprets the names that people give to files and folders
``notebook``         reads a notebook of any format, and finds the questions in it
``platforms``        handles statements that work only on Colab, Kaggle, Deepnote and VS Code
``written``          collects written answers, with their pictures
``runner``           grades one notebook
``elsewhere``        asks questions again after the whole notebook has run
``packages``         finds the packages that an answer uses
``remote``           gives the checks access to a student's work in the sandbox
``messages``         reports errors of the sandbox without the values that were tried
``networks``         decides which descriptions of networks may be built
``sandbox``          runs a student's code in isolation, and communicates with it
``stripped``         copies of the package without the functions that a question forbids
``sandbox_runtime``  the part that runs in the sandbox
``results``          the results, as plain data
``policies``         attempts, lateness, ids in place of names, copies
``times``            reads times of submission from the instructor's table
``marks``            manual grades in tables
``tables``           reads and writes tables
``reports``          tables and pages
``store``            reads and writes the files in the folder of the reports
===================  ============================================================================

Marks are computed in scoring processes, from answers that are plain data. A student's code runs in
another process, which has no access to tests and answers.
"""
