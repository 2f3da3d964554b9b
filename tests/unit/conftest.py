"""kafka-python reads its schemas by a deprecated call when imported, and here a warning is an error."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka  # noqa: F401 (imported once, here)
