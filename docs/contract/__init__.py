"""The contract with outside programs as it was last recorded, and what it is compared by."""
