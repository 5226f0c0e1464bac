#!/usr/bin/env python3
"""spoken_code.py FIELDSYNC INVITING_HOME JOIN_OPTION…: two people with a spoken code between them.

One invites, the other types what the first screen shows; both confirm when the check words are the same."""
import subprocess
import sys


class Screen:
    """A command whose words on standard error are read as they come, and which is answered."""

    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.heard = ""

    def line_after(self, prompt):
        while prompt not in self.heard or "\n" not in self.heard[self.heard.index(prompt):]:
            self.hear()
        start = self.heard.index(prompt) + len(prompt)
        return self.heard[start:self.heard.index("\n", start)].strip()

    def wait_for(self, prompt):
        while prompt not in self.heard:
            self.hear()

    def hear(self):
        byte = self.process.stderr.read(1)
        if not byte:
            sys.exit(f"{self.name} ended: {self.heard}")
        self.heard += byte.decode(errors="replace")

    def type(self, text):
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()

    def end(self):
        output, errors = self.process.communicate()
        if self.process.returncode != 0:
            sys.exit(f"{self.name}: {self.process.returncode}: {self.heard}{errors.decode()}")
        print(output.decode().strip())


def main():
    tool, home, *options = sys.argv[1:]
    inviting = Screen("invite", tool, "invite", "--code", "--home", home)
    code = inviting.line_after("Code: ")
    joining = Screen("join", tool, "join", "--code", *options)
    joining.wait_for("Code: ")
    joining.type(code)
    there = joining.line_after("Check words: ")
    joining.type("y")
    here = inviting.line_after("Check words: ")
    if here != there:
        sys.exit(f"the check words differ: {here} and {there}")
    inviting.type("y")
    joining.end()
    inviting.end()


main()
