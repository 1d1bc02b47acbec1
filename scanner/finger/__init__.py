"""The package of ``mxsweep finger``: one destination, with the options, log lines and exit status of posttls-finger."""
