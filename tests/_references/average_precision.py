"""Average precision with loops over ranks, one class at a time, as written in the definitions."""

import math


def ranked(scores, t, ties):
    # t: 1 positive, 0 negative, None left out
    rows = [r for r in range(len(t)) if t[r] is not None]
    second = {"pessimistic": lambda r: t[r], "optimistic": lambda r: -t[r], "stable": lambda _: 0}
    return sorted(rows, key=lambda r: (-scores[r], second[ties](r)))


def prec(t, order, r):
    return sum(t[order[s]] for s in range(r)) / r


def plain(scores, t, ties):
    order = ranked(scores, t, ties)
    P = sum(t[r] for r in order)
    if P == 0:
        return math.nan
    total = 0.0
    for r in range(1, len(order) + 1):
        if t[order[r - 1]] == 1:
            total += prec(t, order, r)
    return total / P


def interpolated(scores, t, ties):
    order = ranked(scores, t, ties)
    P = sum(t[r] for r in order)
    if P == 0:
        return math.nan
    recalls, precisions = [0.0], [0.0]
    for r in range(1, len(order) + 1):
        recalls.append(sum(t[order[s]] for s in range(r)) / P)
        precisions.append(prec(t, order, r))
    recalls.append(1.0)
    precisions.append(0.0)
    for i in range(len(precisions) - 2, -1, -1):
        precisions[i] = max(precisions[i], precisions[i + 1])
    return sum((recalls[i + 1] - recalls[i]) * precisions[i + 1] for i in range(len(recalls) - 1))


def grouped(scores, t):
    rows = [r for r in range(len(t)) if t[r] is not None]
    P = sum(t[r] for r in rows)
    if P == 0:
        return math.nan
    area, recall_before = 0.0, 0.0
    for threshold in sorted({scores[r] for r in rows}, reverse=True):
        chosen = [r for r in rows if scores[r] >= threshold]
        true = sum(t[r] for r in chosen)
        area += (true / P - recall_before) * true / len(chosen)
        recall_before = true / P
    return area


def average_precision(scores, labels, definition, unknown, ties):
    target = {1: 1, -1: 0, 0: None if unknown == "exclude" else 0}
    values = []
    for c in range(len(scores[0])):
        s = [row[c] for row in scores]
        t = [target[int(row[c])] for row in labels]
        if definition == "plain":
            values.append(plain(s, t, ties))
        elif definition == "interpolated":
            values.append(interpolated(s, t, ties))
        else:
            values.append(grouped(s, t))
    return values
