"""What a record *is*: the data dictionary, typed records, code lists, wareki dates, check digits and the error tree.

Everything may import this room; it imports no other room and does no input or output beyond its own data files.
"""
