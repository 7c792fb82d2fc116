"""Look for published vulnerabilities in what is installed: `make audit`."""

import json
import subprocess
import sys

COMMAND = ["-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner=off", "-f=json"]


def main() -> int:
    """Print what was found; return 1 where there is a vulnerability, 0 also if nothing is known."""
    result = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True)
    if not result.stdout.strip():
        print("not audited: the service that knows of vulnerabilities did not answer")
        return 0
    packages = json.loads(result.stdout)["dependencies"]
    known = [package for package in packages if "skip_reason" not in package]
    for package in known:
        for each in package["vulns"]:
            fixed = ", ".join(each["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {each['id']}, fixed in {fixed}")
    print(
        f"audited {len(known)} of {len(packages)} packages; the others are unknown to the service"
    )
    return 1 if any(package["vulns"] for package in known) else 0


if __name__ == "__main__":
    sys.exit(main())
