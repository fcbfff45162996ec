"""A static page to browse mined proposals: small files that the page loads when they are needed."""
