"""How the course is made.

=============  ====================================================================
``build``      runs the lessons for the repository and stores their outputs
``derived``    the files that are made from other files
``exercises``  the exercises, made from the solutions
``release``    the zip that students get
``links``      checks the links of the documents and the lessons
``pretrain``   trains the small backbone of lesson 08
=============  ====================================================================
"""
