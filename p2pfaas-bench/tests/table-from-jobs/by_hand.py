"""The statistics of a table, written once more, without a look at how p2pfaas does it."""

import math

NORMAL_975 = 1.959963984540054


def mean(values):
    return math.fsum(values) / len(values)


def deviation(values):
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def student_tail(t, freedom):
    """P(T > t), t >= 0: the density of Student's law, with t = sqrt(freedom) * tan(angle), by Simpson's rule."""
    steps = 4000
    low, high = math.atan(t / math.sqrt(freedom)), math.pi / 2
    width = (high - low) / steps
    area = math.fsum(
        (1 if step in (0, steps) else 4 if step % 2 else 2) * math.cos(low + step * width) ** (freedom - 1)
        for step in range(steps + 1)
    )
    log_scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(math.pi) / 2
    return math.exp(log_scale) * area * width / 3


def student_975(freedom):
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if student_tail(middle, freedom) > 0.025 else (low, middle)
    return low


def interval(values, least=-math.inf, most=math.inf):
    """Student's, of independent values."""
    if len(values) < 2:
        return None
    half = student_975(len(values) - 1) * deviation(values) / math.sqrt(len(values))
    return [min(max(end, least), most) for end in (mean(values) - half, mean(values) + half)]


def ratio_values(parts):
    """What each batch of a run says of sum / weight, by the residuals of the ratio."""
    weight = mean([weight for _, weight in parts])
    ratio = math.fsum(part for part, _ in parts) / math.fsum(weight for _, weight in parts)
    return [ratio + (part - ratio * own) / weight for part, own in parts]


def ratio_interval(parts, least=0.0, most=math.inf):
    parts = [(part, weight) for part, weight in parts if weight > 0]
    return interval(ratio_values(parts), least, most) if len(parts) > 1 else None


def wilson(hits, trials):
    p, z2 = hits / trials, NORMAL_975**2
    middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_975 / (1 + z2 / trials) * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials**2))
    return [max(middle - half, 0.0), min(middle + half, 1.0)]


def fraction_interval(batches):
    """Of hits of trials within one run: of its batches, and at least Wilson's."""
    hits, trials = (sum(column) for column in zip(*batches))
    least = wilson(hits, trials)
    found = ratio_interval(batches, most=1.0) if trials >= 30 * len(batches) else None
    return [min(least[0], found[0]), max(least[1], found[1])] if found else least


def quantile_ranks(fraction, batches):
    """Between which the quantile of a run lies, by how many of each batch are below it."""
    count = sum(all_of_them for _, all_of_them in batches)
    reach = NORMAL_975 * math.sqrt(count * fraction * (1 - fraction))
    shares = ratio_interval(batches, least=-math.inf)
    reach = max(reach, count * (shares[1] - shares[0]) / 2) if shares else reach
    low, high = math.ceil(count * fraction - reach), math.ceil(count * fraction + reach)
    return (low, high) if low >= 1 and high <= count else None


def paired(differences):
    """Mean difference, its interval, d_z and p of the paired t-test."""
    middle, spread, count = mean(differences), deviation(differences), len(differences)
    largest = max(abs(difference) for difference in differences)
    if spread <= 1e-12 * largest:
        return {"difference": middle, "ci95": [middle, middle], "d_z": None, "p": 0.0 if largest > 0 else 1.0}
    p = 2 * student_tail(abs(middle) / spread * math.sqrt(count), count - 1)
    return {"difference": middle, "ci95": interval(differences), "d_z": middle / spread, "p": p}


def holm(p_values):
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, least = [0.0] * len(p_values), 0.0
    for before, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - before) * p_values[index]))
        adjusted[index] = least
    return adjusted


def steady_from(series):
    """MSER-5: the batch of five at which the others have the least standard error; None in the second half."""
    batches = [mean(series[at : at + 5]) for at in range(0, len(series) - 4, 5)]

    def error(first):
        rest = batches[first:]
        middle = mean(rest)
        return math.fsum((value - middle) ** 2 for value in rest) / len(rest) ** 2

    first = min(range(len(batches) - len(batches) // 10 + 1), key=error)
    return 5 * first if 2 * first <= len(batches) else None
