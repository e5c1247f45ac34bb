"""The client of the family-register system (戸籍システム), and the judge of what it answers."""
