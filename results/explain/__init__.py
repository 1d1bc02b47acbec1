"""Explanations of verdicts: the cause of a verdict, and the changes that repair a failing MX host."""
