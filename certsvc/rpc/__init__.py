"""The gRPC edge: servicers, the guard before them, and the one table of errors."""
