"""From the vendor's server to an Arrow table: SFTP pull, completeness, the encrypted vault, charsets, parsing.

What the characters mean (外字) and whether a row is good is decided later, in ``transforms`` and ``expectations``.
"""
