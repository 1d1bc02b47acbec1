"""What differs between runs, and between a run and the same run judged again."""
