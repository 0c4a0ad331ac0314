import pytest
import torch
from timm.layers.attention import Attention
from timm.layers.attention_pool import AttentionPoolLatent
from timm.models.eva import EvaAttention
from torch import Tensor, nn

from tests.encoders.small_models import scramble
from trmml.encoders.value_path import attention_value_path, pool_value_path

ATTENTIONS = {
    "torch": lambda: nn.MultiheadAttention(8, 2, batch_first=True),
    "torch without bias": lambda: nn.MultiheadAttention(8, 2, bias=False, batch_first=True),
    "timm": lambda: Attention(8, 2, qkv_bias=True),
    "timm without bias": lambda: Attention(8, 2, proj_bias=False),
    "timm with an inner norm": lambda: Attention(8, 2, scale_norm=True, norm_layer=nn.LayerNorm),
    "eva": lambda: EvaAttention(8, 2, scale_norm=False),
    "eva with an inner norm": lambda: EvaAttention(8, 2, norm_layer=nn.LayerNorm),
    "eva without bias": lambda: EvaAttention(8, 2, qkv_bias=False, scale_norm=False),
    "eva in three": lambda: EvaAttention(8, 2, qkv_fused=False, scale_norm=False),
}


def alone(layer: nn.Module, x: Tensor) -> Tensor:
    sequences = x.reshape(-1, 1, x.shape[-1])
    if isinstance(layer, nn.MultiheadAttention):
        out = layer(sequences, sequences, sequences)[0]
    else:
        out = layer(sequences)
    return out.reshape(*x.shape[:2], -1)


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_it_is_the_layer_on_sequences_of_one_position(kind: str):
    layer = scramble(ATTENTIONS[kind]()).double()
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(attention_value_path(layer, x), alone(layer, x))


@pytest.mark.parametrize("options", [{}, {"qkv_bias": False}, {"norm_layer": nn.LayerNorm}])
def test_a_pool_gives_what_it_gives_an_image_of_one_position(options: dict):
    pool = scramble(AttentionPoolLatent(8, num_heads=2, **options)).double()
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(pool_value_path(pool, x), alone(pool, x))


def test_a_pool_without_an_mlp():
    pool = scramble(AttentionPoolLatent(8, out_features=0, num_heads=2)).double()
    x = torch.randn(2, 5, 8, dtype=torch.float64)
    torch.testing.assert_close(pool_value_path(pool, x), alone(pool, x))
