"""Explanation of verdicts: the cause, and the changes that repair a failing MX host."""
