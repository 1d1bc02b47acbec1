"""The directory that ``parts_large`` puts into PYTHONPATH."""
