"""What accounts did, row by row, with the moments each row happened and was known."""
