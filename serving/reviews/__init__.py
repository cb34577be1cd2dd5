"""Reviews: cases a person decides, from opening to closing; knows no framework and no storage."""
