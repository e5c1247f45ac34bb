"""A test certification authority for user-authentication certificates (公的個人認証の模擬). Fictional people only."""
