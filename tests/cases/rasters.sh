#!/usr/bin/env bash
# Circuitscape's jobs: our own example against dense algebra, its verification suite, resumes, and what is refused.
. "$(dirname "$0")/common/lib.sh"
compare() { # EXPECTED FOUND CASE
  "$python" "$source_dir/tests/rasters.py" "$@" || fail "$3"
}
valley=$source_dir/data/rasters

# --- the example, on 1, 2 and 3 ranks, against a dense solve of the circuit that docs/rasters.md defines
cp "$valley"/* .
for ranks in 1 2 3; do
  succeed $ranks solve valley.ini -out np$ranks
  "$python" - np$ranks/solution.h5 <<'PYTHON' || fail "np$ranks/solution.h5"
import sys
import h5py
f = h5py.File(sys.argv[1])
assert f.attrs["kind"] == "raster" and f.attrs["solved"] == f.attrs["solves"] == 6
assert f.attrs["refined_residual"] <= 1e-12 and f.attrs["relative_residual"] <= 1e-12 and f.attrs["kcl_max_imbalance"] < 1e-14
assert f["map/cumulative_current"].shape == (24, 36) and f["map/cumulative_current"][:].max() <= 6 + 1e-12
PYTHON
done
compare np1 np2 valley 1e-10
compare np1 np3 valley 1e-10
cat >oracle.py <<'PYTHON'
"""Dense: every sheet, region and neighbour as docs/rasters.md defines them, and one call of LAPACK for a solve."""
import sys
import numpy as np

def grid(name):
    return np.loadtxt(name, skiprows=6)

def node_map(habitat, regions):
    """regions: sets of cells that are one node."""
    label = -np.ones(habitat.shape, int)
    label[habitat > 0] = np.arange((habitat > 0).sum())
    for cells in regions:
        touched = {label[c] for c in cells if label[c] >= 0}
        for c in cells:
            if touched:
                label[c] = min(touched)
        for old in touched:
            label[label == old] = min(touched)
    return label

def laplacian(habitat, label, diagonal, average_resistance):
    n = label.max() + 1
    a = np.zeros((n, n))
    rows, columns = habitat.shape
    for r in range(rows):
        for c in range(columns):
            for dr, dc in ((0, 1), (1, 0)) + (((1, 1), (1, -1)) if diagonal else ()):
                s, t = r + dr, c + dc
                if s >= rows or not 0 <= t < columns or label[r, c] < 0 or label[s, t] < 0 or label[r, c] == label[s, t]:
                    continue
                g, h = (1 / v if v > 0 else 0 for v in (habitat[r, c], habitat[s, t]))
                joint = (2 / (1 / g + 1 / h) if g and h else 0) if average_resistance else (g + h) / 2
                a[label[r, c], label[s, t]] -= joint / np.hypot(dr, dc)
                a[label[s, t], label[r, c]] -= joint / np.hypot(dr, dc)
    return a - np.diag(a.sum(1))

def through(a, v):
    flow = -a * (v[:, None] - v[None, :])
    np.fill_diagonal(flow, 0)
    return np.maximum(np.where(flow > 0, flow, 0).sum(1), np.where(flow < 0, -flow, 0).sum(1))

def on_cells(label, values):
    return np.where(label >= 0, values[label], 0)

if __name__ == "__main__":
    folder, diagonal, average_resistance = sys.argv[1], sys.argv[2] == "8", sys.argv[3] == "r"
    habitat, points, rivers = grid("valley.asc"), grid("valley_points.asc"), grid("valley_rivers.asc")
    cells = lambda m, k: [tuple(c) for c in np.argwhere(m == k)]
    cumulative = np.zeros(habitat.shape)
    table = np.loadtxt(f"{folder}/valley_resistances.out")
    for i in range(1, 5):
        for j in range(i + 1, 5):
            label = node_map(habitat, [cells(rivers, 7), cells(rivers, 8), cells(points, i), cells(points, j)])
            a = laplacian(habitat, label, diagonal, average_resistance)
            low, high = label[cells(points, i)[0]], label[cells(points, j)[0]]
            here = np.linalg.norm(a, axis=1) > 0  # numbers that no cell has any more
            here[low] = False
            b = np.zeros(len(a))
            b[high] = 1
            v = np.zeros(len(a))
            v[here] = np.linalg.lstsq(a[np.ix_(here, here)], b[here], rcond=None)[0]
            if np.abs(a @ v - b)[here].max() > 1e-6:  # the current finds no way
                assert table[i, j] == -1, (i, j, table[i, j])
                continue
            assert abs(table[i, j] - v[high]) < 1e-10 * v[high], (i, j, table[i, j], v[high])
            current = on_cells(label, through(a, v))
            cumulative += current
            assert np.abs(grid(f"{folder}/valley_curmap_{i}_{j}.asc") - current).max() < 1e-9, (i, j)
            assert np.abs(grid(f"{folder}/valley_voltmap_{i}_{j}.asc") - on_cells(label, v)).max() < 1e-9, (i, j)
    assert np.abs(grid(f"{folder}/valley_cum_curmap.asc") - cumulative).max() < 1e-8
PYTHON
"$python" oracle.py np1 8 r || fail "the example is not what dense algebra makes of it"
sed -e 's/neighbors_only = False/neighbors_only = True/; s/avg_resistances = True/avg_resistances = False/' valley.ini >four.ini
succeed 2 solve four.ini -out four
"$python" oracle.py four 4 c || fail "four neighbors, average conductances"

# --- outputs where Circuitscape has them, without -out; compressed, with logarithms and without data where nothing is
mkdir -p jobs
sed -e 's|= valley|= ../valley|; s|output_file = .*|output_file = maps/v.out|; s/write_volt_maps = True/write_volt_maps = False/' valley.ini >jobs/v.ini
printf '%s\n' 'compress_grids = True' 'log_transform_maps = true' 'set_null_currents_to_nodata = 1' 'set_focal_node_currents_to_zero = True' \
  'write_cum_cur_map_only = True' 'low_memory_mode = True' 'solver = cholmod' >>jobs/v.ini
succeed 2 solve jobs/v.ini
grep -q 'relative to the folder of the .ini' log || fail "it is not said where files were found: $(cat log)"
[ "$(echo jobs/maps/*map*)" = 'jobs/maps/v_cum_curmap.asc.gz jobs/maps/v_max_curmap.asc.gz' ] || fail "$(ls jobs/maps)"
"$python" - <<'PYTHON' || fail "logarithms, no data and focal currents"
import gzip
import h5py
import numpy as np
found = np.loadtxt(gzip.open("jobs/maps/v_cum_curmap.asc.gz", "rt"), skiprows=6)
habitat, points = np.loadtxt("valley.asc", skiprows=6), np.loadtxt("valley_points.asc", skiprows=6)
current = h5py.File("jobs/maps/v/solution.h5")["map/cumulative_current"][:]
assert (found[habitat == -9999] == -9999).all()
some = (habitat != -9999) & (current > 0)
assert np.allclose(found[some], np.log10(current[some]), rtol=1e-10)
# A focal point's own solves are left out of its cell, those of others are not.
per_pair = {p: np.loadtxt(f"np1/valley_curmap_{p}.asc", skiprows=6) for p in ("1_2", "1_3", "1_4", "2_3", "2_4", "3_4")}
at = tuple(np.argwhere(points == 3)[0])
assert abs(current[at] - sum(m[at] for p, m in per_pair.items() if "3" not in p)) < 1e-9
PYTHON

# --- the other scenarios of the example, by superposition of its pairs: a second way to the same answers
printf '%s\n' '1 1160 2600' '2 1890 2100' '3 1860 2600' '4 1330 2495' >list.txt # one cell each
base="s/= valley_points.asc/= list.txt/; s/use_polygons = True/use_polygons = False/"
sed -e "$base" valley.ini >pairs.ini
for scenario in one-to-all all-to-one; do
  sed -e "$base; s/= pairwise/= $scenario/; s/= valley.out/= $scenario.out/" valley.ini >$scenario.ini
  printf '%s\n' 'use_variable_source_strengths = True' 'variable_source_file = strengths.txt' >>$scenario.ini
done
printf '%s\n' '2 3' '4 0.5' >strengths.txt
for run in 'pairs 1' 'one-to-all 2' 'all-to-one 3'; do
  succeed ${run#* } solve ${run% *}.ini -out ${run% *}
done
"$python" - <<'PYTHON' || fail "one-to-all and all-to-one are not what the pairs say"
import numpy as np
grid = lambda name: np.loadtxt(name, skiprows=6)
strength = {1: 1.0, 2: 3.0, 3: 1.0, 4: 0.5}
cell = {int(k): (int(np.ceil(24 - (y - 2000) / 30)) - 1, int(np.ceil((x - 1000) / 30)) - 1) for k, x, y in np.loadtxt("list.txt")}
r = np.loadtxt("pairs/valley_resistances.out")
volt = {}  # 1 A into j, out of i: potentials relative to i
for i in range(1, 5):
    for j in range(i + 1, 5):
        volt[i, j] = grid(f"pairs/valley_voltmap_{i}_{j}.asc")
        volt[j, i] = r[i, j] - volt[i, j]  # the other way round
habitat = grid("valley.asc")
for n in range(1, 5):
    others = [k for k in range(1, 5) if k != n]
    # all-to-one: the sum of the others' currents into n
    wanted = np.where(habitat > 0, sum(strength[k] * volt[n, k] for k in others), 0)
    assert np.abs(grid(f"all-to-one/all-to-one_voltmap_{n}.asc") - wanted).max() < 1e-8, n
    # one-to-all: the shares of the grounds are such that their potentials agree
    at = np.array([[volt[n, k][cell[m]] for k in others] for m in others])  # at m, relative to n, of 1 A from k to n
    share = np.linalg.solve(np.block([[at, np.ones((3, 1))], [np.ones((1, 3)), 0]]), np.r_[0, 0, 0, strength[n]])
    found = np.loadtxt("one-to-all/one-to-all_resistances.out")[n - 1]
    assert found[0] == n
    assert abs(abs(share[3]) / strength[n] - found[1]) < 1e-9 * found[1], (n, share, found)
PYTHON
grep -qx '1 0' all-to-one/all-to-one_resistances.out || fail "all-to-one has no resistances: $(cat all-to-one/all-to-one_resistances.out)"

# --- a job that is killed or stopped goes on with what it has
"$python" - <<'PYTHON'
import numpy as np
rng = np.random.default_rng(1)
n = 150
head = f"ncols {n}\nnrows {n}\nxllcorner 0\nyllcorner 0\ncellsize 1\n"
open("wide.asc", "w").write(head + "\n".join(" ".join(f"{v:.3f}" for v in row) for row in 1 + rng.random((n, n))) + "\n")
with open("wide_points.txt", "w") as f:
    for k in range(1, 9):  # eight regions of two cells: each pair has a circuit of its own
        x, y = rng.integers(3, n - 3, 2)
        f.write(f"{k} {x + 0.5} {y + 0.5}\n{k} {x + 1.5} {y + 0.5}\n")
PYTHON
cat >wide.ini <<'INI'
data_type = raster
scenario = pairwise
habitat_file = wide.asc
point_file = wide_points.txt
output_file = wide.out
write_cur_maps = True
write_cum_cur_map_only = True
INI
began=$(date +%s%N)
succeed 2 solve wide.ini -out whole
half=$(($(date +%s%N) - began))
half=$(printf '%d.%09d' $((half / 2000000000)) $((half / 2 % 1000000000)))
solved() { [ "$(attribute "$1/solution.h5" solved 2>/dev/null || echo 0)" -gt 0 ]; }
start 2 solve wide.ini -out stopped
await grep -q '^raster' log
sleep "$half"
kill -USR1 $job
interrupted "SIGUSR1 in a raster"
solved stopped || fail "nothing was kept: $(cat log)"
before=$(attribute stopped/solution.h5 solved)
succeed 2 solve wide.ini -out stopped
grep -q "^resume  *$before of 28 solves" log || fail "did not go on from $before: $(cat log)"
compare whole stopped wide 1e-10
succeed 2 solve wide.ini -out stopped
grep -q '28 of 28 solves are in' log || fail "solved again: $(cat log)"
sed -i 's/^scenario.*/&\nconnect_four_neighbors_only = True/' wide.ini
expect_error 1 'another problem' 1 solve wide.ini -out stopped

# --- with only some pairs, points that are not met are neither grounds nor regions: one-to-all is then pairwise
printf 'mode include\n1 2\n3 4\n' >some_pairs.txt
for scenario in pairwise one-to-all; do
  sed "s/= pairwise/= $scenario/" valley.ini >some-$scenario.ini
  printf '%s\n' 'use_included_pairs = True' 'included_pairs_file = some_pairs.txt' >>some-$scenario.ini
  succeed 1 solve some-$scenario.ini -out some-$scenario
done
"$python" - <<'PYTHON' || fail "included pairs"
import numpy as np
whole, some = (np.loadtxt(f"{d}/valley_resistances.out")[1:, 1:] for d in ("np1", "some-pairwise"))
asked = np.zeros((4, 4), bool)
asked[[0, 1, 2, 3], [1, 0, 3, 2]] = True
assert (some[~asked & ~np.eye(4, dtype=bool)] == -1).all() and np.allclose(some[asked], whole[asked], rtol=1e-12)
assert np.allclose(np.loadtxt("some-one-to-all/valley_resistances.out")[:, 1], [whole[0, 1], whole[0, 1], whole[2, 3], whole[2, 3]], rtol=1e-10)
PYTHON

# --- where a source and a ground meet: three cells of 1 ohm in a row, by hand
head='ncols 3\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -1\n'
printf "${head}1 1 1\n" >row.asc
printf "${head}2 -1 5\n" >row_in.asc
printf "${head}-1 -1 0\n" >row_out.asc
for expected in 'keepall 0 0 0' 'rmvsrc 4 2 0' 'rmvall 4 2 0' 'rmvgnd 0 0 0'; do
  set -- $expected
  printf '%s\n' 'scenario = advanced' 'habitat_file = row.asc' 'source_file = row_in.asc' 'ground_file = row_out.asc' \
    "remove_src_or_gnd = $1" 'write_volt_maps = True' >$1.ini
  succeed 1 solve $1.ini -out $1
  [ "$(tail -1 $1/$1_voltmap.asc)" = "$2 $3 $4" ] || fail "$1: $(tail -1 $1/$1_voltmap.asc)"
done
printf "${head}-1 -1 0.5\n" >row_out.asc # ohm: 7 A through it, 2 A through the others
succeed 1 solve keepall.ini -out finite
[ "$(tail -1 finite/keepall_voltmap.asc)" = '7.5 5.5 3.5' ] || fail "a finite ground: $(tail -1 finite/keepall_voltmap.asc)"
printf '%s\n' 'use_unit_currents = True' 'ground_file_is_resistances = False' >>keepall.ini # siemens: 2 A through 0.5 S
succeed 1 solve keepall.ini -out unit
[ "$(tail -1 unit/keepall_voltmap.asc)" = '6 5 4' ] || fail "unit currents: $(tail -1 unit/keepall_voltmap.asc)"

# --- a network's job: a square of four resistors and a tail, by hand
printf '%s\n' '0 1 1' '1 2 1' '2 3 1' '3 0 1' '3 4 2' '7 8 1' >square.txt
printf '%s\n' 0 2 4 7 >square_focal.txt
cat >square.ini <<'INI'
data_type = network
scenario = pairwise
habitat_file = square.txt
point_file = square_focal.txt
write_cur_maps = True
write_volt_maps = True
INI
succeed 2 solve square.ini -out square
printf '0 0 2 4 7\n0 0 1 2.75 -1\n2 1 0 2.75 -1\n4 2.75 2.75 0 -1\n7 -1 -1 -1 0\n' | diff - square/square_resistances.out || fail "the square's resistances"
printf '0\t3\t0.75\n0\t1\t0.25\n1\t2\t0.25\n2\t3\t0.25\n3\t4\t1\n' | sort | diff - <(sort square/square_branch_currents_0_4.txt) || fail "the square's currents"
sed -e 's/= pairwise/= advanced/' square.ini >load.ini
printf 'source_file = load_in.txt\nground_file = load_out.txt\n' >>load.ini
echo '4 2' >load_in.txt
printf '0 1\n7 0\n' >load_out.txt # 1 ohm; node 7 has no source
succeed 1 solve load.ini -out load
printf '0\t2\n1\t2.5\n2\t3\n3\t3.5\n4\t7.5\n7\t0\n8\t0\n' | diff - load/load_voltages.txt || fail "the loaded square's potentials"
echo '4 x' >load_in.txt
expect_error 1 'load_in.txt:1: column 2 is .x.: a number is needed' 1 solve load.ini -out load2

# --- what is wrong is refused in one line
wrong() { # REGEX SED...: of the example's job, changed
  sed "${@:2}" valley.ini >wrong.ini
  expect_error 1 "$1" "$((errors_seen % 4 == 3 ? 2 : 1))" solve wrong.ini -out wrong
}
wrong 'wrong.ini:4: scenario: .pairwize. is none of pairwise, advanced' 's/= pairwise/= pairwize/'
wrong "wrong.ini:7: habitat_file: no file 'hills.asc'" 's/= valley.asc/= hills.asc/'
wrong 'wrong.ini:8: habitat_map_is_resistances: .maybe. is none of' 's/resistances = True/resistances = maybe/'
wrong "wrong.ini:2: .Circuitscape mode. is no 'key = value'" 's/^.Circuitscape mode.$/Circuitscape mode/'
wrong 'wrong.ini: scenario: is missing' '/^scenario/d'
wrong 'source_file: a file is needed' 's/= pairwise/= advanced/'
wrong 'reclassification is not done' 's/^write_cur_maps.*/use_reclass_table = True/'
bad_grid() { # REGEX SED...: of the example's habitat
  sed "${@:2}" valley.asc >bad.asc
  wrong "$1" 's/= valley.asc/= bad.asc/'
}
bad_grid 'bad.asc:7: column 36: .x. is no number' '7s/[^ ]*$/x/'
bad_grid 'bad.asc:9: the row has 35 of 36 values' '9s/^[^ ]* //'
bad_grid 'bad.asc:9: the row has more than 36 values' '9s/^/1 /'
bad_grid 'bad.asc: the grid ends after 23 of its 24 rows' '30d'
bad_grid 'bad.asc:31: there are more rows' '30p'
bad_grid 'bad.asc: the header has no ncols' '1d'
bad_grid 'bad.asc:5: cellsize needs a number' '5s/30/wide/'
bad_grid 'bad.asc: row 5, column 1: a resistance of 0' '11s/^[^ ]*/0/'
bad_grid 'bad.asc:1: ncols needs a whole number above 0' '1s/36/-1/'
bad_points() { # REGEX TEXT
  printf '%b' "$2" >bad.txt
  wrong "$1" 's/= valley_points.asc/= bad.txt/'
}
bad_points 'bad.txt:2: the place 5000, 2100 is outside of the habitat map' '1 1160 2600\n2 5000 2100\n'
bad_points 'bad.txt:2: column 3 is .north.: a number is needed' '1 1160 2600\n2 1890 north\n'
bad_points 'bad.txt:1: the row has 2 columns, where 3 are needed' '1 1160\n'
bad_points 'bad.txt: there are fewer than two focal points' '1 1160 2600\n'
bad_points 'bad.txt:1: 1.5 is not the whole number of a focal point' '1.5 1160 2600\n2 1890 2100\n'
printf 'mode only\n1 2\n' >bad_pairs.txt
wrong 'bad_pairs.txt:1: the mode is include or exclude, not .only.' 's/^write_cur_maps.*/use_included_pairs = True\nincluded_pairs_file = bad_pairs.txt/'
expect_error 1 'option -network_values: the .ini file says' 1 solve valley.ini -network_values unit -out wrong
sed 's/^write_volt_maps/write_vlt_maps/' valley.ini >unknown.ini
kirchhoff 1 solve unknown.ini -out unknown >log 2>stderr </dev/null || fail "an unknown key: $(cat stderr)"
grep -q "warning: unknown.ini:[0-9]*: the key 'write_vlt_maps' is not known and not used, did you mean 'write_volt_maps'" stderr || fail "$(cat stderr)"

# --- Circuitscape's verification suite
suite=$reference_data/circuitscape/raster
if [ -z "$reference_data" ] || [ ! -d "$suite" ]; then
  [ -z "${KIRCHHOFF_NO_SKIP:-}" ] || fail "no verification suite of Circuitscape"
  echo "KIRCHHOFF_REFERENCE_DATA has no verification suite of Circuitscape: it is not compared"
  exit 0
fi
mkdir -p suite_networks/input suite_networks/expected
cp -r "$reference_data/circuitscape/network" suite_networks/input/network
cp "$reference_data"/circuitscape/expected/* suite_networks/expected
# Of pairs that its focal nodes do not have.
rm -f suite_networks/expected/sgNetworkVerify2_*_[0-9]_[56].txt suite_networks/expected/sgNetworkVerify2_*_cum.txt
for name in sgNetworkVerify1 sgNetworkVerify2 sgNetworkVerify3; do
  (cd suite_networks && kirchhoff 2 solve input/network/$name.ini -out $name >log 2>stderr </dev/null) || fail "$name"
  compare suite_networks/expected suite_networks/$name $name
done
cd "$suite"
names=
for job in $(find input -name '*.ini' | sort -V); do
  name=$(basename "$job" .ini)
  status=0
  kirchhoff 1 solve "$job" -out "$work/suite/$name" >"$work/log" 2>"$work/stderr" </dev/null || status=$?
  if [ $status != 0 ] && grep -q 'built without libtiff' "$work/stderr"; then
    echo "$name: $(cat "$work/stderr")"
    continue
  fi
  [ $status = 0 ] || fail "$name: $(cat "$work/stderr")"
  names+=,$name
done
compare output_verify "$work/suite" "${names#,}"
"$python" - "$work/suite" "${names#,}" <<'PYTHON' || fail "residuals"
import sys
import h5py
for name in sys.argv[2].split(","):
    residual = h5py.File(f"{sys.argv[1]}/{name}/solution.h5").attrs["refined_residual"]
    assert residual <= 1e-12, (name, residual)
PYTHON
for name in sgVerify5 mgVerify5 oneToAllVerify9 allToOneVerify7; do
  kirchhoff 2 solve "$(find input -name $name.ini)" -out "$work/suite2/$name" >"$work/log" 2>"$work/stderr" </dev/null ||
    fail "$name: $(cat "$work/stderr")"
  compare "$work/suite/$name" "$work/suite2/$name" $name 1e-10
done
