"""A git repository of a test: nothing of the user's configuration, no clock."""
import os
import subprocess

from lab import PATIENCE

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.net", "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.net",
}


def git(folder, *argv, check=True, env=None, stdin=None):
    done = subprocess.run(["git", "-C", folder, *map(str, argv)], capture_output=True, text=True, input=stdin,
                          env={**ENVIRONMENT, **(env or {})}, timeout=60 * PATIENCE)
    if check:
        assert done.returncode == 0, f"git {argv}: {done.stdout}{done.stderr}"
    return done


class Worktree:
    """A clone to edit, commit and push in."""

    def __init__(self, folder, origin=None, init=()):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "-q", "-b", "main", *init)
        if origin:
            git(folder, "remote", "add", "origin", origin)

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, message="an edit"):
        """Everything there is, as a commit; returns its id."""
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "--no-verify", "-m", message)
        return self.head()

    def head(self):
        return git(self.folder, "rev-parse", "HEAD").stdout.strip()

    def push(self, *argv, check=True, env=None):
        return git(self.folder, "push", "-q", *(argv or ("origin", "main")), check=check, env=env)


def bare(folder, *argv):
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", "main", *argv)
    return folder
