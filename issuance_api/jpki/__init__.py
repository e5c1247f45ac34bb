"""Who is asking (公的個人認証): verification of user-authentication certificates. No SQL and no web framework in here."""
