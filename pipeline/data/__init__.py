"""A user's own data on its way in: annotation files of three formats, photos, checks, the prepared index."""
