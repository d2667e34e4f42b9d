"""Seeds of requests: counter-based, so that draws depend on what is asked, not on what else is."""

import hashlib

_BITS = 62


def request_seed(*parts: int | str) -> int:
    """A number in [0, 2^62) that depends on the parts alone.

    Example:
        >>> request_seed("rollout", 0, 7) == request_seed("rollout", 0, 7)
        True
        >>> request_seed("rollout", 0, 7) == request_seed("rollout", 1, 7)
        False
    """
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _BITS)
