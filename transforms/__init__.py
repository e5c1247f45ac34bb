"""Mapping (変換): vendors' characters, codes and dates into the columns of the data dictionary, on Arrow arrays."""
