"""No package runs code that comes from data: no pickles, and nothing that is evaluated."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("data", "engine", "train", "explorer")
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "pandas"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen",
    "torch.hub.load", "torch.jit.load", "torch.package.PackageImporter",
}  # fmt: skip


def complaints(source):
    """Return what `source` does that data must not be trusted with, with its lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            for name in names:
                if (name or "").split(".")[0] in MODULES:
                    yield f"line {node.lineno} imports {name}"
        if isinstance(node, ast.Call):
            name, given = ast.unparse(node.func), {k.arg: k.value for k in node.keywords}
            truths = {
                k for k, v in given.items() if not (isinstance(v, ast.Constant) and not v.value)
            }
            is_wrong = (
                name in BUILTINS | CALLS
                or (name in ("np.load", "numpy.load") and "allow_pickle" in truths)
                or (name == "torch.load" and ("weights_only" not in truths))
                or "shell" in truths
            )
            if is_wrong:
                yield f"line {node.lineno} calls {name}"


FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_the_packages_are_found():
    assert len(FILES) > 100


@pytest.mark.parametrize("package", PACKAGES)
def test_no_code_comes_from_data(package):
    found = {
        str(path.relative_to(ROOT)): list(complaints(path.read_text(encoding="utf-8")))
        for path in FILES
        if path.relative_to(ROOT).parts[0] == package
    }
    assert {path: said for path, said in found.items() if said} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import cloudpickle.x", "eval('1')",
        "exec(text)", "yaml.load(text, Loader=yaml.Loader)", "np.load(p, allow_pickle=True)",
        "np.load(p, allow_pickle=flag)", "torch.load(p)", "torch.load(p, weights_only=False)",
        "subprocess.run(text, shell=True)", "os.system(text)",
    ],
)  # fmt: skip
def test_what_is_looked_for_is_found(source):
    assert list(complaints(source))


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(p, weights_only=True)", "np.load(p)", "np.load(p, allow_pickle=False)",
        "yaml.safe_load(text)", "model.eval()", "subprocess.run(words, shell=False)",
    ],
)  # fmt: skip
def test_what_is_harmless_passes(source):
    assert not list(complaints(source))
