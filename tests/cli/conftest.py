import shutil
import sys

import pytest

from tests.prediction.photographs import small_model, table_of, tiny_pair, write_pictures
from trmml.cli import main
from trmml.data import write_table
from trmml.encoders import compute_in


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A saved model, seven pictures of which none is damaged, and a table of their labels."""
    home = tmp_path_factory.mktemp("prepared")
    small_model().save_pretrained(home / "model")
    names = write_pictures(home / "photos")
    write_table(table_of(home / "photos", names), home / "labels.csv")
    return home


@pytest.fixture
def home(prepared, tmp_path, monkeypatch):
    """A copy of these to work in, as the current folder."""
    shutil.copytree(prepared, tmp_path / "home")
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `trmml` as the shell does; return status, standard output and standard error."""
    monkeypatch.setattr("trmml.models.saved_model.load_encoders", lambda *_, **__: tiny_pair())

    def command(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["trmml", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return stopped.value.code, printed.out, printed.err

    yield command
    compute_in(tiny_pair().image, "float32")  # all tests share it
