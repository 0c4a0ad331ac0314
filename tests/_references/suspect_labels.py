"""Which known labels are most likely wrong, cell by cell."""


def ranked(p: list[list[float]], y: list[list[int]]) -> list[tuple[int, int]]:
    """Return the known cells (i, c) by the probability of their label, ties as they stand."""
    cells = []
    for i in range(len(y)):
        for c in range(len(y[i])):
            if y[i][c] == 0 or p[i][c] != p[i][c]:
                continue
            q = p[i][c] if y[i][c] == 1 else 1 - p[i][c]
            cells.append((q, i, c))
    cells.sort(key=lambda cell: cell[0])
    return [(i, c) for _, i, c in cells]
