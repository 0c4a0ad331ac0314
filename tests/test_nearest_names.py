from trmml.choices import nearest_names


def test_capital_letters_make_no_difference() -> None:
    assert nearest_names("vit-b-16", ["RN50", "ViT-B-16"]) == ["ViT-B-16"]
    assert nearest_names("RESNET50", ["resnet50", "zzz"]) == ["resnet50"]


def test_the_nearest_come_first_and_are_five_at_most() -> None:
    names = [f"resnet{size}" for size in (10, 18, 26, 34, 50, 101)]
    found = nearest_names("resnet51", names)
    assert found[0] == "resnet50"
    assert len(found) == 5
    assert nearest_names("resnet51", names, most=3) == found[:3]


def test_where_nothing_is_near_nothing_is_named() -> None:
    assert nearest_names("zzz", ["RN50", "RN101"]) == []
