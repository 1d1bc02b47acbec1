"""mxsweep's results: records on disk and on streams, and what people read of them."""
