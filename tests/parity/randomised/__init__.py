"""The randomised part of the parity tests: random destinations, chains, TLSA records, SMTP scripts and options."""
