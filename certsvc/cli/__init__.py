"""The `certsvc` command: what people type, what they read, and the exit codes that scripts go by (docs/cli.md)."""
