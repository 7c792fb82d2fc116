"""What axe finds on a page."""

import pytest

# In panel-material-ui itself, by rule and a part of the HTML: its signs for help.
THEIRS = (("aria-prohibited-attr", 'sx="[object Object]"'),)


def serious_findings(page):
    """Return what axe finds serious or critical and is ours; skip the test without axe."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in axe.run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
        if not any(rule == violation["id"] and part in node["html"] for rule, part in THEIRS)
    ]
