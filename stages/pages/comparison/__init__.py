"""Runs and published results side by side: what they answer, their values, the tables and the plot."""
