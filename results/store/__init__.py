"""The files of a run: how records become JSON lines and how lines become records again."""
