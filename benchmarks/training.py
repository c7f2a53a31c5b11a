#!/usr/bin/env python3
"""Training throughput beside PyTorch's, in one run: training.py [BUILD_DIR] (default: build/release).

Both train the multilayer perceptron 64 -> 3 x 256 -> 100 with SiLU, squared error and AdamW in single precision, on one
core and on two, with batches of 256 and 4096 rows. Needs python3-torch, and the target kirchhoff_training_benchmark:

    cmake --build build/release --target kirchhoff_training_benchmark && python3 benchmarks/training.py

It refuses to compare when PyTorch's matrix product is slower than 50 GFLOP/s on one thread: that is the reference BLAS,
not a peer. Each figure is the best of several windows, since others on the machine can only slow a window down.
"""

import os
import subprocess
import sys
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


def peer(batch, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers, width = [], 64
    for hidden in 3 * [256]:
        layers += [torch.nn.Linear(width, hidden), torch.nn.SiLU()]
        width = hidden
    net = torch.nn.Sequential(*layers, torch.nn.Linear(width, 100))
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    x, y = torch.randn(batch, 64), torch.randn(batch, 100)

    def step():
        optimiser.zero_grad(set_to_none=True)
        ((net(x) - y) ** 2).mean().backward()
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


def ours(program, batch, ranks):
    command = ["mpiexec", "-n", str(ranks), program, str(batch), str(SECONDS)]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def main():
    program = os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build/release", "kirchhoff_training_benchmark")
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


if __name__ == "__main__":
    main()
