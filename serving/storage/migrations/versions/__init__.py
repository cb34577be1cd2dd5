"""The steps, one file each; a published step is never edited."""
