"""The coordinates that networks are trained in: the samples' own subspace, exact, sketched, streamed from a store."""
