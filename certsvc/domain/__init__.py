"""The rules of the register: pure values and functions, without I/O, clock or randomness."""
