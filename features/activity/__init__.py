"""What an exchange tells the platform: tables as data, import with checks, and the lake they are kept in."""
