"""Access control: tokens, logins, host names, origins and trusted proxies."""
