"""Who does what, when: single-flight, the examination of hosts and domains, the pipeline."""
