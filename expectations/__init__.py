"""Expectations (検査): Great Expectations suites per feed as data, and the step that sets bad rows apart.

Great Expectations is imported when the first batch is checked, never at import of this package.
"""
