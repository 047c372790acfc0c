"""The user's settings of pip, for uv, which does not read them."""

from __future__ import annotations

import re

# pip's names and the variables by which uv knows the same.
_UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
_SETTING = re.compile(r"^(\S+?)\.([\w-]+)='(.*)'$", re.MULTILINE)


def uv_variables(listed: str) -> dict[str, str]:
    """uv's environment variables for what `pip config list` printed."""
    found = _SETTING.findall(listed)
    # For pip the environment is above its files; the later of two entries counts here.
    found.sort(key=lambda entry: entry[0] == ":env:")
    variables: dict[str, str] = {}
    for _, name, value in found:
        if uv_name := _UV_NAMES.get(name.removeprefix("default-")):
            separator = "," if uv_name == "UV_FIND_LINKS" else " "
            # Lists stand on lines of their own in pip's files.
            variables[uv_name] = separator.join(value.replace("\\n", " ").split())
    if "UV_INDEX" in variables:
        # All indexes count alike for pip; uv would take the first that has a name.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables
