"""``python -m genelight`` is ``genelight``."""

from .cli import main

if __name__ == "__main__":
    main()
