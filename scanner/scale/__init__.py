"""A scan in many processes, on one machine or many: plan, parts, join, and their execution with Dask."""
