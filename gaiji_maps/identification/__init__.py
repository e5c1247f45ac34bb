"""Identification (文字同定): a vendor's glyph in, all standard glyphs ranked by likeness out.

A ranking is material for a person. Nothing here decides that a character is a standard one, nor that none exists; that
is written down in the correspondence table (``gaiji_maps.correspondence``) by two people.
"""
