"""Signed forms of licenses and of what the register publishes about them: bytes in, values out, and back.

Nothing here knows a database, a clock or a private key: time, randomness and the `Signer` are passed in.
Every reader is strict, bounded and total: it answers with a value, or raises MalformedError or
SignatureError, whatever it is fed.
"""
