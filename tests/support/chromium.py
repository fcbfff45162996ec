"""Pages in Chromium: as it builds them, and as a person would use them."""

import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

_BEFORE = """
(async () => {
  const log = [];
  const tried = (what) => { try { return what(); } catch (error) { return error; } };
  const see = (what) => new Promise((done) => setTimeout(() => { log.push(tried(what)); done(); }, 500));
  const find = (selector) => document.querySelector(selector);
  const change = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  await see(() => "loaded");
  try {
"""
_AFTER = """
  } catch (error) { log.push(String(error)); }
  document.body.append(Object.assign(document.createElement("pre"), { textContent: log.join("\\n") }));
})();
"""


def dom_in_chromium(page: Path, address: str, profile: Path) -> str:
    """The page as Chromium has built it; the test is skipped where there is no Chromium."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium on this machine: install one to test the pages")
    switches = ["disable-gpu", "disable-quic", "no-first-run", "disable-background-networking"]
    switches += ["no-sandbox", "disable-component-update", "disable-sync", f"user-data-dir={profile}"]
    switches += ["virtual-time-budget=20000", "dump-dom"]
    command = [browser, "--headless", *(f"--{switch}" for switch in switches), f"{page.as_uri()}#{address}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def driven(page: Path, script: str, work: Path, address: str = "") -> list[str]:
    """What a script sees that does what a person would, in a copy of the page's folder; `work` is for both.

    It calls `await see(() => value)` for each thing to write down, half a second after what it did before.
    """
    copy = shutil.copytree(page.parent, work / "driven") / page.name
    copy.with_name("drive.js").write_text(_BEFORE + script + _AFTER)
    html = copy.read_text().replace("</head>", '<script src="drive.js" defer></script></head>')
    copy.write_text(html)
    found = re.search(r"<pre>(.*)</pre>", dom_in_chromium(copy, address, work / "profile"), re.S)
    assert found, "the script did not come to its end"
    return unescape(found[1]).split("\n")[1:]
