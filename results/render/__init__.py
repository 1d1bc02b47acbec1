"""What every output format shares: words for codes, escaping, tables, terminal layout, OpenMetrics text."""
