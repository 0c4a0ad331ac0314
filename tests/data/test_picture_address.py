import io
import multiprocessing
import socket

import numpy as np
import pytest
from PIL import Image

from tests.data.loopback_pictures import loopback_pictures
from trmml.data import BrokenImageError, fetch_picture

PIXELS = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def server():
    with loopback_pictures(png()) as address:
        yield address


@pytest.mark.parametrize("name", ["picture.png", "moved"])
def test_a_picture_arrives_whole_also_where_it_has_moved(server, name):
    picture = fetch_picture(f"{server}/{name}")
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), PIXELS)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "the server says 404 Not Found"),
        ("page", "not an image, or in a format that is not known"),
        ("to-a-file", "'file:///etc/hosts' is not allowed"),
        ("to-ftp", "cannot be fetched: unknown url type: ftp"),
        ("round", "the server says 302 .*infinite loop"),
    ],
)
def test_what_is_no_picture_is_named_with_the_reason(server, name, reason):
    with pytest.raises(BrokenImageError, match=f"(?s)^{server}/{name}: .*{reason}"):
        fetch_picture(f"{server}/{name}")


@pytest.mark.parametrize("name", ["slow", "silent"])
def test_neither_the_whole_nor_a_part_may_take_too_long(server, name):
    with pytest.raises(BrokenImageError, match=r"within 0.2 s"):
        fetch_picture(f"{server}/{name}", seconds=0.2)


def test_what_is_too_large_is_refused(server):
    size = len(png())
    assert fetch_picture(f"{server}/picture.png", most_bytes=size).size == (8, 6)
    with pytest.raises(BrokenImageError, match=f"larger than {size - 1} bytes"):
        fetch_picture(f"{server}/picture.png", most_bytes=size - 1)


@pytest.mark.parametrize("address", ["file:///etc/hosts", "ftp://127.0.0.1/a.png", "/etc/hosts"])
def test_other_protocols_are_not_spoken(address):
    with pytest.raises(BrokenImageError, match="must begin with http:// or https://"):
        fetch_picture(address)


def test_a_server_that_is_not_there_is_an_unreadable_picture():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(BrokenImageError, match=r"cannot be fetched: .*refused"):
        fetch_picture(f"http://127.0.0.1:{port}/a.png")
    with pytest.raises(BrokenImageError, match="cannot be fetched"):
        fetch_picture("http://[::1/a.png")


def test_the_address_survives_the_way_from_a_worker():
    error = BrokenImageError("https://example.org/a.png", "is gone")
    receiver, sender = multiprocessing.Pipe()
    sender.send(error)
    assert str(receiver.recv()) == "https://example.org/a.png: is gone"
