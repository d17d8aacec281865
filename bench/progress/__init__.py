"""What a person sees while a command works, and how he stops it: bars, the terminal, signals."""
