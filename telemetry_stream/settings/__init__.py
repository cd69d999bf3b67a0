"""All settings: their table, the check of one value, and how they are loaded.

The program loads them; an embedding program builds ``Settings`` itself. In both cases an invalid value is one
``SettingsError`` of one line. Only ``cli``, ``app`` and ``assembly`` read the settings; the other parts get plain
values.
"""

from .loading import load, unknown_variables
from .table import Settings, listed
from .validation import SettingsError

__all__ = ["Settings", "SettingsError", "listed", "load", "unknown_variables"]
