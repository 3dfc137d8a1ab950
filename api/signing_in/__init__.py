"""Signing in and out: by password, provider, token or cookie, and how often one may try."""
