"""What was done to genelight to make it lose or forge something, one command each: ``python -m reliability NAME``."""
