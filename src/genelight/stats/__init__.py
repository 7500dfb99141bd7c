"""Statistics that several rooms need, on arrays: subjects, moderated t, ridge, discriminant, intervals."""
