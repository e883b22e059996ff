"""Build the site of the course: ``make site``.

Sphinx builds it from ``docs/``, the stored lessons, the exercises and the docstrings. Nothing is
run, and no page asks another server for anything.

==============  ====================================================================
``cells``       the cells of a lesson as readers see them
``reference``   the pages of the reference, one for each room
``pages``       parts of pages that are made of lessons, documents and tables
``parts``       parts of cells as HTML, for slides and handouts
``slides``      ``make slides``: decks for teaching
``handouts``    ``make handouts``: one page for each lesson
``pdf``         pages printed by Chromium
``picture``     the picture of the course in README.md
``teaching``    slides, handouts and grading examples on the site
``sources``     the folder that Sphinx reads
``extension``   what Sphinx does not do by itself: formulae, links of terms, one page for 404
==============  ====================================================================
"""
