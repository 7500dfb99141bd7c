"""How networks are trained: layers, what training lowers, the loop, where it runs, how it goes on after a kill."""
