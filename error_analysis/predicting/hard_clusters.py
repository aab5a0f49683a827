"""Clusters of hard queries by what their captions say: k-means on TF-IDF vectors."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer

from error_analysis.reasons.words import content_words, whole_words
from information_retrieval.ranking.query_ranks import Direction
from preprocess.captions.split_file import Split

N_WORDS = 6
N_EXAMPLES = 3
TEXT_WIDTH = 90


@dataclass(frozen=True)
class Cluster:
    """Hard queries that say about the same.

    Attributes:
        words: the heaviest of the centre.
        members: (n,) int64, the queries, nearest to the centre first: the most typical ones.
    """

    words: tuple[str, ...]
    members: np.ndarray


@dataclass(frozen=True)
class HardClusters:
    """The clusters of the hard queries of one direction, largest first.

    Attributes:
        without_words: (n,) int64, hard queries that have no content word, and so no cluster.
    """

    clusters: tuple[Cluster, ...]
    without_words: np.ndarray


def query_texts(gallery: Split, direction: Direction) -> list[str]:
    """Return what each query says: the caption (t2i), or all captions of the image (i2t)."""
    if direction == "t2i":
        return list(gallery.captions)
    return [" ".join(c.caption for c in image.captions) for image in gallery.images]


def cluster_queries(
    texts: Sequence[str], chosen: np.ndarray, n_clusters: int, seed: int = 0
) -> HardClusters:
    """Cluster the chosen queries.

    Args:
        texts: of all queries of the direction, which tell how common each word is.
        chosen: (n_chosen,) int64, the hard queries; may be none.
        n_clusters: fewer are made where there are not two different texts for each.
        seed: of k-means, whose best of 10 starts is kept.
    """
    has_words = np.array([bool(content_words(texts[i])) for i in chosen.tolist()], bool)
    without, chosen = chosen[~has_words], chosen[has_words]
    if not len(chosen):
        return HardClusters((), without)
    vectorizer = TfidfVectorizer(analyzer=content_words).fit(texts)
    vectors = vectorizer.transform([texts[i] for i in chosen.tolist()])
    n_different = len({tuple(sorted(content_words(texts[i]))) for i in chosen.tolist()})
    kmeans = KMeans(min(n_clusters, (n_different + 1) // 2), n_init=10, random_state=seed).fit(
        vectors
    )
    distances = kmeans.transform(vectors)  # (n_chosen, n_clusters)
    words = whole_words(texts)
    vocabulary = [words[own] for own in vectorizer.get_feature_names_out()]
    clusters = []
    for label, centre in enumerate(kmeans.cluster_centers_):
        members = np.flatnonzero(kmeans.labels_ == label)
        nearest = members[np.argsort(distances[members, label], kind="stable")]
        heaviest = np.argsort(-centre, kind="stable")[:N_WORDS]
        top = tuple(vocabulary[i] for i in heaviest if centre[i] > 0)
        clusters.append(Cluster(top, chosen[nearest]))
    return HardClusters(tuple(sorted(clusters, key=lambda c: -len(c.members))), without)


def typical_texts(cluster: Cluster, texts: Sequence[str]) -> list[str]:
    """Return the different texts nearest to the centre, at most three."""
    return list(dict.fromkeys(texts[i] for i in cluster.members.tolist()))[:N_EXAMPLES]


def clusters_to_text(found: HardClusters, texts: Sequence[str]) -> str:
    """Return each cluster's size, words and most typical queries as text."""
    lines = []
    for cluster in found.clusters:
        lines.append(f"  {_count(cluster.members)}: {', '.join(cluster.words)}")
        for text in typical_texts(cluster, texts):
            lines.append("      " + textwrap.shorten(text, TEXT_WIDTH, placeholder=" …"))
    if len(found.without_words):
        lines.append(f"  {_count(found.without_words)} without a content word")
    return "\n".join(lines)


def _count(queries: np.ndarray) -> str:
    return f"{len(queries):,} {'query' if len(queries) == 1 else 'queries'}"


def clusters_to_json(found: HardClusters, texts: Sequence[str], ids: np.ndarray) -> dict:
    """Return the clusters as JSON holds them.

    Args:
        ids: (n_queries,) int64, the caption id or image id of each query.
    """
    return {
        "clusters": [
            {
                "size": len(cluster.members),
                "words": list(cluster.words),
                "typical": typical_texts(cluster, texts),
                "ids": ids[cluster.members].tolist(),
            }
            for cluster in found.clusters
        ],
        "without_words": ids[found.without_words].tolist(),
    }
