"""Importing a register's file: reading it, mapping its columns, sending its rows once, and saying what was refused."""
