"""``mxsweep finger``: one destination, with posttls-finger's options, words and exit status."""
