"""Plain values and functions that know nothing of Counterfoil: no Flask, no database, no settings."""
