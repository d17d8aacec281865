"""Files that survive a kill: replaced atomically, locked, cached with a check sum, checked by hash."""
