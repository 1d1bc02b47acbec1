"""Parts that the output formats share: words for codes, escapes, tables, terminal layout, OpenMetrics text."""
