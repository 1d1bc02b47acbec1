"""The course of a scan: examination of hosts and domains, the pipeline from the list to the sink, and retry passes."""
