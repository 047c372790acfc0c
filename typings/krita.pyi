# Krita's own module exists only inside Krita, and Krita 5.1 ships no types of it.
from typing import Any

def __getattr__(name: str) -> Any: ...
