#!/usr/bin/env python3
"""Walk supervision beside its peers on 32-bit densities of the plane, in one table.

    benchmarks/walk_baselines.py [--densities two_spirals,checkerboard] [--methods walk,masked,flow] [--steps 16000]
                                 [--seeds 0,1,2] [--count 40000]

Peers, written here from their papers, with the same network (3 x 256 SiLU perceptron, one-hot inputs), batch, number of
steps, Adam with warm-up and cosine, and averaged weights:
  flow matching  discrete flow matching (Gat et al., 2024): mixture path from uniform noise, the posterior of the data by
                 cross-entropy, Euler steps of the factorised jumps; --calls network calls a sample
  masked         any-order masked diffusion (Hoogeboom et al., 2022): a random share of bits masked, cross-entropy of the
                 masked ones weighted so that every order counts alike; one bit a call, 32 calls
Each has the learning rate of --rates with the least loss on fresh draws after --tune-steps steps on the first density, or
the only one.
Figures: total variation of the samples to exact cell masses on a 64 x 64 grid, and the share in cells of less than 1e-6 of
the mass; mean and spread (largest minus smallest) over the seeds. `floor` is as many draws of the density itself.
Needs python3-numpy and python3-torch, and build/release/kirchhoff (or --kirchhoff).
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

TOP = pathlib.Path(__file__).resolve().parent.parent
BOX, LEVELS, BITS, GRID = 4.7, 32768, 32, 64


def density(name):
    """Centres, weights, width and whether the kernel is a square: docs/distributions.md, at the usual size."""
    mid = lambda n: (np.arange(n) + 0.5) / n
    if name == "two_moons":
        t = math.pi * mid(20000)
        x = np.r_[1.6 * (np.cos(t) - 0.5), 1.6 * (0.5 - np.cos(t))]
        y = np.r_[1.6 * (np.sin(t) - 0.25), 1.6 * (0.25 - np.sin(t))]
        weight, width, size = None, 0.16, 1.25
    elif name == "swiss_roll":
        t = 1.5 * math.pi * (1 + 2 * mid(20000))
        x, y, weight, width, size = t * np.cos(t) / 7.5, t * np.sin(t) / 7.5, None, 0.8 / 7.5, 1.5
    elif name == "circles":
        t = 2 * math.pi * mid(10000)
        x = np.r_[2.4 * np.cos(t), 1.2 * np.cos(t)]
        y = np.r_[2.4 * np.sin(t), 1.2 * np.sin(t)]
        weight, width, size = None, 0.192, 1.25
    elif name == "eight_gaussians":
        t = math.pi * np.arange(8) / 4
        x, y, weight, width, size = 2 * np.cos(t), 2 * np.sin(t), None, 0.25, math.sqrt(2)
    elif name == "pinwheel":
        z = -3 + 6 * mid(4000)
        r = 1 + math.sqrt(0.08) * z
        arms = [2 * math.pi * k / 5 + np.exp(r) / 4 for k in range(5)]
        x = np.concatenate([1.5 * r * np.cos(a) for a in arms])
        y = np.concatenate([-1.5 * r * np.sin(a) for a in arms])
        weight, width, size = np.tile(np.exp(-z * z / 2), 5), 0.15, 4 / 3
    elif name == "two_spirals":
        t = 3 * math.pi * np.sqrt(mid(10000))
        x = np.r_[-0.8 / 3 * t * np.cos(t), 0.8 / 3 * t * np.cos(t)]
        y = np.r_[0.8 / 3 * t * np.sin(t), -0.8 / 3 * t * np.sin(t)]
        weight, width, size = None, 0.09, 1.25
    elif name == "checkerboard":
        cells = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
        x = np.array([-2.25 + 1.5 * i for i, j in cells])
        y = np.array([-2.25 + 1.5 * j for i, j in cells])
        weight, width, size = None, 0.75, 4 / 3
    else:
        raise SystemExit(f"error: unknown density {name}")
    weight = np.full(len(x), 1 / len(x)) if weight is None else weight / weight.sum()
    return size * x, size * y, weight, size * width, name == "checkerboard"


class Target:
    def __init__(self, name):
        self.x, self.y, self.weight, self.width, self.square = density(name)
        edges = np.linspace(-BOX, BOX, GRID + 1)
        if self.square:
            cdf = lambda c: np.clip((edges[None] - c[:, None]) / (2 * self.width) + 0.5, 0, 1)
        else:
            erf = torch.erf
            cdf = lambda c: erf(torch.tensor((edges[None] - c[:, None]) / self.width / math.sqrt(2))).numpy() / 2
        along = [np.diff(cdf(c), axis=1) for c in (self.x, self.y)]
        self.cells = (along[0] * self.weight[:, None]).T @ along[1]
        self.cells /= self.cells.sum()

    def draw(self, count, rng):
        k = rng.choice(len(self.x), count, p=self.weight)
        noise = rng.uniform(-1, 1, (2, count)) if self.square else rng.standard_normal((2, count))
        return np.stack([self.x[k], self.y[k]], 1) + self.width * noise.T

    def figures(self, bits):
        cells = (point_of(bits) + BOX) / (2 * BOX) * GRID
        cells = np.clip(cells.astype(int), 0, GRID - 1)
        share = np.bincount(cells[:, 0] * GRID + cells[:, 1], minlength=GRID * GRID).reshape(GRID, GRID) / len(bits)
        return 0.5 * np.abs(share - self.cells).sum(), share[self.cells < 1e-6].sum()


def bits_of(points):
    level = np.minimum(LEVELS - 1, np.floor(np.abs(points) / BOX * LEVELS)).astype(np.int64)
    gray = level ^ (level >> 1)
    out = np.empty((len(points), BITS), np.int64)
    for axis in range(2):
        out[:, 16 * axis] = points[:, axis] < 0
        for k in range(15):
            out[:, 16 * axis + 1 + k] = (gray[:, axis] >> (14 - k)) & 1
    return out


def point_of(bits):
    points = np.empty((len(bits), 2))
    for axis in range(2):
        b = bits[:, 16 * axis : 16 * axis + 16]
        level = np.cumsum(b[:, 1:], axis=1) % 2 @ (1 << np.arange(14, -1, -1))
        points[:, axis] = np.where(b[:, 0] == 1, -1, 1) * (level + 0.5) / LEVELS * BOX
    return points


def network(inputs):
    layers, width = [], inputs
    for _ in range(3):
        layers += [torch.nn.Linear(width, 256), torch.nn.SiLU()]
        width = 256
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, BITS))


def train(net, loss_of, steps, rate, batch, target, rng):
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    average = [p.detach().clone() for p in net.parameters()]
    for step in range(steps):
        warm = min(1.0, (step + 1) / 200)
        optimiser.param_groups[0]["lr"] = rate * warm * 0.5 * (1 + math.cos(math.pi * step / steps))
        loss = loss_of(net, torch.from_numpy(bits_of(target.draw(batch, rng))))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        decay = min(0.999, (step + 1) / (step + 11))
        with torch.no_grad():
            for a, p in zip(average, net.parameters()):
                a.mul_(decay).add_(p, alpha=1 - decay)
    with torch.no_grad():
        for a, p in zip(average, net.parameters()):
            p.copy_(a)


bce = torch.nn.functional.binary_cross_entropy_with_logits


def time_features(t):
    k = torch.arange(1, 7)
    return torch.cat([t, torch.sin(math.pi * k * t), torch.cos(math.pi * k * t)], 1)


class FlowMatching:
    inputs = BITS + 13

    @staticmethod
    def see(x, t):
        return torch.cat([2.0 * x - 1, time_features(t)], 1).float()

    @classmethod
    def loss(cls, net, x1):
        t = torch.rand(len(x1), 1)
        xt = torch.where(torch.rand(x1.shape) < t, x1, torch.randint(0, 2, x1.shape))
        return bce(net(cls.see(xt, t)), x1.float(), reduction="none").sum(1).mean()

    @classmethod
    def samples(cls, net, o):
        for calls in o.calls:
            x = torch.randint(0, 2, (o.count, BITS))
            for k in range(calls):
                t = k / calls
                p = torch.sigmoid(net(cls.see(x, torch.full((o.count, 1), t))))
                jump = torch.rand(x.shape) < (1 / calls) / (1 - t)  # to a draw of the posterior, at rate 1 / (1 - t)
                x = torch.where(jump, (torch.rand(x.shape) < p).long(), x)
            yield f"flow matching, {calls} calls", x


class Masked:
    inputs = 3 * BITS

    @staticmethod
    def see(x):
        return torch.nn.functional.one_hot(x, 3).flatten(1).float()

    @classmethod
    def loss(cls, net, x1):
        kept = torch.randint(0, BITS, (len(x1), 1))  # bits already known, 0..31
        known = torch.rand(x1.shape).argsort(1).argsort(1) < kept
        losses = bce(net(cls.see(torch.where(known, x1, 2))), x1.float(), reduction="none")
        return ((losses * ~known).sum(1) * BITS / (BITS - kept[:, 0])).mean()

    @classmethod
    def samples(cls, net, o):
        x = torch.full((o.count, BITS), 2)
        order = torch.rand(x.shape).argsort(1)
        for k in range(BITS):
            at = order[:, k : k + 1]
            p = torch.sigmoid(net(cls.see(x)).gather(1, at))
            x.scatter_(1, at, (torch.rand(p.shape) < p).long())
        yield "masked, 32 calls", x


PEERS = {"masked": Masked, "flow": FlowMatching}
HELD_OUT = 20000  # draws that a learning rate is chosen by
TUNING_SEED = 1000  # none of those of the table


def trained(peer, target, o, seed, steps, rate):
    torch.manual_seed(seed)
    net = network(peer.inputs)
    train(net, peer.loss, steps, rate, o.batch, target, np.random.default_rng(seed))
    return net


def tuned_rate(peer, target, o):
    if len(o.rates) == 1:
        return o.rates[0]
    losses = {}
    for rate in o.rates:
        net = trained(peer, target, o, TUNING_SEED, o.tune_steps, rate)
        with torch.no_grad():
            fresh = torch.from_numpy(bits_of(target.draw(HELD_OUT, np.random.default_rng(TUNING_SEED + 1))))
            losses[rate] = peer.loss(net, fresh).item()
    best = min(losses, key=losses.get)
    shown = ", ".join(f"{loss:.4f} at {rate:g}" for rate, loss in losses.items())
    print(f"{peer.__name__}: learning rate {best:g} (held-out loss {shown})", flush=True)
    return best


def learned(peer, target, o, seed):
    net = trained(peer, target, o, seed, o.steps, o.tuned[peer])
    with torch.no_grad():
        return {method: target.figures(x.numpy()) for method, x in peer.samples(net, o)}


def walk(name, o, seed):
    with tempfile.TemporaryDirectory() as folder:
        case = pathlib.Path(folder) / "case.yaml"
        case.write_text(
            f"space: {{categories: 2, dimensions: 32}}\ntarget: {{name: {name}}}\nmodel: {{hidden: [256, 256, 256]}}\n"
            f"train: {{supervision: walk, steps: {o.steps}, batch: {o.batch}}}\nsample: {{count: {o.count}}}\nseed: {seed}\n"
        )
        subprocess.run([o.kirchhoff, "run", case, "-out", folder + "/out"], check=True, capture_output=True)
        found = json.loads(pathlib.Path(folder, "out/report.json").read_text())["sampling"]["neural"]
    return {
        f"walk, {found['mean_steps'] + 1:.0f} calls": (found["tv64"], found["off_support"]),
        "floor": (found["noise_floor_tv64"], found["noise_floor_off_support"]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: [int(part) for part in text.split(",")]
    parser.add_argument("--densities", default="two_spirals,eight_gaussians,checkerboard")
    parser.add_argument("--methods", default="walk,masked,flow")
    parser.add_argument("--steps", type=int, default=16000)
    parser.add_argument("--tune-steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--rates", type=lambda text: [float(part) for part in text.split(",")], default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--count", type=int, default=40000)
    parser.add_argument("--seeds", type=numbers, default=[0, 1, 2])
    parser.add_argument("--calls", type=numbers, default=[17, 32, 64, 128], help="of flow matching")
    parser.add_argument("--kirchhoff", default=str(TOP / "build/release/kirchhoff"))
    o = parser.parse_args()
    torch.set_num_threads(1)
    densities, methods = o.densities.split(","), o.methods.split(",")
    for method in set(methods) - {"walk", *PEERS}:
        sys.exit(f"error: --methods: no method {method!r}; there are walk, {', '.join(PEERS)}")
    o.tuned = {PEERS[m]: tuned_rate(PEERS[m], Target(densities[0]), o) for m in methods if m in PEERS}
    for name in densities:
        target = Target(name)
        table = {}
        for seed in o.seeds:
            for method in methods:
                found = walk(name, o, seed) if method == "walk" else learned(PEERS[method], target, o, seed)
                for label, figures in found.items():
                    table.setdefault(label, []).append(figures)
        print(f"\n{name}: {o.steps} steps of {o.batch}, {o.count} samples, {len(o.seeds)} seeds\n")
        print("| method | TV64 | spread | off support % | spread |\n|---|---|---|---|---|", flush=True)
        for method, figures in table.items():
            f = np.array(figures)
            mean, spread = f.mean(0), f.max(0) - f.min(0)
            print(f"| {method} | {mean[0]:.4f} | {spread[0]:.4f} | {100 * mean[1]:.2f} | {100 * spread[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
