"""Makes recommenders.json: a small stream, and what both recommenders must give on it.

A plain reference in NumPy, in double precision, written from the formulas and independent of the
Swift code; hashes and random numbers follow their definitions. Run: python3 recommenders.py
"""
import json
import math
import os

import numpy as np

MASK = (1 << 64) - 1
SEED, K = 7, 8


def mix128(a, b):
    product = a * b
    return (product ^ product >> 64) & MASK


def wyhash(data, seed):
    s0, s1 = 0xA0761D6478BD642F, 0xE7037ED1A0B428DB
    word = lambda at, count: int.from_bytes(data[at : at + count], "little")
    state, at, left = seed ^ mix128(seed ^ s0, s1), 0, len(data)
    while left > 16:
        state = mix128(word(at, 8) ^ s1, word(at + 8, 8) ^ state)
        at, left = at + 16, left - 16
    a = b = 0
    if left >= 8:
        a, b = word(at, 8), word(at + left - 8, 8)
    elif left >= 4:
        a, b = word(at, 4), word(at + left - 4, 4)
    elif left > 0:
        a = data[at] << 16 | data[at + (left >> 1)] << 8 | data[at + left - 1]
    return mix128(s1 ^ len(data), mix128(a ^ s1, b ^ state))


def finalize(z):
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


class KeyedRandom:
    """SplitMix64."""

    def __init__(self, state):
        self.state = state

    @staticmethod
    def of_event(seed, purpose, partition, offset):
        key = (seed + purpose * 0xD1342543DE82EF95) & MASK
        return KeyedRandom(finalize(finalize(finalize(key) ^ partition) ^ offset))

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        return finalize(self.state)

    def index(self, bound):
        return self.next() * bound >> 64


def initial_row(kind, identifier, scale):
    hash_seed = mix128(SEED ^ 0x1D5, 0x9E3779B97F4A7C15)
    key = wyhash(identifier.encode(), hash_seed)
    random = KeyedRandom(mix128(key ^ kind, (0xD6E8FEB86659FD93 + kind) & MASK))
    row = []
    for _ in range(K):
        bits = random.next()
        total = sum(bits >> shift & 0xFFFF for shift in (0, 16, 32, 48))
        row.append((total - 131070) * scale / 37837.227)
    return np.array(row)


def make_stream(count=900, users=40, items=60):
    """Two groups of users with tastes for two halves of the items; deterministic."""
    random, events = KeyedRandom(20), []
    for n in range(count):
        user, item = random.index(users), int(items * (random.index(1000) / 1000) ** 2)
        if random.index(3) > 0:
            item = item // 2 * 2 + user % 2
        rating = 1 + (4 if item % 2 == user % 2 else 1) * random.index(1000) / 1000
        events.append([f"user-{user}", f"i{item}" * (1 + item % 9), round(rating, 2), n * 1000])
    return events


def explicit(events, rate=0.02, reg=0.05, bias_rate=0.1, bias_reg=0.02, decay=0.02, scale=0.1):
    users, items, P, Q, bu, bi, cu, ci = {}, {}, [], [], [], [], [], []
    ratings, errors = [], []
    for user, item, r, _ in events:
        if user not in users:
            users[user] = len(users)
            P.append(initial_row(1, user, scale)), bu.append(0.0), cu.append(0)
        if item not in items:
            items[item] = len(items)
            Q.append(initial_row(2, item, scale)), bi.append(0.0), ci.append(0)
        u, i = users[user], items[item]
        mean = np.mean(ratings) if ratings else 0.0
        spread = (np.std(ratings) if ratings else 0.0) or 1.0
        z = bu[u] + bi[i] + P[u] @ Q[i]
        if ratings:
            errors.append(np.clip(mean + spread * z, min(ratings), max(ratings)) - r)
        e = np.clip((r - mean) / spread - z, -5, 5)
        bu[u] += bias_rate / (1 + decay * cu[u]) * (e - bias_reg * bu[u])
        bi[i] += bias_rate / (1 + decay * ci[i]) * (e - bias_reg * bi[i])
        P[u], Q[i] = P[u] + rate * (e * Q[i] - reg * P[u]), Q[i] + rate * (e * P[u] - reg * Q[i])
        cu[u] += 1
        ci[i] += 1
        ratings.append(r)
    errors = np.array(errors)
    return {
        "rmse": math.sqrt((errors**2).mean()), "mae": np.abs(errors).mean(),
        "users.bias": bu, "items.bias": bi,
        "users.factors": np.ravel(P).tolist(), "items.factors": np.ravel(Q).tolist(),
    }


def implicit(events, L=4, v=0.8, negatives=12, rate=0.1, start=0.01, reg=0.002, scale=0.1,
             half_life=200.0):
    users, items = {}, {}
    P, Q, Y, sP, sQ, sY, history, seen = [], [], [], [], [], [], [], []
    decayed, hits, gains, reciprocal, popular, clock = [], [], [], [], [], 0

    def rank(scores, i, u):
        return 1 + sum(
            s > scores[i] or (s == scores[i] and j < i)
            for j, s in enumerate(scores) if j != i and j not in seen[u])

    for n, (user, item, _, _) in enumerate(events):
        if user in users and item in items and items[item] in seen[users[user]]:
            continue
        known = user in users
        if not known:
            users[user] = len(users)
            P.append(initial_row(1, user, scale)), sP.append(np.full(K, start))
            history.append([]), seen.append(set())
        u = users[user]
        past = history[u][:L]
        x = P[u] + sum((v**g * Y[h] for g, h in enumerate(past)), np.zeros(K))
        if known and item in items:
            place = rank([x @ q for q in Q], items[item], u)
            now = [np.log2(d) for d in decayed]
            hits.append(place <= 10), reciprocal.append(1 / place)
            gains.append(1 / math.log2(1 + place) if place <= 10 else 0)
            popular.append(rank(now, items[item], u) <= 10)
        elif known:
            hits.append(0), gains.append(0), reciprocal.append(0), popular.append(0)
        if item not in items:
            items[item] = len(items)
            Q.append(initial_row(2, item, scale)), sQ.append(np.full(K, start))
            Y.append(initial_row(3, item, scale)), sY.append(np.full(K, start))
            decayed.append(0.0)
        i = items[item]
        seen[u].add(i)
        random = KeyedRandom.of_event(SEED, 2, 0, n)
        drawn = [random.index(len(items)) for _ in range(negatives)]
        candidates = [i] + [j for j in drawn if j not in seen[u]]
        scores = np.array([x @ Q[j] for j in candidates])
        softmax = np.exp(scores - scores.max())
        errors = -softmax / softmax.sum()
        errors[0] += 1
        gradient = np.zeros(K)

        def adagrad(rows, sums, row, g):
            sums[row] = sums[row] + g * g
            rows[row] = rows[row] + rate * g / np.sqrt(sums[row])

        for j, e in zip(candidates, errors):
            gradient += e * Q[j]
            adagrad(Q, sQ, j, e * x - reg * Q[j])
        adagrad(P, sP, u, gradient - reg * P[u])
        for g, h in enumerate(past):
            adagrad(Y, sY, h, v**g * (gradient - reg * Y[h]))
        history[u].insert(0, i)
        decayed[i] += 2 ** (clock / half_life)
        clock += 1
    return {
        "recall@10": float(np.mean(hits)), "ndcg@10": float(np.mean(gains)),
        "mrr": float(np.mean(reciprocal)), "popularity.recall@10": float(np.mean(popular)),
        "scored": len(hits), "users.factors": np.ravel(P).tolist(),
        "items.factors": np.ravel(Q).tolist(), "context.factors": np.ravel(Y).tolist(),
    }


if __name__ == "__main__":
    stream = make_stream()
    result = {"events": stream, "explicit": explicit(stream), "implicit": implicit(stream)}
    rounded = json.loads(json.dumps(result), parse_float=lambda text: float(f"{float(text):.9g}"))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recommenders.json")
    with open(path, "w") as file:
        json.dump(rounded, file, separators=(",", ":"))
        file.write("\n")
