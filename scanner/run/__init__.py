"""The stages of a scan: examination of hosts and domains, the pipeline from input to output, and retry passes."""
