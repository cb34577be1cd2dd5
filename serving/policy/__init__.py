"""The house rules as data: clauses, dated rules, the language they are written in, and their evaluation."""
