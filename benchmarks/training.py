#!/usr/bin/env python3
"""Training throughput beside PyTorch's, in one run: training.py [BUILD_DIR] (default: build/release).

Both train the multilayer perceptron 64 -> 3 x 256 -> 100 with SiLU, squared error and AdamW in single precision, on one
core and on two, with batches of 256 and 4096 rows. Needs python3-torch, and the target kirchhoff_training_benchmark:

    cmake --build build/release --target kirchhoff_training_benchmark && python3 benchmarks/training.py

A second table compares walk supervision: data/cases/spirals32.yaml (3 x 256, batches of 512) as `kirchhoff train` runs it, drawing of
data and targets, averaging of weights and validation included, with PyTorch's bare passes and AdamW of the same network on one batch that stays the same.

It refuses to compare when PyTorch's matrix product is slower than 50 GFLOP/s on one thread: that is the reference BLAS,
not a peer. Each figure is the best of several windows, since others on the machine can only slow a window down.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
import torch  # noqa: E402: the number of threads must be known before

LEAST_GFLOPS = 50
SECONDS = 2.4  # a figure


def sgemm_gflops():
    torch.set_num_threads(1)
    a, b = torch.randn(512, 512), torch.randn(512, 512)
    best = 0
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(4):
            a @ b
        best = max(best, 4 * 2 * 512**3 / (time.perf_counter() - begin) / 1e9)
    return best


def rate(net, loss, batch, threads):
    """Rows a second."""
    torch.set_num_threads(threads)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    for _ in range(10):
        step()
    best = 0
    for _ in range(8):
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < SECONDS / 8:
            step()
            count += 1
        best = max(best, count * batch / (time.perf_counter() - begin))
    return best


def perceptron(inputs, outputs):
    torch.manual_seed(0)
    layers, width = [], inputs
    for hidden in 3 * [256]:
        layers += [torch.nn.Linear(width, hidden), torch.nn.SiLU()]
        width = hidden
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, outputs))


def peer(batch, threads):
    net = perceptron(64, 100)
    x, y = torch.randn(batch, 64), torch.randn(batch, 100)
    return rate(net, lambda: ((net(x) - y) ** 2).mean(), batch, threads)


def peer_of_walks(batch, threads):
    """Layer and 32 bits one-hot; leaving, staying, and 64 changes, of which half are there."""
    net = perceptron(2 + 2 * 32, 2 + 2 * 32)
    bits = torch.randint(0, 2, (batch, 33))
    x = torch.nn.functional.one_hot(bits, 2).flatten(1).float()
    missing = torch.cat([torch.zeros(batch, 2), x[:, 2:]], 1).bool()
    y = torch.rand(batch, 66).masked_fill(missing, 0)
    y /= y.sum(1, keepdim=True)
    loss = lambda: -(y * net(x).masked_fill(missing, -1e30).log_softmax(1).clamp(min=-1e4)).sum(1).mean()
    return rate(net, loss, batch, threads)


def our_walks(program, ranks, steps=1500):
    top = pathlib.Path(__file__).resolve().parent.parent
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with tempfile.TemporaryDirectory() as folder:
        command = ["mpiexec", "-n", str(ranks), program, "train", top / "data/cases/spirals32.yaml", "-out", folder]
        command += ["-train_steps", str(steps), "-train_validate_every", "500"]
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        rows = pathlib.Path(folder, "training.csv").read_text().split()[1:]
    ends = [(int(r.split(",")[0]), float(r.split(",")[1])) for r in rows]
    spans = zip([(0, 0.0), *ends], ends)
    return 512 * max((b[0] - a[0]) / (b[1] - a[1]) for a, b in spans)


def ours(program, batch, ranks):
    command = ["mpiexec", "-n", str(ranks), program, str(batch), str(SECONDS)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def main():
    program = os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build/release", "kirchhoff_training_benchmark")
    if not os.path.exists(program):
        sys.exit(f"error: no {program}: build the target kirchhoff_training_benchmark first")
    gflops = sgemm_gflops()
    print(f"PyTorch {torch.__version__}: sgemm {gflops:.0f} GFLOP/s on one thread")
    if gflops < LEAST_GFLOPS:
        sys.exit(f"error: PyTorch's BLAS makes less than {LEAST_GFLOPS} GFLOP/s: no peer to compare with")
    print(f"{'batch':>6} {'cores':>6} {'PyTorch':>10} {'kirchhoff':>10} {'ratio':>6}   rows a second")
    single = {}
    for batch in 256, 4096:
        for cores in 1, 2:
            theirs, mine = peer(batch, cores), ours(program, batch, cores)
            single.setdefault(batch, mine)
            scaling = f"   {mine / single[batch]:.2f} x one rank" if cores > 1 else ""
            print(f"{batch:6} {cores:6} {theirs:10.0f} {mine:10.0f} {mine / theirs:6.2f}{scaling}", flush=True)
    print("walk supervision, vertices a second")
    for cores in 1, 2:
        theirs, mine = peer_of_walks(512, cores), our_walks(os.path.join(os.path.dirname(program), "kirchhoff"), cores)
        print(f"{512:6} {cores:6} {theirs:10.0f} {mine:10.0f} {mine / theirs:6.2f}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as failure:
        said = [line for line in str(failure.stderr or "").splitlines() if line.strip(" -")]
        sys.exit(f"error: {failure.cmd[0]}: {said[0] if said else failure}")
