"""Build the site of the course: ``make site``.

Sphinx builds it from ``docs/``, the stored lessons, the exercises and the docstrings. Nothing is
run, and no page asks another server for anything.

==============  ====================================================================
``cells``       the cells of a lesson as readers see them
``reference``   the pages of the reference, one for each room
``pages``       parts of pages that are made of lessons, documents and tables
``sources``     the folder that Sphinx reads
``extension``   what Sphinx does not do by itself: formulae, links of terms, one page for 404
==============  ====================================================================
"""
