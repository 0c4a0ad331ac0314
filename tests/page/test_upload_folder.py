import os
import subprocess
import sys
from pathlib import Path

import pytest

from trmml.page import upload_folder
from trmml.page.upload_folder import UploadFolder, server_folder

VARIABLE = "GRADIO_TEMP_DIR"


def write(path: Path, size: int = 10) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_old_uploads_go_and_examples_stay(tmp_path: Path) -> None:
    example = write(tmp_path / "a" / "example.png")
    folder = UploadFolder(tmp_path)
    upload = write(tmp_path / "b" / "upload.png", 30)
    assert folder.prune(age=60) == [30]
    assert upload.exists()
    assert folder.prune(age=-1) == []
    assert not upload.parent.exists()
    assert example.exists()


@pytest.mark.parametrize(("files", "size"), [(2, 100), (3, 10)], ids=["bytes", "number"])
def test_room_is_made_of_what_nobody_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, size: int
) -> None:
    monkeypatch.setattr(upload_folder, "MAX_BYTES", 250)
    monkeypatch.setattr(upload_folder, "MAX_FILES", 3)
    folder = UploadFolder(tmp_path)
    uploads = [write(tmp_path / str(number) / "photo.png", size) for number in range(files)]
    assert not folder.has_room(100)
    assert all(upload.exists() for upload in uploads)  # they are being looked at
    monkeypatch.setattr(upload_folder, "PRESSED_SECONDS", -1)
    assert folder.has_room(100)
    assert not any(upload.exists() for upload in uploads)


def test_the_folder_goes_with_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with server_folder() as first:
        write(first / "a" / "upload.png")
        process = first.parent
        assert process.parent == tmp_path
        assert os.environ[VARIABLE] == str(process)
        if os.name == "posix":
            assert process.stat().st_mode & 0o777 == 0o700
        with server_folder() as second:
            assert second.parent == process
        assert not second.exists()
        assert first.exists()
    assert os.environ[VARIABLE] == str(tmp_path)
    assert not [*tmp_path.iterdir()]


def test_what_a_killed_server_left_goes_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    script = (
        "import os\nfrom trmml.page.upload_folder import server_folder\n"
        "with server_folder() as folder:\n"
        "    (folder / 'private.jpg').write_bytes(b'x')\n"
        "    print(folder, flush=True)\n    input()\n    os._exit(9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        with server_folder():
            assert (left / "private.jpg").exists()  # it lives, and its folder is its own
        other.communicate("\n")
    assert (left / "private.jpg").exists()
    stranger = write(tmp_path / "trmml-pages" / "mine.txt")
    with server_folder():
        assert not left.parent.exists()
    assert [*tmp_path.iterdir()] == [stranger.parent]
