"""The stages of a scan: examination of hosts and domains, the pipeline from input to sink, and retry passes."""
