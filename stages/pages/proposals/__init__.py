"""A static page to look through mined proposals: small files that a browser loads as they are needed."""
