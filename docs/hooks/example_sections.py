"""Shows the examples of docstrings as code: the parser knows `Examples:`, ours say `Example:`."""

import re
from typing import Any

from griffe import Extension, Object


class ExampleSections(Extension):
    """Renames the section while the site is built."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Of one module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.M
            )
