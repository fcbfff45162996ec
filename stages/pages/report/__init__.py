"""The page a person looks at: one HTML file that loads nothing from anywhere."""
