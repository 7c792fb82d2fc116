"""Logs as lines of JSON: `panel serve explorer/app.py --setup explorer/json_log.py`."""

from __future__ import annotations

import logging


def install() -> None:
    """Let every log handler that there is write one JSON object a line.

    Its keys are time (ISO 8601, UTC), level, logger, message and, of errors, exc_info.
    """
    from pythonjsonlogger.json import JsonFormatter

    formatter = JsonFormatter(
        "%(levelname)s %(name)s %(message)s", timestamp="time",
        rename_fields={"levelname": "level", "name": "logger"},
    )  # fmt: skip
    known = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    for handler in {handler for logger in (logging.root, *known) for handler in logger.handlers}:
        handler.setFormatter(formatter)


if __name__ == "panel_setup_module":  # as which the server runs the file
    install()
