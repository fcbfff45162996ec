"""What users look at: report, browser of proposals, inspection, comparison, data check."""
