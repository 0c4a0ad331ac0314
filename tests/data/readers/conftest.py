import pytest

from trmml.data import load_table


@pytest.fixture
def read(tmp_path, photos):
    """Write a table, and read it; its images are the test module's own `photos`."""

    def read(content, *, name="labels.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_table(path, photos, **options)

    return read
