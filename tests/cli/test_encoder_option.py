from pathlib import Path

import pytest

from trmml.cli.encoder_option import named_encoder, open_encoders
from trmml.encoders import EncoderPair, EncoderSource, load_tiny
from trmml.training import EncoderConfig

OWN = "from trmml.encoders import load_tiny as load_pair"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[EncoderSource]:
    """What would be loaded; nothing is downloaded."""
    asked: list[EncoderSource] = []

    def load(config: EncoderConfig) -> EncoderPair:
        asked.append(config.source)
        return load_tiny()

    monkeypatch.setattr(EncoderConfig, "load", load)
    return asked


def test_a_download_is_told_before_it_begins(
    loaded: list[EncoderSource], capsys: pytest.CaptureFixture[str]
) -> None:
    open_encoders("ViT-B-16", quiet=False)
    said = capsys.readouterr().err
    assert "ViT-B-16" in said
    assert "downloaded from huggingface.co/timm/vit_base_patch16_clip_224.openai" in said
    open_encoders("ViT-B-16", quiet=True)
    assert capsys.readouterr().err == ""
    assert loaded == [EncoderSource("open_clip", "ViT-B-16", "openai")] * 2


@pytest.mark.parametrize("text", ["tiny", "RN50:weights.pt"])
def test_nothing_is_told_where_nothing_is_downloaded(
    text: str, loaded: list[EncoderSource], capsys: pytest.CaptureFixture[str]
) -> None:
    open_encoders(text, quiet=False)
    assert capsys.readouterr().err == ""
    assert len(loaded) == 1


def test_own_towers_come_from_a_file_and_runs_refuse_them(tmp_path: Path) -> None:
    file = tmp_path / "towers_of_the_option.py"
    file.write_text(OWN)
    assert open_encoders(f"{file}:load_pair", quiet=True).source.family == "tiny"
    with pytest.raises(ValueError, match="that a saved run can load again"):
        named_encoder(f"{file}:load_pair")


def test_what_own_towers_lack_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "towers_that_lack.py"
    file.write_text("import not_there")
    with pytest.raises(ValueError, match=r"`--encoder` .*: No module named 'not_there'\."):
        open_encoders(f"{file}:load_pair", quiet=True)
