"""d = A x + b with a normal prior: posterior and maximum against the closed form."""

import math

import numpy as np
import pytest
import torch

from data.normalize import normalize
from engine.checkpoint import save_checkpoint
from engine.inverse import (
    Beam,
    BlockMean,
    Chain,
    Mask,
    Measurement,
    Observation,
    Physical,
    PosteriorTask,
    maximum,
)
from engine.inverse.posterior import time_of
from engine.inverse.solve import krylov_solve
from engine.networks.unet import UNet, UNetConfig
from engine.processes.ddpm import DDPM
from engine.processes.edm import EDM
from engine.processes.flow import FlowMatching
from engine.processes.indi import InDI
from engine.processes.pix2pix import Pix2Pix
from engine.processes.score_sde import ScoreSDE
from engine.samplers import SAMPLERS, Task
from engine.translator import Translator, TranslatorError

SIDE = 4
NOISE = 0.2
PLACES = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).double()
COVARIANCE = 1.2 * torch.exp(-torch.cdist(PLACES, PLACES) / 2)
MEAN = torch.sin(PLACES.sum(dim=1))
HOLE = torch.ones(SIDE, SIDE)
HOLE[1:3, 2:] = 0.0

PROCESSES = {
    "ddpm": DDPM(), "edm": EDM(), "flow": FlowMatching(), "indi": InDI(noise_level=1.0),
    "subvp": ScoreSDE("subvp"), "ve": ScoreSDE("ve"),
}  # fmt: skip
OPERATORS = {
    "mask": Mask(HOLE), "beam": Beam(1.5), "blocks": BlockMean(2),
    "chain": Chain((Beam(1.5), BlockMean(2))),
}  # fmt: skip


def maps(vectors):
    return vectors.reshape(-1, 1, SIDE, SIDE)


def network_of(process):
    """The exact network for x ~ N(MEAN, COVARIANCE), whatever y."""

    def network(stacked, time):
        moment = time[:1].double()
        a, b, s = (float(c) for c in process.path(moment))
        c_skip, c_out, c_in = (float(c) for c in process.precondition(moment))
        x_t, y = stacked[:, 0].flatten(1) / c_in, stacked[:, 1].flatten(1)
        marginal = a * a * COVARIANCE + s * s * torch.eye(SIDE**2)
        gain = (a * COVARIANCE @ torch.linalg.inv(marginal)).to(x_t)
        x_hat = MEAN.to(x_t) + (x_t - b * y - a * MEAN.to(x_t)) @ gain.T
        return maps((x_hat - c_skip * x_t) / (c_out or 1e-6))

    return network


def observe(operator):
    """Return data of a draw from the prior."""
    generator = torch.Generator().manual_seed(3)
    root = torch.linalg.cholesky(COVARIANCE)
    truth = MEAN + root @ torch.randn(SIDE**2, generator=generator).double()
    data = operator.forward(maps(truth))
    return data + NOISE * torch.randn(data.shape, generator=generator)


def matrix(operator):
    rows = operator.forward(maps(torch.eye(SIDE**2).double()))
    return rows.flatten(1).T


def condition(mean, covariance, operator, data):
    """Return mean and covariance of N(mean, covariance) given data, in closed form."""
    a = matrix(operator)
    gain = covariance @ a.T @ torch.linalg.inv(a @ covariance @ a.T + NOISE**2 * torch.eye(len(a)))
    return mean + gain @ (data.flatten() - a @ mean), covariance - gain @ a @ covariance


def posterior_task(process, operator, count, **options):
    generator, y = torch.Generator().manual_seed(0), torch.full((count, 1, SIDE, SIDE), 0.5)
    measurement = Measurement(observe(operator).float(), operator, NOISE)
    return PosteriorTask(process, network_of(process), y,
                         lambda: torch.randn(y.shape, generator=generator), measurement,
                         **{"iterations": SIDE**2, **options})  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("process", PROCESSES)
def test_every_estimate_is_the_mean_given_state_and_data(process, operator):
    """x given x_t is normal; conditioned on the data by hand."""
    process, operator = PROCESSES[process], OPERATORS[operator]
    task = posterior_task(process, operator, 2, largest_ratio=1e9)
    x = torch.randn(2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(5))
    for ratio in (10.0, 1.0, 0.1):
        time = time_of(process, ratio)
        a, b, s = (float(c) for c in process.path(torch.tensor(time, dtype=torch.float64)))
        marginal = a * a * COVARIANCE + s * s * torch.eye(SIDE**2)
        gain = a * COVARIANCE @ torch.linalg.inv(marginal)
        rest = COVARIANCE - gain @ (a * COVARIANCE)
        for state, got in zip(x, task.estimate(x, time), strict=True):
            mean = MEAN + gain @ (state.double().flatten() - 0.5 * b - a * MEAN)
            exact, _ = condition(mean, rest, operator, observe(operator))
            torch.testing.assert_close(got.double().flatten(), exact, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(("process", "operator", "sampler", "steps"), [
    ("edm", "chain", "heun", 40), ("edm", "mask", "dpm_solver", 25),
    ("ddpm", "blocks", "ancestral", 200), ("ddpm", "beam", "heun", 15),
    ("flow", "chain", "dpm_solver", 40), ("flow", "blocks", "ddim", 150),
    ("indi", "blocks", "heun", 40), ("ve", "chain", "reverse_sde", 150),
    ("subvp", "blocks", "predictor_corrector", 100),
])  # fmt: skip
def test_samplers_reach_the_posterior(process, operator, sampler, steps):
    count, operator = 600, OPERATORS[operator]
    task = posterior_task(PROCESSES[process], operator, count)
    for step in SAMPLERS[sampler](task, steps):
        x = step.x.flatten(1).double()
    mean, covariance = condition(MEAN, COVARIANCE, operator, observe(operator))
    # Of 600 draws: the mean scatters by a 24th of a deviation, variances by 6 %.
    scatter = covariance.diagonal().sqrt() / count**0.5
    assert float(((x.mean(dim=0) - mean).abs() / scatter).max()) < 5
    error = (x.T.cov() - covariance).abs().max() / covariance.diagonal().max()
    assert float(error) < 0.2
    # And it is the posterior, not the prior.
    assert float((MEAN - mean).abs().max()) > 5 * float(scatter.max())


@pytest.mark.parametrize("process", ["edm", "flow", "indi"])
def test_a_sample_does_not_depend_on_the_batch(process):
    whole = posterior_task(PROCESSES[process], OPERATORS["chain"], 3)
    start = whole.start()
    for time in (0.97, 0.4):
        alone = whole.alone(1).estimate(start[1:2], time)
        torch.testing.assert_close(whole.estimate(start, time)[1:2], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("process", "operator"), [
    *(("edm", name) for name in OPERATORS), ("flow", "chain"), ("indi", "blocks"),
])  # fmt: skip
def test_the_maximum_is_that_of_the_normal_posterior(process, operator):
    process, operator = PROCESSES[process], OPERATORS[operator]
    whole = posterior_task(process, operator, 1)
    task, measurement = Task(process, whole.network, whole.y, whole.noise), whole.measurement
    blur = 0.03
    x = maximum(task, measurement, smoothing=blur, num_steps=250).double().flatten()
    blurred = COVARIANCE + blur**2 * torch.eye(SIDE**2)
    exact, _ = condition(MEAN, blurred, operator, observe(operator))
    torch.testing.assert_close(x, exact, rtol=0, atol=2e-4)
    mode, _ = condition(MEAN, COVARIANCE, operator, observe(operator))
    torch.testing.assert_close(x, mode, rtol=0, atol=1.1e-3)


def test_the_maximum_of_two_peaks_is_one_of_them():
    """A mixture of two normals in one pixel, data between: the gradient vanishes, going down."""
    process, peaks, width, noise = EDM(), (-1.0, 1.0), 0.3, 1.0

    def network(stacked, time):
        c_skip, c_out, c_in = (float(c) for c in process.precondition(time[:1].double()))
        s, x_t = float(process.path(time[:1].double())[2]), stacked[:, :1] / c_in
        variance = width**2 + s * s
        weights = torch.softmax(
            torch.stack([-((x_t - p) ** 2) / (2 * variance) for p in peaks]), dim=0
        )
        each = torch.stack([p + width**2 / variance * (x_t - p) for p in peaks])
        return ((weights * each).sum(dim=0) - c_skip * x_t) / c_out

    def density(x, datum):
        prior = sum(math.exp(-((x - p) ** 2) / (2 * (width**2 + 0.1**2))) for p in peaks)
        return math.log(prior) - 0.5 * ((x - datum) / noise) ** 2

    for datum in (0.2, -0.4):
        task = Task(process, network, torch.zeros(1, 1, 1, 1), lambda: None)
        measurement = Measurement(torch.full((1, 1, 1, 1), datum), Chain(()), noise)
        x = float(maximum(task, measurement, smoothing=0.1, num_steps=200))
        grid = np.linspace(-2, 2, 4001)
        best = grid[np.argmax([density(v, datum) for v in grid])]
        assert x == pytest.approx(best, abs=2e-3)


def test_an_exponential_is_not_followed_beyond_a_dex():
    """One pixel, known badly, data a million times brighter: Newton's step would overflow."""
    operator = Physical(Chain(()), floor=1.0, center_dex=3.0, scale_dex=0.5)
    mean = torch.zeros(1, 1, 1, 1)
    for data, limit in ((1e9, 2.0), (1.0, -2.0), (1100.0, 0.09)):
        measurement = Measurement(torch.full((1, 1, 1, 1), data), operator, 1.0,
                                  slope=0.5 * math.log(10.0))  # fmt: skip
        got = float(measurement.update(mean, lambda v: 100.0 * v, iterations=1))
        assert got == pytest.approx(limit, rel=0.15)
    assert abs(got) < 2.0


def test_krylov_leaves_out_what_a_covariance_has_not():
    """Of a matrix with a skew part and a negative eigenvalue, the positive symmetric part."""
    values = torch.tensor([3.0, 1.0, -2.0, 0.5])
    vectors, _ = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(0)))
    symmetric = vectors @ torch.diag(values) @ vectors.T
    skew = torch.tensor([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 2], [0, 0, -2, 0]])
    wanted = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1))
    wanted[1] = 0.0

    def apply(v):
        return (v.flatten(1) @ (symmetric + skew).T).view_as(v)

    def positive(v):
        return torch.where(v > 0, 1 / v, 0.0)

    got = krylov_solve(apply, wanted, positive, iterations=9)
    inverse = vectors @ torch.diag(positive(values)) @ vectors.T
    torch.testing.assert_close(got.flatten(1), wanted.flatten(1) @ inverse, rtol=1e-4, atol=1e-5)
    assert not got[1].any()


@pytest.mark.parametrize("process", PROCESSES)
def test_the_time_of_a_noise_level(process):
    process = PROCESSES[process]
    for ratio in (0.2, 1.0, 5.0):
        a, _, s = process.path(torch.tensor(time_of(process, ratio), dtype=torch.float64))
        assert float(s / a) == pytest.approx(ratio, rel=1e-6)


def test_without_noise_there_is_no_maximum():
    for process in (Pix2Pix(), InDI(noise_level=0.0)):
        task = Task(process, lambda m, t: m[:, :1], torch.zeros(1, 1, 2, 2), lambda: None)
        measurement = Measurement(torch.zeros(1, 1, 2, 2), Chain(()), 1.0)
        with pytest.raises(ValueError, match="has no density: no path of it leads through noise"):
            maximum(task, measurement)
        with pytest.raises(ValueError, match="has no density: no path of it leads through noise"):
            PosteriorTask(**vars(task), measurement=measurement)


@pytest.fixture
def translator(tmp_path, card_of):
    """An untrained network gives v = 0: the exact one for pixels that are standard normal."""
    network = UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), null_source=True))
    save_checkpoint(tmp_path / "white", network.state_dict(), card_of(network))
    return Translator.load(tmp_path / "white", device="cpu")


def whitened(translator, observation, maps):
    """Return (d - A x) / noise of maps of stars, (n, 16, 16) in their unit."""
    made = observation.measurement(translator.normalization["stars"], (16, 16))
    seen = made.operator.forward(torch.from_numpy(normalize(maps, "stars"))[:, None])
    return ((made.data - seen) / made.noise).numpy()


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("with_source", [False, True])
def test_a_translator_draws_maps_that_agree_with_an_observation(
    translator, rng, logarithmic, with_source
):
    operator, values = Chain((Beam(2.0), BlockMean(4))), 10 ** rng.normal(6.0, 0.3, (4, 4))
    observed = Observation(values, 0.03 if logarithmic else 1e5, operator, logarithmic)
    gas = {"source_map": 10 ** rng.normal(6.3, 0.5, (16, 16)), "source": "gas"}
    options = {"num_steps": 16, "seed": 2, **(gas if with_source else {})}
    drawn = translator.posterior(observed, "stars", num_samples=2, **options)
    assert drawn.shape == (2, 16, 16)
    assert not np.allclose(drawn[0], drawn[1], rtol=0.1)
    one = translator.posterior(observed, "stars", **options)
    np.testing.assert_allclose(one[0], drawn[0], rtol=0.01, atol=1e3)
    del options["seed"]
    best = translator.most_probable(observed, "stars", **{**options, "num_steps": 40})
    free = translator.prior("stars", num_samples=2)
    misfits = [
        np.sqrt((whitened(translator, observed, maps) ** 2).mean())
        for maps in (free, drawn, best[None])
    ]
    assert max(misfits[1:]) < min(3.0, 0.3 * misfits[0]), misfits


def test_the_most_probable_map_is_the_closed_form_in_the_units_of_the_domain(translator, rng):
    operator, values = BlockMean(4), 10 ** rng.normal(6.0, 0.3, (4, 4))
    observed = Observation(values, 0.5, operator, logarithmic=True)
    best = translator.most_probable(observed, "stars", smoothing=0.1)
    domain = translator.normalization["stars"]
    noise = 0.5 / domain.scale_dex
    blocks = normalize(values, "stars")
    # Each block by itself: the mean of 16 pixels of variance 1 + 0.1^2.
    gain = (1.01 / 16) / (1.01 / 16 + noise**2)
    expected = np.kron(gain * blocks, np.ones((4, 4)))
    np.testing.assert_allclose(normalize(best, "stars"), expected, rtol=0, atol=1e-3)


def test_bad_observations_are_refused_at_the_call(translator, checkpoint):
    observed = Observation(np.ones((16, 16)), 1.0)
    for call in (translator.posterior, translator.most_probable):
        with pytest.raises(
            TranslatorError, match=r"the observation: values must have shape \(8, 8\)"
        ):
            call(observed, "stars", shape=(8, 8))
        with pytest.raises(TranslatorError, match="source_map and source come together"):
            call(observed, "stars", source="gas")
        with pytest.raises(TranslatorError, match="unknown domain 'x_rays'"):
            call(observed, "x_rays")
    with pytest.raises(TranslatorError, match="smoothing must be a finite number above 0, got 0"):
        translator.most_probable(observed, "stars", smoothing=0)
    with pytest.raises(TranslatorError, match="cannot sample without a source"):
        Translator.load(checkpoint).posterior(observed, "stars")


def test_a_path_without_noise_cannot_be_conditioned(one_step_checkpoint, rng):
    translator = Translator.load(one_step_checkpoint)
    gas = 10 ** rng.normal(6.3, 0.5, (16, 16))
    for call in (translator.posterior, translator.most_probable):
        with pytest.raises(TranslatorError, match="no path of it leads through noise"):
            call(Observation(np.ones((16, 16)), 1.0), "stars", source_map=gas, source="gas")
