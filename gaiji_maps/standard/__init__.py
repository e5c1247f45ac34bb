"""The standard characters (文字情報基盤, MJ list 006.02): one credited data file and its look-ups.

The data in ``data/`` is CC BY-SA 2.1 JP and lies apart from the code; ``data/SOURCES.md`` says where it comes from.
What a font really draws is ``gaiji_maps.font_coverage``'s business.
"""
