"""Java found, asked and its failures told."""

import pytest

from captioning.metrics.java import NotComputedError, java_version, run_java, wheel_folder


@pytest.mark.parametrize(("told", "version"), [("17.0.15", 17), ("1.8.0_352", 8), ("21", 21)])
def test_the_version_is_read(make_java, told, version):
    assert java_version(make_java(told)) == version


def test_no_java_is_told_with_what_helps():
    with pytest.raises(NotComputedError, match=r"no program no-such-java.*--java"):
        java_version("no-such-java")


def test_what_is_no_java_tells_no_version(make_java):
    with pytest.raises(NotComputedError, match="tells no version"):
        java_version(make_java("unknown"))


def test_of_a_failure_the_exception_is_told(make_java):
    does = "printf 'Loading\\njava.io.IOException: disk\\n\\tat x.y(z)\\n' >&2; exit 1"
    with pytest.raises(NotComputedError, match=r"^Java failed: java\.io\.IOException: disk$"):
        run_java([make_java(does=does)])


def test_a_failure_without_a_word_is_told(make_java):
    with pytest.raises(NotComputedError, match="it wrote nothing"):
        run_java([make_java(does="exit 3")])


def test_a_relative_path_holds_in_another_folder(make_java, tmp_path, monkeypatch):
    make_java(does="cat")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    assert run_java(["jdk/java"], "zoë", tmp_path / "elsewhere").stdout == "zoë"


def test_the_wheel_is_found_without_being_imported(wheel):
    assert wheel_folder("meteor", "meteor-1.5.jar") == wheel / "meteor"
    with pytest.raises(NotComputedError, match=r"none.jar .* pip install"):
        wheel_folder("meteor", "none.jar")
