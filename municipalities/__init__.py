"""One folder per municipality, data only, and the registry that loads and checks it.

Where an installation keeps its state (``site``) is decided here too; what a municipality's data means is not.
"""
