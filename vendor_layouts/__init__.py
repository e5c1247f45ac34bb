"""One folder per vendor system (業務システム) and version, data only, and the loader that audits it.

A new vendor's format is a folder of data here. How bytes are read by a layout is the extractors' business.
"""
