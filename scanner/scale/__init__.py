"""A scan in many processes (``--dask``): its plan, its parts, the join of their reports, and the execution by Dask."""
