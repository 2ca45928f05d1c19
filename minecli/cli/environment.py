"""What the result was computed with; it lives in `minecli.runtime.environment`, for Python needs it as well."""

from minecli.runtime.environment import LIBRARIES, environment_facts, version_of

__all__ = ["LIBRARIES", "environment_facts", "version_of"]
