import json

from trmml.models import METHODS


def test_all_methods_are_listed(run):
    status, out, err = run("methods")
    assert (status, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.split() == ["method", "year", "what", "learns", "parameters", "regions", "paper"]
    assert [line.split()[0] for line in lines] == [*METHODS]
    assert lines[0].endswith("TRM-ML, Ma et al., ACM Multimedia 2024")


def test_parameters_grow_with_the_classes(run):
    few, many = (
        {one["method"]: one for one in json.loads(run("methods", "--json", *more)[1])}
        for more in (["--num-classes", 2], ["--num-classes", 20])
    )
    assert few["coop"]["year"] == 2022
    assert few["zero-shot"]["parameters"] == many["zero-shot"]["parameters"] == 2
    assert few["dualcoop"]["parameters"] * 10 == many["dualcoop"]["parameters"]


def test_no_class_and_too_many_are_refused(run):
    for number in (0, 10_001):
        status, out, err = run("methods", "--num-classes", number)
        assert (status, out) == (2, "")
        assert "--num-classes" in err
