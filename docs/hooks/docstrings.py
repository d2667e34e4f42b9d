"""Docstrings as the site's parser wants them."""

import re
from typing import Any

from griffe import Extension, Object


class Docstrings(Extension):
    """Shows examples as code, and a bound as a bound rather than as a quotation."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Of one module, class, function or attribute."""
        if obj.docstring is not None:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)
            obj.docstring.value = re.sub(r"^( +\w+: )>= ", r"\1≥ ", text, flags=re.M)
