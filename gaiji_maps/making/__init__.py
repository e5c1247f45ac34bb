"""Glyph making (作字): the municipality's own font, for characters that no standard font has.

Outlines come from the vendor's font, from dots or from a drawing, are kept as reviewed SVG files, and become one
TrueType font at code points of plane 15. Never from IPAmj明朝: a font derived from it would carry duties of its licence.
"""
