"""How many voices there are and what each is like: spectral clustering over a sparse graph of nearest neighbours.

In hours of speech the neighbours of a window are the same words again, not the same voice: the graph falls into
islands that are no speakers. So at most SAMPLE windows, spread evenly over the recording, take part.
"""

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from numpy.typing import NDArray

from voxpersona.ports import Floats

Labels = NDArray[np.int64]
Doubles = NDArray[np.float64]

MAX_VOICES = 8
"""Most voices found without being told their number."""
SAMPLE = 2000
"""Most windows in the graph: all of them up to 25 minutes of speech."""
NEIGHBOURS = 0.04
"""Share of the windows each is joined to."""
SAME_VOICE = 0.79
"""Groups whose centres are closer than this cosine are one voice."""
MIN_VOICE = 4.0
"""Seconds of speech under which a third, fourth, ... voice is none."""
MIN_SECOND_VOICE = 1.5
"""Seconds of speech under which even the second voice is none."""

_DENSE = 200  # windows up to which the exact solver is as quick as the sparse one
_FEW = 5  # windows under which a gap between eigenvalues means nothing
_ROWS = 256  # rows of similarities held at a time


def voices(vectors: Floats, hop: float, *, number: int | None) -> Floats:
    """The middle of each voice among unit vectors, shape (voices, dimensions); `number` fixes how many, None estimates.

    `hop` is the seconds of speech one vector stands for. The same vectors always give the same voices.
    """
    count = len(vectors)
    if count <= SAMPLE:
        return _centres(vectors, _cluster(vectors, hop, number))
    sample = vectors[np.arange(SAMPLE) * count // SAMPLE]
    middles = _centres(sample, _cluster(sample, hop * count / SAMPLE, number))
    return _centres(vectors, np.asarray((vectors @ middles.T).argmax(axis=1), np.int64))


def _cluster(vectors: Floats, hop: float, number: int | None) -> Labels:
    """A group for each vector, shape (n,)."""
    if number is not None:
        return _spectral(vectors, min(number, len(vectors)))
    if len(vectors) < _FEW:
        return np.zeros(len(vectors), np.int64)
    return _merge(vectors, _spectral(vectors, None), hop)


def _centres(vectors: Floats, labels: Labels) -> Floats:
    """The unit mean of each group present, ascending by its label, shape (k, dimensions)."""
    means = np.stack([vectors[labels == name].mean(axis=0) for name in np.unique(labels)])
    unit: Floats = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    return unit


def _spectral(vectors: Floats, number: int | None) -> Labels:
    """Groups from the smallest eigenvectors of the normalised Laplacian of the neighbour graph.

    There are `number` of them, or as many as the eigenvalues have before their largest jump.
    """
    if number == 1:
        return np.zeros(len(vectors), np.int64)
    if len(vectors) < _FEW:
        return _kmeans(vectors.astype(np.float64), number or 1)
    wanted = min(max(MAX_VOICES, number or 0) + 1, len(vectors))
    values, axes = _smallest(_graph(vectors), wanted)
    number = number or int(np.argmax(np.diff(values))) + 1
    points = axes[:, :number]
    return _kmeans(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9), number)


def _graph(vectors: Floats) -> Any:
    """Cosine similarities (moved to 0..1) to the nearest neighbours, symmetric, each row scaled by its degree."""
    count = len(vectors)
    near = min(max(6, int(count * NEIGHBOURS)), count - 1)
    columns = np.empty((count, near), np.int32)
    weights = np.empty((count, near), np.float32)
    for at in range(0, count, _ROWS):
        similar = vectors[at : at + _ROWS] @ vectors.T
        best = np.argpartition(similar, count - near, axis=1)[:, count - near :]
        columns[at : at + _ROWS] = best
        weights[at : at + _ROWS] = np.take_along_axis(similar, best, axis=1)
    rows = np.arange(0, count * near + 1, near)
    graph = scipy.sparse.csr_matrix(((weights.ravel() + 1) / 2, columns.ravel(), rows), shape=(count, count))
    graph = (graph + graph.T) / 2
    degree = scipy.sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
    return (degree @ graph @ degree).tocsr()


def _smallest(graph: Any, wanted: int) -> tuple[Doubles, Doubles]:
    """The smallest eigenvalues of the Laplacian (ascending) and their vectors as columns.

    They are the largest of the scaled graph, which is what the sparse solver finds well.
    """
    count = graph.shape[0]
    if count <= max(_DENSE, 2 * wanted):
        values, axes = np.linalg.eigh(graph.toarray())
    else:
        first = np.random.default_rng(0).uniform(0.5, 1.5, count)  # given, or the result changes from run to run
        values, axes = scipy.sparse.linalg.eigsh(graph, k=wanted, which="LA", v0=first)
    order = np.argsort(-values)[:wanted]
    return np.asarray(1 - values[order]), np.asarray(axes[:, order])


def _kmeans(points: Doubles, number: int, *, starts: int = 10, rounds: int = 50) -> Labels:
    """Lloyd's algorithm from several seeded k-means++ starts; the tightest result wins."""
    random = np.random.default_rng(0)
    best, least = np.zeros(len(points), np.int64), np.inf
    for _ in range(starts if number > 1 else 0):
        middles = _spread(points, number, random)
        labels = np.full(len(points), -1)
        for _ in range(rounds):
            distances = _distances(points, middles)
            nearest = distances.argmin(axis=1)
            if np.array_equal(nearest, labels):
                break
            labels = nearest
            for group in np.unique(labels):
                middles[group] = points[labels == group].mean(axis=0)
        inertia = float(distances.min(axis=1).sum())
        if inertia < least:
            best, least = labels, inertia
    return best


def _spread(points: Doubles, number: int, random: np.random.Generator) -> Doubles:
    """k-means++: each next middle is drawn with the chance of its squared distance from those there are."""
    middles: Doubles = points[random.integers(len(points))][None]
    while len(middles) < number:
        chance = _distances(points, middles).min(axis=1)
        total = chance.sum()
        pick = random.choice(len(points), p=chance / total) if total > 0 else random.integers(len(points))
        middles = np.concatenate([middles, points[pick][None]])
    return middles


def _distances(points: Doubles, middles: Doubles) -> Doubles:
    """Squared distances, shape (points, middles)."""
    squares = (points**2).sum(axis=1)[:, None] + (middles**2).sum(axis=1) - 2 * points @ middles.T
    positive: Doubles = np.maximum(squares, 0.0)
    return positive


def _merge(vectors: Floats, labels: Labels, hop: float) -> Labels:
    """Join groups that are one voice, then groups too small to be one."""
    labels = labels.copy()
    while True:
        names, middles = np.unique(labels), _centres(vectors, labels)
        if len(names) == 1:
            return labels
        cosines = middles @ middles.T
        np.fill_diagonal(cosines, -1.0)
        left, right = divmod(int(cosines.argmax()), len(names))
        if cosines[left, right] <= SAME_VOICE:
            speech = np.array([(labels == name).sum() * hop for name in names])
            left = int(speech.argmin())
            right = int(cosines[left].argmax())
            if speech[left] >= (MIN_VOICE if len(names) > 2 else MIN_SECOND_VOICE):
                return labels
        labels[labels == names[left]] = names[right]
