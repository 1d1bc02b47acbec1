"""A scan in many processes (``--dask``): division into parts, jobs of Dask workers, and merging of the results."""
