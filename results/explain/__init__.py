"""The causes of verdicts, and the changes that repair a failing MX host."""
