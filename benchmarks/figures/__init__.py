"""The pictures of `docs/method.md`, made from a finished run on the embedded world."""
