"""What a person sees of all resources at once: the command ``status``."""
