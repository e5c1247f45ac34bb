"""The family-register system (戸籍システム) of the fictional towns: strict about who asks, and nasty on demand."""
