"""Who may use the server: tokens, logins, host names, origins and trusted proxies."""
