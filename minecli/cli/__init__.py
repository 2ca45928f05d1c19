"""The command line: parse, call, render. No numerics here."""
