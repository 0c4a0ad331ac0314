"""Complete missing labels at a promised precision, and count what was promised and what came."""

import torch

from trmml import CalibratedPseudoLabeler

generator = torch.Generator().manual_seed(0)
often = torch.rand(20, generator=generator) * 0.25 + 0.02
truth = torch.where(torch.rand(3000, 20, generator=generator) < often, 1, -1)
known = torch.where(torch.rand(3000, 20, generator=generator) < 0.2, truth, 0)
# Half of the known labels are kept from whatever gives the evidence: here, from nobody.
withheld = torch.where(torch.rand(3000, 20, generator=generator) < 0.5, known, 0)
# Two models see the truth through noise of their own, on scales of their own.
evidence = truth + torch.randn(2, 3000, 20, generator=generator)
evidence[1] *= 30

labeler = CalibratedPseudoLabeler(20, num_evidence=2).fit(evidence, withheld)
print(labeler.report())
completed = labeler(evidence, known, present=0.9, absent=0.98)
for sign, name, promise in ((1, "positives", 0.9), (-1, "negatives", 0.98)):
    added = (completed == sign) & (known == 0)
    right = float((truth == sign)[added].double().mean())
    print(f"{int(added.sum()):,} {name} added, {promise:.0%} promised, {right:.1%} right")
