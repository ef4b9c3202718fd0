"""Fixtures: a lab whose processes all end with the test."""
import os
import re

import pytest

import lab as lab_module


class Lab:
    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def daemon(self, name="primary", start=True, **kwargs):
        daemon = lab_module.Daemon(self.folder / name, **kwargs)
        self.started.append(daemon)
        return daemon.start() if start else daemon

    def secondary(self, kind, primary, zones, start=True, **kwargs):
        secondary = kind(self.folder, primary, zones, **kwargs)
        self.started.append(secondary)
        return secondary.start() if start else secondary

    def close(self):
        errors = []
        for part in reversed(self.started):
            try:
                part.stop()
            except AssertionError as e:
                errors.append(e)
        assert not errors, errors


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.close()


@pytest.hookimpl(tryfirst=True)  # before xdist looks for groups
def pytest_collection_modifyitems(config, items):
    """What takes long is for check-long: left out here, not skipped. Tests that share a fixture of their module stay with one
    worker, so that it is made once."""
    for item in items:
        shared = any(definition.scope == "module" for name in item.fixturenames
                     for definition in item.session._fixturemanager.getfixturedefs(name, item.nodeid) or ())
        if shared:
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    if not lab_module.LONG:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_report_header():
    return f"programs: {lab_module.BUILD}, peers: {lab_module.PEERS if lab_module.need_peers() else 'none'}"


class FailedTests:
    """Their names go into a file, a line each, for .ci/check to run them once more."""

    def __init__(self, path):
        self.path = path

    def pytest_runtest_logreport(self, report):
        if report.failed:
            with open(self.path, "a", encoding="utf-8") as names:
                names.write(re.sub(r"@test_\w+$", "", report.nodeid) + "\n")  # without xdist's group


def pytest_configure(config):
    path = os.environ.get("ZONECRIER_FAILED")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailedTests(path))
