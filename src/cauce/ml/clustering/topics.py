"""Latent Dirichlet allocation: topics of documents, online (variational) or by expectation maximisation.

Hoffman, Blei and Bach, "Online Learning for LDA" (2010), with the steps of MLlib's OnlineLDAOptimizer; and
Asuncion et al. (2009), with those of its EMLDAOptimizer. Documents are rows of word counts.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.special import digamma, gammaln, polygamma

from cauce.ml.vectors import shape_of

__all__ = ["Online", "bound", "expectation_maximisation", "online", "proportions"]

GAMMA_SHAPE = 100.0
CHANGE_MIN = 1e-3
INNER_ITERATIONS_MAX = 1000
TINY = 1e-100


@dataclass(frozen=True)
class Online:
    """How topics are learned: `sample` of the documents a step, steps shrink as (offset + step) ^ -decay."""

    iterations: int
    sample: float
    offset: float
    decay: float
    optimize_alpha: bool
    seed: int


def online(counts: sp.csr_array, alpha: np.ndarray, eta: float, how: Online) -> tuple[np.ndarray, np.ndarray]:
    """topics: (k, words) parameters of the topics' Dirichlet distributions; alpha: (k,) of the documents'."""
    random = np.random.default_rng(how.seed % 2**64)
    documents, words = shape_of(counts)
    topics = random.gamma(GAMMA_SHAPE, 1.0 / GAMMA_SHAPE, (len(alpha), words))
    for step in range(1, how.iterations + 1):
        drawn = (
            np.flatnonzero(random.random(documents) < how.sample)
            if how.sample < 1.0
            else np.arange(documents)
        )
        if not len(drawn):
            continue
        batch = sp.csr_array(counts[drawn])
        gamma, sums = _expected(batch, topics, alpha, random)
        rate = (how.offset + step) ** -how.decay
        topics = (1.0 - rate) * topics + rate * (sums * (documents / len(drawn)) + eta)
        if how.optimize_alpha:
            alpha = _alpha_step(alpha, _mean_logs(gamma).mean(axis=0), len(drawn), rate)
    return topics, alpha


def proportions(counts: sp.csr_array, topics: np.ndarray, alpha: np.ndarray, seed: int) -> np.ndarray:
    """(documents, k) the share of every topic; a document without words has none."""
    gamma, _ = _expected(counts, topics, alpha, np.random.default_rng(seed % 2**64))
    shares = gamma / gamma.sum(axis=1, keepdims=True)
    shares[np.diff(counts.indptr) == 0] = 0.0
    return shares


def bound(counts: sp.csr_array, topics: np.ndarray, alpha: np.ndarray, eta: float, seed: int) -> float:
    """The lower bound of the log-likelihood of the documents."""
    gamma, _ = _expected(counts, topics, alpha, np.random.default_rng(seed % 2**64))
    mean_theta, mean_beta = _mean_logs(gamma), _mean_logs(topics)
    rows = np.repeat(np.arange(shape_of(counts)[0]), np.diff(counts.indptr))
    each = mean_theta[rows] + mean_beta[:, counts.indices].T
    highest = each.max(axis=1)
    words = counts.data @ (highest + np.log(np.exp(each - highest[:, np.newaxis]).sum(axis=1)))
    of_documents = ((alpha - gamma) * mean_theta).sum() + (gammaln(gamma) - gammaln(alpha)).sum()
    of_documents += (gammaln(alpha.sum()) - gammaln(gamma.sum(axis=1))).sum()
    of_topics = ((eta - topics) * mean_beta).sum() + (gammaln(topics) - gammaln(eta)).sum()
    of_topics += (gammaln(eta * topics.shape[1]) - gammaln(topics.sum(axis=1))).sum()
    return float(words + of_documents + of_topics)


def expectation_maximisation(
    counts: sp.csr_array, alpha: np.ndarray, eta: float, iterations: int, seed: int
) -> tuple[np.ndarray, float, float]:
    """topics: (k, words) expected counts, the log-likelihood of the training, and the log of the prior."""
    random, k = np.random.default_rng(seed % 2**64), len(alpha)
    documents, words = shape_of(counts)
    rows = np.repeat(np.arange(documents), np.diff(counts.indptr))
    shares = random.dirichlet(np.ones(k), len(counts.data)) * counts.data[:, np.newaxis]
    by_word, by_document = _summed(shares, counts.indices, words), _summed(shares, rows, documents)
    for _ in range(iterations):
        totals = by_word.sum(axis=0)
        likely = (by_word[counts.indices] + eta - 1.0) * (by_document[rows] + alpha - 1.0)
        likely /= totals + (eta - 1.0) * words
        shares = likely / likely.sum(axis=1, keepdims=True) * counts.data[:, np.newaxis]
        by_word, by_document = _summed(shares, counts.indices, words), _summed(shares, rows, documents)
    phi = (by_word + eta - 1.0) / (by_word.sum(axis=0) + words * (eta - 1.0))
    theta = by_document + alpha - 1.0
    theta /= theta.sum(axis=1, keepdims=True)
    likelihood = counts.data @ np.log(np.einsum("ij,ij->i", phi[counts.indices], theta[rows]))
    prior = (eta - 1.0) * np.log(phi).sum() + ((alpha - 1.0) * np.log(theta)).sum()
    return by_word.T, float(likelihood), float(prior)


def _expected(
    counts: sp.csr_array, topics: np.ndarray, alpha: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """gamma: (documents, k) of the documents' distributions; and the topics' expected counts of words."""
    weights = np.exp(_mean_logs(topics))
    documents, k = shape_of(counts)[0], len(alpha)
    gamma = random.gamma(GAMMA_SHAPE, 1.0 / GAMMA_SHAPE, (documents, k))
    rows = np.repeat(np.arange(documents), np.diff(counts.indptr))
    words = weights[:, counts.indices].T
    moving = np.ones(documents, dtype=np.bool_)
    for _ in range(INNER_ITERATIONS_MAX):
        theta = np.exp(_mean_logs(gamma))
        norms = np.einsum("ij,ij->i", theta[rows], words) + TINY
        ratios = sp.csr_array((counts.data / norms, counts.indices, counts.indptr), shape=counts.shape)
        following = theta * (ratios @ weights.T) + alpha
        change = np.abs(following - gamma).mean(axis=1)
        gamma = np.where(moving[:, np.newaxis], following, gamma)
        moving &= change >= CHANGE_MIN
        if not moving.any():
            break
    theta = np.exp(_mean_logs(gamma))
    norms = np.einsum("ij,ij->i", theta[rows], words) + TINY
    ratios = sp.csr_array((counts.data / norms, counts.indices, counts.indptr), shape=counts.shape)
    return gamma, np.asarray((ratios.T @ theta).T) * weights


def _alpha_step(alpha: np.ndarray, mean_logs: np.ndarray, documents: int, rate: float) -> np.ndarray:
    """One step of Newton's method: Huang, "Maximum Likelihood Estimation of Dirichlet Parameters"."""
    gradient = documents * (digamma(alpha.sum()) - digamma(alpha) + mean_logs)
    common = documents * polygamma(1, alpha.sum())
    own = -documents * polygamma(1, alpha)
    shift = (gradient / own).sum() / (1.0 / common + (1.0 / own).sum())
    moved = alpha - rate * (gradient - shift) / own
    return moved if (moved > 0).all() else alpha


def _mean_logs(parameters: np.ndarray) -> np.ndarray:
    """The expected log of the shares under Dirichlet distributions, one a row."""
    return digamma(parameters) - digamma(parameters.sum(axis=1, keepdims=True))


def _summed(shares: np.ndarray, places: np.ndarray, count: int) -> np.ndarray:
    """Rows of `shares` added up by place."""
    chosen = sp.csr_array(
        (np.ones(len(places)), (places, np.arange(len(places)))), shape=(count, len(places))
    )
    return chosen @ shares
