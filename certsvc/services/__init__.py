"""Use cases: one method a use case, one module a noun; they speak domain objects and know neither gRPC nor SQL."""
