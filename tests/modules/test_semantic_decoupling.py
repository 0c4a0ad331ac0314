import pytest
import torch

from tests._references import semantic_graph as reference
from trmml.modules import GatedGraph, SemanticDecoupling, semantic_decoupling


def test_features_of_classes_match_the_loops() -> None:
    decoupling = SemanticDecoupling(4, 3, hidden=5).double()
    features, words = torch.randn(2, 6, 4).double(), torch.randn(3, 3).double()
    found, energy = decoupling(features, words)
    layers = (decoupling.position, decoupling.word, decoupling.score)
    for image in range(2):
        expected = torch.stack(reference.decoupled(features[image], words, *layers))
        torch.testing.assert_close(found[image], expected)
    torch.testing.assert_close(energy.softmax(dim=-1) @ features, found)


def test_in_blocks_it_is_the_same_with_the_same_gradients(monkeypatch) -> None:
    decoupling = SemanticDecoupling(4, 3, hidden=5).double()
    features, words = torch.randn(5, 6, 4).double(), torch.randn(3, 3).double()
    results = []
    for cached, kept in ((2**21, 2**27), (1, 2**27), (1, 1)):
        monkeypatch.setattr(semantic_decoupling, "MOST_IN_CACHE", cached)
        monkeypatch.setattr(semantic_decoupling, "MOST_AT_ONCE", kept)
        decoupling.zero_grad()
        found, _ = decoupling(features, words)
        found.square().sum().backward()
        results.append([found.detach(), *(p.grad for p in decoupling.parameters())])
    for found in zip(*results, strict=True):
        torch.testing.assert_close(found[1], found[0])
        torch.testing.assert_close(found[2], found[0])


@pytest.mark.parametrize("steps", [1, 3])
def test_classes_hear_from_each_other_as_the_letters_say(steps: int) -> None:
    graph = GatedGraph(4, steps=steps).double()
    state, links = torch.randn(2, 3, 4).double(), torch.rand(3, 3).double()
    found = graph(state, links)
    for image in range(2):
        h = list(state[image])
        for _ in range(steps):
            h = reference.gated_step(h, links, graph)
        torch.testing.assert_close(found[image], torch.stack(h))


def test_without_links_each_class_is_alone() -> None:
    graph, state = GatedGraph(4), torch.randn(2, 3, 4)
    whole = graph(state, torch.zeros(3, 3))
    torch.testing.assert_close(graph(state[:, :1], torch.zeros(1, 1)), whole[:, :1])


def test_gradients_and_nothing_of_no_images() -> None:
    decoupling, graph = SemanticDecoupling(3, 2, hidden=4).double(), GatedGraph(3).double()
    features = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    words, links = torch.randn(2, 2).double(), torch.rand(2, 2).double()
    torch.autograd.gradcheck(lambda f: graph(decoupling(f, words)[0], links), [features])
    assert graph(decoupling(features[:0], words)[0], links).shape == (0, 2, 3)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="`hidden` must be at least 1, got 0"):
        SemanticDecoupling(3, 2, hidden=0)
    with pytest.raises(ValueError, match="`steps` must be at least 1, got 0"):
        GatedGraph(3, steps=0)
