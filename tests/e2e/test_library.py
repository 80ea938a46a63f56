"""libpostern-tee as others meet it: installed, found by pkg-config, linked.

Goal: `make install` puts header, libraries, pkg-config file and man pages
where they belong; the example is built against the installed library, shared
and static, in C and the header in C++, and answers as cases.tsv says.
"""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
ROWS = [line.split("\t") for line in (VECTORS / "cases.tsv").read_text().splitlines()
        if line and not line.startswith("#")]
EXAMPLE = ROOT / "examples/verify/verify.c"


def run(*argv, **kwargs):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=600,
                          check=False, **kwargs)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(bindir, tmp_path_factory):
    """A DESTDIR with everything in /usr: made from the very build under test."""
    destdir = tmp_path_factory.mktemp("destdir")
    mode, build = bindir.parent.name, bindir.parent.parent
    run("make", "-s", "-j2", f"MODE={mode}", f"BUILD={build}", f"DESTDIR={destdir}",
        "PREFIX=/usr", "LIBDIR=/usr/lib/x86_64-linux-gnu", "install", cwd=ROOT)
    return destdir


@pytest.fixture(scope="module")
def pkg_config(installed):
    env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(installed), PKG_CONFIG_ALLOW_SYSTEM_CFLAGS="1",
               PKG_CONFIG_ALLOW_SYSTEM_LIBS="1",
               PKG_CONFIG_PATH=str(installed / "usr/lib/x86_64-linux-gnu/pkgconfig"))

    def ask(*args):
        return run("pkg-config", *args, "postern-tee", env=env).split()
    return ask


@pytest.fixture(scope="module")
def examples(installed, pkg_config, tmp_path_factory):
    """How the example is run, by the way it was linked."""
    out = tmp_path_factory.mktemp("example")
    lib = installed / "usr/lib/x86_64-linux-gnu"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run("gcc", *flags, *pkg_config("--cflags"), "-o", out / "shared", EXAMPLE,
        *pkg_config("--libs"))
    static = pkg_config("--static", "--libs")
    run("gcc", *flags, *pkg_config("--cflags"), "-o", out / "static", EXAMPLE,
        *[lib / "libpostern-tee.a" if a == "-lpostern-tee" else a for a in static
          if not a.startswith("-L")])
    return {"shared": (out / "shared", {"LD_LIBRARY_PATH": str(lib)}),
            "static": (out / "static", {})}


def test_installed_files(installed):
    files = {str(p.relative_to(installed)) for p in installed.rglob("*") if not p.is_dir()}
    lib = "usr/lib/x86_64-linux-gnu"
    for name in ["usr/include/postern/tee.h", f"{lib}/libpostern-tee.a",
                 f"{lib}/libpostern-tee.so", f"{lib}/libpostern-tee.so.0",
                 f"{lib}/libpostern-tee.so.0.1.0", f"{lib}/pkgconfig/postern-tee.pc",
                 "usr/share/man/man3/libpostern-tee.3", "usr/share/man/man1/postern-quote.1",
                 "usr/share/doc/postern/examples/verify/verify.c", "usr/bin/postern"]:
        assert name in files, name
    assert os.readlink(installed / lib / "libpostern-tee.so") == "libpostern-tee.so.0"
    assert os.readlink(installed / lib / "libpostern-tee.so.0") == "libpostern-tee.so.0.1.0"
    assert "@" not in (installed / lib / "pkgconfig/postern-tee.pc").read_text()
    for name in files:  # nothing points back into the build or the DESTDIR
        path = installed / name
        if path.is_symlink():
            assert not os.path.isabs(os.readlink(path)), name
        elif name.endswith((".pc", ".service")):
            assert str(installed) not in path.read_text(), name


def test_example_is_short():
    assert len(EXAMPLE.read_text().splitlines()) < 40


def test_linked_as_said(examples):
    shared = run("ldd", examples["shared"][0], env=dict(os.environ, **examples["shared"][1]))
    assert "libpostern-tee.so.0 =>" in shared and "not found" not in shared
    static = run("ldd", examples["static"][0])
    assert "postern" not in static and "libcrypto" in static


@pytest.mark.parametrize("how", ["shared", "static"])
@pytest.mark.parametrize("row", ROWS, ids=[f"{r[0].split('/')[1]}@{r[2]}" for r in ROWS])
def test_example_answers(examples, how, row):
    quote, collateral, _, unix, want = row[:5]
    program, env = examples[how]
    done = subprocess.run([program, VECTORS / quote, VECTORS / collateral, unix], timeout=60,
                          capture_output=True, text=True, check=False, env=dict(os.environ, **env))
    accepted = want.startswith("ACCEPT")
    assert done.returncode == (0 if accepted else 1), done.stderr
    assert done.stdout.startswith("accepted: ok" if accepted else "refused: ")


def test_example_without_collateral(examples, tmp_path):
    program, env = examples["shared"]
    done = subprocess.run([program, VECTORS / ROWS[0][0], tmp_path, "0"], capture_output=True,
                          text=True, timeout=60, check=False, env=dict(os.environ, **env))
    assert done.returncode == 2 and "collateral-missing: root CRL: missing" in done.stderr


def test_example_takes_reports(examples):
    """A folder as AMD serves it; without a policy no report goes without a CRL."""
    program, env = examples["shared"]
    snp = ROOT / "tests/vectors/snp"
    done = subprocess.run([program, snp / "reports/milan_trustee.bin",
                           snp / "collateral/milan_trustee", "1719792000"], capture_output=True,
                          text=True, timeout=60, check=False, env=dict(os.environ, **env))
    assert done.returncode == 1 and done.stdout == "refused: collateral-missing\n", done.stderr


def test_header_in_cxx(pkg_config, examples, tmp_path):
    source = tmp_path / "main.cc"
    source.write_text('#include <postern/tee.h>\n#include <cstdio>\n'
                      'int main() { return std::puts(postern_tee_version()) < 0; }\n')
    run("clang++-14", "-Wall", "-Wextra", "-Werror", *pkg_config("--cflags"), "-o",
        tmp_path / "main", source, *pkg_config("--libs"))
    said = run(tmp_path / "main", env=dict(os.environ, **examples["shared"][1]))
    assert said.strip() == pkg_config("--modversion")[0]


def test_abi(bindir):
    assert "declared, versioned and shown" in run("tools/abi", bindir.parent, cwd=ROOT)
