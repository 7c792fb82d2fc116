"""What the audit of dependencies makes of an answer, and of none."""

import json
import subprocess

import pytest

from tests import audit

HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"]}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([{"name": "a", "version": "1.0", "vulns": [HOLE]}], 1, "a 1.0: PYSEC-1, fixed in 2.0"),
        ([{"name": "a", "version": "1.0", "vulns": []}], 0, "audited 1 of 1 packages"),
        ([{"name": "a", "skip_reason": "unknown"}], 0, "audited 0 of 1 packages"),
        (None, 0, "not audited"),
    ],
)
def test_holes_alone_fail_and_what_is_unknown_is_said(monkeypatch, capsys, packages, code, words):
    said = "" if packages is None else json.dumps({"dependencies": packages})
    result = subprocess.CompletedProcess([], 1, stdout=said)
    monkeypatch.setattr(subprocess, "run", lambda *given, **options: result)
    assert audit.main() == code
    assert words in capsys.readouterr().out
