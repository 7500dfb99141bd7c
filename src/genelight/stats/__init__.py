"""Statistics that several rooms need: subjects, folds, moderated t, ridge, discriminant, intervals.

Arrays in, arrays out, in NumPy and SciPy. ``intervals`` and ``conformal`` alone take or give tables, where the table is
what is asked: of held-out scores by method, of the residuals that a score keeps, of its calibration.
"""
