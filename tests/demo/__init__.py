"""The demo: a scripted tour of a real register, which asserts every step and fails loudly."""
