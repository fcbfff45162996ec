"""What users read and look at: report, browser of proposals, inspection, comparison, data check."""
