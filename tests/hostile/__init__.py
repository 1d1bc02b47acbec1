"""Attacks of our own: hostile servers, zones and certificates, and their effect on a scan of good domains."""
