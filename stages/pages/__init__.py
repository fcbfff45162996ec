"""What people look at: the report, the proposal browser, the data check, comparisons."""
