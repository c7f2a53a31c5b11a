#!/usr/bin/env bash
# Networks from outside: solved on 1, 2 and 3 ranks, converted and read back, checked by ngspice, refused where wrong.
. "$(dirname "$0")/common/lib.sh"

cat >bridge.sp <<'SPICE'
Wheatstone's bridge, a via and a chain of sources
V1 top 0 10
R1 top left 1k
R2 top right 2k
R3 left 0 3kOhm
R4 right
+ 0 4k
R5 left mid 500   ; the bridge
Vvia mid m2 0
R6 m2 right 500
I1 0 right 1m
Vup up right 0.5
R7 up 0 10k
.op
.end
SPICE
check() { # FOLDER PYTHON: on `f`, the solution, and `v`, potentials by name
  "$python" - "$1/solution.h5" <<PYTHON || fail "$1: $2"
import sys
import h5py
import numpy as np
f = h5py.File(sys.argv[1])
v = dict(zip(f["node/name"][:].astype(str), f["node/potential"][:]))
$2
PYTHON
}
refuse() { expect_error 1 "$1" "$((errors_seen % 4 == 3 ? 2 : 1))" "${@:2}"; }
refuse_netlist() { # REGEX TEXT
  printf 'title\n%b' "$2" >bad.sp
  refuse "$1" solve bad.sp
}
for ranks in 1 2 3; do
  succeed $ranks solve bridge.sp -out np$ranks
  check np$ranks '
assert f.attrs["kind"] == "network" and f.attrs["unknowns"] == 3 and f.attrs["components"] == 1
assert f.attrs["relative_residual"] < 1e-14 and f.attrs["energy_relative_error"] < 1e-14
assert v["top"] == 10 and v["0"] == 0 and v["mid"] == v["m2"] and abs(v["up"] - v["right"] - 0.5) < 1e-14
tail, head = f["edge/tail"][:], f["edge/head"][:]
phi, g, i = (f[k][:] for k in ("node/potential", "edge/conductance", "edge/current"))
assert np.allclose(i, g * (phi[tail] - phi[head]), rtol=1e-12, atol=1e-18)
kcl = np.zeros(len(phi))
np.add.at(kcl, tail, -i), np.add.at(kcl, head, i)
np.add.at(kcl, f["source/positive"][:], f["source/current"][:]), np.add.at(kcl, f["source/negative"][:], -f["source/current"][:])
np.add.at(kcl, f["injection/from"][:], -f["injection/current"][:]), np.add.at(kcl, f["injection/to"][:], f["injection/current"][:])
assert np.abs(kcl).max() < 1e-17, kcl'
done
"$program" info np1/solution.h5 | grep -q '/node/potential .*volt' || fail "info does not list the potentials"

# --- another program's answer
if command -v ngspice >/dev/null; then
  sed 's/^\.end$/.print op v(left) v(right) v(m2) v(up)\n.end/' bridge.sp >ng.sp
  ngspice -b ng.sp >ng.log 2>&1 </dev/null || fail "ngspice: $(cat ng.log)"
  check np1 "
import re
for name, value in re.findall(r'^\s+(left|right|mid|m2|up|top)\s+(\S+)\s*$', open('ng.log').read(), re.M):
    assert abs(v[name] - float(value)) < 1e-6 * abs(v[name]), (name, value)
    v.pop(name)
assert 'left' not in v and 'up' not in v, open('ng.log').read()"
else
  [ -z "${KIRCHHOFF_NO_SKIP:-}" ] || fail "no ngspice"
  echo "no ngspice: its answer is not compared"
fi

# --- conversions, there and back
same() { # FOLDER FOLDER: the same potentials, node by node in their order, ground left out
  "$python" - "$1/solution.h5" "$2/solution.h5" <<'PYTHON' || fail "$1 and $2 differ"
import sys
import h5py
import numpy as np
def potentials(path):
    f = h5py.File(path)
    phi = f["node/potential"][:]
    ground = f.attrs["ground"]
    return np.delete(phi, ground) if ground >= 0 else phi
a, b = map(potentials, sys.argv[1:])
assert a.shape == b.shape and np.abs(a - b).max() < 1e-13 * np.abs(a).max(), (a, b)
PYTHON
}
succeed 2 convert bridge.sp bridge.h5
succeed 1 convert bridge.h5 back.spice
for file in bridge.h5 back.spice; do
  succeed 1 solve $file -out back -overwrite
  same np1 back
done
cat >lattice.yaml <<'YAML'
space: {categories: 4, dimensions: 2}
circuit: {family: lattice, layers: 3, resistance_same: 1, resistance_change: 7}
source: {name: normal}
target: {name: two_moons}
YAML
succeed 1 solve lattice.yaml
for file in lattice.sp lattice.h5 list.txt matrix.mtx; do
  succeed 1 convert lattice.yaml $file
  sources=()
  [ ! -e "${file%.*}.sources.txt" ] || sources=(-network_sources "${file%.*}.sources.txt")
  succeed 1 solve $file -out converted -overwrite "${sources[@]}"
  "$python" -c "
import h5py, numpy as np
a, b = h5py.File('lattice/solution.h5')['potential'][:].ravel(), h5py.File('converted/solution.h5')
names = list(b['node/name'][:].astype(str))
b = b['node/potential'][:]
if '0' in names and '0_0' in names:
    order = [names.index(f'{l}_{x}') for l in range(4) for x in range(16)]
    b = b[order]
assert np.abs(a - b).max() < 1e-11 * np.abs(a).max(), np.abs(a - b).max()" || fail "$file does not solve to the same potentials"
done

# --- edge lists: components, sources, grounds, pairs; compressed
printf '0 1 2\n1 2 2\n2 0 2\n5 6 4\n' >graph.txt
gzip -k graph.txt
printf '0\n2\n5\n' >focal.txt
succeed 2 solve graph.txt.gz -network_pairs focal.txt
check graph '
assert f.attrs["components"] == 2
assert np.allclose(f["pair/resistance"][:], [4 / 3, -1, -1])
names = f["node/name"][:].astype(str)
assert list(names[f["pair/nodes"][0]]) == ["0", "2"]
assert np.allclose(f["pair/potential"][0], [4 / 3, 2 / 3, 0, 0, 0])
assert np.allclose(f["pair/current"][0], [1 / 3, 1 / 3, -2 / 3, 0]) and not f["pair/current"][1].any()'
succeed 1 solve graph.txt -network_pairs all -network_values conductance -overwrite
check graph 'assert len(f["pair/resistance"]) == 10 and abs(f["pair/resistance"][9] - 0.25) < 1e-15'
# resistances alone: of pairs, of all pairs of some nodes, of all edges; by random projections
for ranks in 1 3; do
  succeed $ranks solve graph.txt -network_pairs focal.txt -network_results resistance -out alone -overwrite
  check alone '
assert np.allclose(f["pair/resistance"][:], [4 / 3, -1, -1], rtol=1e-14) and f["pair/resistance_error"].shape == (3,)
assert 0 < f.attrs["resistance_error"] < 1e-13 and "potential" not in f["pair"] and "current" not in f["pair"]'
  succeed $ranks solve graph.txt -network_pairs all -network_focal focal.txt -network_results resistance -out alone -overwrite
  check alone 'assert np.allclose(f["pair/resistance"][:], [4 / 3, -1, -1], rtol=1e-14)'
  succeed $ranks solve graph.txt -network_pairs edges -network_results resistance -out alone -overwrite
  grep -q "Foster's sum of R / r over all edges: 3 for 3 unknowns" log || fail "no sum of all edges: $(cat log)"
  check alone 'assert np.allclose(f["pair/resistance"][:], [4 / 3, 4 / 3, 4 / 3, 4], rtol=1e-14)'
done
succeed 2 solve graph.txt -network_pairs edges -network_results resistance -network_approximate 0.1 -out alone -overwrite
grep -q 'random projections, each resistance right to 0.1 with a probability of 0.95' log || fail "it does not state the error"
check alone '
assert f.attrs["resistance_projections"] == 768 and f.attrs["resistance_confidence"] == 0.95
assert np.allclose(f["pair/resistance"][:], [4 / 3, 4 / 3, 4 / 3, 4], rtol=0.3)
assert np.allclose(f["pair/resistance_error"][:], 0.1 * f["pair/resistance"][:])'
refuse 'network_focal: of use only with -network_pairs all' solve graph.txt -network_pairs edges -network_focal focal.txt
refuse 'network_results: resistances of which pairs' solve graph.txt -network_results resistance
refuse 'network_approximate: only resistances can be approximate' solve graph.txt -network_pairs edges -network_approximate 0.1
refuse 'network_approximate is 0.0001: an error below 0.001' solve graph.txt -network_pairs edges -network_results resistance -network_approximate 1e-4
refuse 'two.txt:1: one node per line is needed' solve graph.txt -network_pairs all -network_focal "$(printf '0 1\n' >two.txt && echo two.txt)"
printf '1 3\n5 1\n' >sources.txt
printf '0 10\n6 0\n' >grounds.txt
succeed 3 solve graph.txt -network_sources sources.txt -network_grounds grounds.txt -overwrite
check graph 'assert abs(v["1"] - 34) < 1e-12 and abs(v["2"] - 32) < 1e-12 and v["5"] == 4 and v["6"] == 0
assert np.allclose(f["source/current"][:], [-1])'
printf '%%%%MatrixMarket matrix coordinate real symmetric\n3 3 5\n1 1 2\n2 2 2\n3 3 1.5\n2 1 -1\n3 2 -1\n' >laplace.mtx
printf '1 1\n' >one.txt
succeed 1 solve laplace.mtx -network_sources one.txt
grep -q 'taken as a Laplacian' log || fail "it does not say how the matrix was taken"

# --- matrices as scipy.sparse.save_npz writes them, made by the recipe of its source: np.savez_compressed(file, format=..., ...)
"$python" - <<'PYTHON'
import numpy as np

laplacian = np.array([[2, -1, 0], [-1, 2, -1], [0, -1, 1.5]])
row, col = np.nonzero(laplacian)
data = laplacian[row, col]
indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=3))])
rows = dict(shape=np.array([3, 3]), data=data)
np.savez_compressed("coo.npz", format=b"coo", row=row.astype("i4"), col=col.astype("i4"), **rows)
np.savez_compressed("csr.npz", format=b"csr", indices=col, indptr=indptr, **rows)
np.savez("csc.npz", format="csc", indices=col.astype("i4"), indptr=indptr.astype("i4"), **rows)
np.savez_compressed("upper.npz", format=b"coo", row=[0, 1], col=[1, 2], data=np.array([1, 1], "u1"), shape=[3, 3])
np.savez_compressed("bad_outside.npz", format=b"coo", row=[0, 3], col=[1, 2], data=[1.0, 1.0], shape=[3, 3])
np.savez_compressed("bad_steps.npz", format=b"csr", indices=[1, 0], indptr=[0, 2, 1, 2], data=[1.0, 1.0], shape=[3, 3])
np.savez_compressed("bad_kind.npz", format=b"dia", data=[[1.0]], offsets=[0], shape=[3, 3])
np.savez_compressed("bad_shape.npz", format=b"coo", row=[0], col=[1], data=[1.0], shape=[2, 3])
np.savez_compressed("bad_sides.npz", format=b"coo", row=[0, 1], col=[1, 0], data=[1.0, 2.0], shape=[2, 2])
np.savez_compressed("bad_value.npz", format=b"coo", row=[0, 1], col=[1, 2], data=[1.0, np.nan], shape=[3, 3])
np.savez_compressed("bad_large.npz", format=b"coo", row=np.zeros(0, "i4"), col=np.zeros(0, "i4"), data=np.zeros(0), shape=[10**15, 10**15])
np.savez_compressed("bad_rows.npz", format=b"coo", row=[0], col=[1], data=[1.0], shape=[10**9, 10**9])
np.savez_compressed("bad_bomb.npz", format=b"coo", row=[0], col=[1], data=np.ones(40_000_000), shape=[3, 3])
np.savez("bad_array.npz", laplacian)
whole = open("coo.npz", "rb").read()
open("bad_end.npz", "wb").write(whole[:len(whole) // 2])
bytes_ = bytearray(open("csc.npz", "rb").read())
bytes_[bytes_.find(np.float64(1.5).tobytes())] ^= 1
open("bad_bits.npz", "wb").write(bytes_)
PYTHON
printf '0 1\n' >zero.txt
for matrix in coo csr csc; do
  for ranks in 1 2 3; do
    succeed $ranks solve $matrix.npz -network_sources zero.txt -overwrite
    grep -q 'taken as a Laplacian' log || fail "it does not say how the matrix was taken"
    check $matrix 'import numpy as np
expected = np.linalg.solve([[2, -1, 0], [-1, 2, -1], [0, -1, 1.5]], [1, 0, 0])
assert np.allclose([v["0"], v["1"], v["2"]], expected, rtol=1e-14, atol=0) and v["ground"] == 0'
  done
done
succeed 1 solve upper.npz -network_pairs all
check upper 'assert np.allclose(f["pair/resistance"][:], [1, 2, 1], rtol=1e-15)'
succeed 1 convert upper.npz upper.mtx
refuse 'is only read; convert writes .spice' convert upper.mtx other.npz
refuse 'row\[1\] is 3, outside 0..2' solve bad_outside.npz
refuse 'indptr falls at 2' solve bad_steps.npz
refuse "it holds a 'dia' matrix; coo, csr and csc are read" solve bad_kind.npz
refuse 'the matrix must be square' solve bad_shape.npz
refuse 'the matrix is not symmetric at \(0, 1\)' solve bad_sides.npz
refuse 'the entry at \(1, 2\) is nan' solve bad_value.npz
refuse 'no entry off the diagonal joins two nodes' solve bad_large.npz
refuse '1000000000 rows are announced, in arrays of [0-9]* bytes' solve bad_rows.npz
refuse 'grow to more than' solve bad_bomb.npz
refuse "the archive holds no 'format.npy'" solve bad_array.npz
refuse 'no zip archive' solve bad_end.npz
refuse "'data.npy' in it is damaged" solve bad_bits.npz

# --- what a list says of itself: headers, separators, first rows
printf 'title\nR1 a b 1\nR2 b 0 1\n.end\n' >named.sp
printf 'a 1\nb 1\n' >named_sources.txt
succeed 2 solve named.sp -network_sources named_sources.txt
check named 'assert abs(v["a"] - 3) < 1e-14 and abs(v["b"] - 2) < 1e-14 and f["injection/current"].shape == (2,)'
grep -q 'named_sources.txt: columns separated by blanks' log || fail "it does not say how the sources were read"
printf '* divider, two loads\nV1 a 0 2\nR1 a b 1k\nR2 b c 1k\nR3 c 0 1k\nI1 0 c 1e-3\n' >loads.sp
printf 'b 1e-3\nc 1e-3\n' >loads.txt
printf 'node,siemens\nb,1e-3\n' >leak.txt
succeed 1 solve loads.sp -network_sources loads.txt # names beside those of the netlist's own elements
check loads 'assert abs(v["b"] - 8 / 3) < 1e-14 and abs(v["c"] - 7 / 3) < 1e-14
assert list(f["injection/name"][:].astype(str)) == ["I1", "source_2", "source_3"]'
succeed 1 solve loads.sp -network_grounds leak.txt -overwrite
check loads 'assert list(f["edge/name"][:].astype(str)) == ["R1", "R2", "R3", "ground_4"]
assert abs(f["edge/conductance"][3] - 1e-3) < 1e-18'
resistance() { # FILE PAIR OHM [option ...]: the effective resistance of the only pair
  printf '%s\n' "$2" >pair.txt
  succeed 1 solve "$1" -network_pairs pair.txt -out paired -overwrite "${@:4}"
  check paired "assert abs(f['pair/resistance'][0] - $3) < 1e-14, f['pair/resistance'][:]"
}
printf 'id,source,target,weight\n100,0,1,0.5\n101,1,2,0.25\n' >named.csv
resistance named.csv '0 2' 0.75
grep -q "columns separated by commas, line 1 names them: 'source', 'target', 'weight'; not read: 'id'" log || fail "it does not say what the header was"
printf ',source,target,weight\n0,10,11,0.5\n1,11,12,0.25\n' >index.csv
resistance index.csv '10 12' 0.75
printf '"source","target","weight"\n"0","1","0.5"\n"1","2","0.25"\n' >quoted.csv
resistance quoted.csv '0 2' 0.75
printf 'conductance;to;from\r\n2;1;0\r\n4;2;1\r\n' >siemens.csv
resistance siemens.csv '0 2' 0.75
resistance siemens.csv '0 2' 0.75 -network_values conductance


# --- graphs as people have them
printf '# FromNodeId\tToNodeId\n0\t1\n1\t2\n2\t3\n3\t0\n' >snap.edges
resistance snap.edges '0 2' 1 -network_values unit
printf 'a b 1\nb c 2\nc d 3\n' >names.el
resistance names.el 'a d' 6
printf "a b {'weight': 1}\nb c {'weight': 2}\n" >networkx.edgelist
resistance networkx.edgelist 'a c' 3
printf 'Source;Target;Type;Id;Label;Weight\n0;1;Undirected;0;;0.5\n1;2;Undirected;1;;0.25\n' >gephi.csv
resistance gephi.csv '0 2' 0.75
printf '0 1 1\n1 0 1\n1 2 1\n2 1 1\n' >both.txt
resistance both.txt '0 2' 2 -network_duplicates once
grep -q '2 of 2 pairs of nodes stand more than once, and are taken once' log || fail "it does not count edges that stand twice"
resistance both.txt '0 2' 1 -network_duplicates parallel
xz -kc names.el >names.el.xz
resistance names.el.xz 'a d' 6
cat >graph.graphml <<'XML'
<?xml version='1.0' encoding='utf-8'?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="d0" for="edge" attr.name="weight" attr.type="double"/>
<graph edgedefault="undirected"><node id="a"/><node id="b"/><edge source="a" target="b"><data key="d0">2.5</data></edge></graph></graphml>
XML
resistance graph.graphml 'a b' 2.5
refuse 'graph.xlsx: a case ends in .yaml, and a network in .spice .sp .cir .net .ckt .cdl .txt .csv .tsv .edgelist .edges .el .mtx .npz .graphml .h5 or .hdf5' convert graph.xlsx out.sp
printf '*Vertices 2\n1 "a"\n2 "b"\n*Edges\n1 2 1\n' >pajek.net
refuse 'pajek.net: a network of Pajek' solve pajek.net
printf '* a part hangs in the air\nV1 vdd 0 1\nR1 vdd a 1\nR2 a vss 1\nR3 c d 1\n' >loose.cir
kirchhoff 1 solve loose.cir >log 2>stderr || fail "loose.cir: $(cat log stderr)"
grep -q "3 nodes are joined to one element only: 'vss', 'c', 'd'" log || fail "it does not name nodes with one element"
grep -q "^warning: loose.cir: a part of the network has no way to ground.*'c' (2 nodes)" stderr || fail "it does not name the part without ground"
succeed 1 convert names.el names.sp
[ ! -e names.nodes.csv ] || fail "names that need no change were mapped"
succeed 1 convert names.el named.mtx
[ "$(tr '\n' ' ' <named.nodes.csv)" = '# here,name 1,a 2,b 3,c 4,d ' ] || fail "no map of names: $(cat named.nodes.csv)"

# --- a first line that reads like an element
printf 'R1 n1 n2 1\nR2 n2 n3 1\nR3 n3 n4 1\nV1 n1 0 4\nI1 n4 0 1\n' >grid.sp
status=0
kirchhoff 2 solve grid.sp >log 2>stderr || status=$?
[ $status = 1 ] && [ "$(grep -c "^warning: grid.sp:1: .*'R1 n1 n2 1'.*-network_title none" stderr)" = 1 ] || fail "no word about the title: $(cat stderr)"
succeed 1 solve grid.sp -network_title none
check grid 'assert [round(v[f"n{k}"], 12) for k in (1, 2, 3, 4)] == [4, 3, 2, 1]'
printf 'R1 n1 n2 1\nR2 n2 0 1\nI1 0 n2 3\n' >title.sp
succeed 1 solve title.sp -network_title line
check title 'assert v["n2"] == 3 and "n1" not in v'

# --- resistances of very different sizes: right or refused
for ratio in 1e8 1e12 1e15; do
  printf 't\nI1 0 a 1\nR1 a b 1\nR2 b c %s\nR3 c 0 1\nR4 b d 1\nR5 d 0 %s\nR6 a c %s\n' $ratio $ratio $ratio >wild.sp
  succeed 1 solve wild.sp -overwrite
  check wild "
from fractions import Fraction as F
r = F('$ratio')
# unknowns a, b, c, d by Cramer's rule in exact fractions
rows = [[1 + 1 / r, -1, -1 / r, 0], [-1, 2 + 1 / r, -1 / r, -1], [-1 / r, -1 / r, 1 + 2 / r, 0], [0, -1, 0, 1 + 1 / r]]
rows = [[F(x) for x in row] + [F(b)] for row, b in zip(rows, [1, 0, 0, 0])]
for k in range(4):
    p = next(j for j in range(k, 4) if rows[j][k])
    rows[k], rows[p] = rows[p], rows[k]
    rows[k] = [x / rows[k][k] for x in rows[k]]
    for j in range(4):
        if j != k:
            rows[j] = [x - rows[j][k] * y for x, y in zip(rows[j], rows[k])]
for name, row in zip('abcd', rows):
    assert abs(v[name] - float(row[4])) <= 1e-12 * abs(float(rows[0][4])), (name, v[name], float(row[4]))
assert f.attrs['relative_residual'] <= max(1e-12, f.attrs['residual_floor'])"
done

# --- small drops under high potentials, and a part that is held by weak resistors alone
printf 't\nV1 a 0 10\nR1 a b 1e-12\nR2 b 0 3.3\n' >small_drop.sp
printf 't\nV1 a b 0.485301\nR1 a c 2e-15\nR2 c d 1e-15\nR5 d b 3e-15\nR3 c 0 1e14\nR4 d 0 1e14\n' >level.sp
for ranks in 1 2 3; do
  succeed $ranks solve small_drop.sp
  grep -q 'star-mesh elimination' log || fail "it does not say how it was solved: $(cat log)"
  check small_drop 'assert np.allclose(f["edge/current"][:], 3.0303030303, rtol=1e-11, atol=0), f["edge/current"][:]
assert f.attrs["potential_error_estimate"] < 1e-12'
  succeed $ranks solve level.sp
  check level 'assert abs(v["c"] - 0.04044175) < 1e-15 and abs(v["d"] + 0.04044175) < 1e-15, v
assert abs(f["edge/current"][3] - 4.044175e-16) < 1e-28'
done

# --- what people get wrong
refuse_netlist "bad.sp:3: element 'D1' is not of a kind.*nonlinear" 'R1 a 0 1\nD1 a 0 diode\n'
refuse_netlist "bad.sp:2: cannot read other.sp: No such file" '.include other.sp\n'
refuse_netlist "bad.sp:2: '{1/0}': it is inf, no finite number" 'R1 a 0 {1/0}\n'
refuse_netlist "bad.sp:2: 'R1' has -5 ohm" 'R1 a 0 -5\n'
refuse_netlist "bad.sp:4: 'V2' of 2 V contradicts" 'R1 a 0 5\nV1 a 0 1\nV2 a 0 2\n'
refuse_netlist "node 'a' and what it is joined to has no way to ground.*1 A more" 'I1 0 a 1\nR1 a b 1\n'
refuse_netlist "bad.sp:3: element 'R1' is there already, on line 2" 'R1 a 0 1\nr1 b 0 1\n'
refuse_list() { # REGEX TEXT [option ...]
  printf '%b' "$2" >bad.csv
  refuse "$1" solve bad.csv "${@:3}"
}
refuse_list "bad.csv:1: column 3 is '4,7': .*separated by semicolons" '1;2;4,7\n2;3;1,5\n'
refuse_list 'bad.csv:1: column 2 is empty' '1,,2,5\n'
refuse_list "bad.csv:1: column 1 is '1O': a node is a whole number" '1O 2 5\n2 3 1\n'
refuse_list 'bad.csv:1: 4 columns, where 3 .* are expected' '0,10,11,0.5\n'
refuse_list "bad.csv:2: column 3 is '5 ohm'" 'from,to,ohm\n0,1,5 ohm\n'
refuse_list "bad.csv:1: the header .*-network_values says resistance" 'from,to,siemens\n0,1,5\n' -network_values resistance
refuse_list "bad.csv:2: column 2 is '2': nodes are names since line 1" 'a b 1\nb 2 2\n'
refuse_list 'every edge stands in both directions with the same value .1 pair of nodes.: -network_duplicates once' '0 1 1\n1 0 1\n'
refuse_list 'bad.csv:1: column 3 is missing.*-network_values unit' '0 1\n1 2\n'
refuse_list 'bad.csv:3: column 3 is missing' '0 1 1\n\n1 2\n'
refuse_list 'bad.csv:2: a NUL byte' '0 1 1\n1 \0 2\n'
refuse "side.txt:1: column 2 is 'ohms'" solve named.sp -network_sources "$(printf 'a ohms\nb 1\n' >side.txt && echo side.txt)"
refuse "network_title is 'no'.*auto, line, none" solve named.sp -network_title no
printf '%%%%MatrixMarket matrix coordinate real symmetric\n20000000 20000000 1\n2 1 -1\n' >rows.mtx
refuse 'rows.mtx:2: 20000000 rows are announced, in a file of 7' solve rows.mtx
"$python" -c "import gzip; open('bomb.txt.gz', 'wb').write(gzip.compress(b'7' * 10**7) * 30)"
refuse 'cannot read bomb.txt.gz: its [0-9]* bytes grow to more than' solve bomb.txt.gz
refuse "bad.txt:1: a resistance of -2 ohm" solve "$(printf '0 1 -2\n' >bad.txt && echo bad.txt)"
refuse "graph.txt:1: node 0: nodes count from 1" solve graph.txt -network_index_base 1
refuse "network_values is 'ohms'.*resistance, conductance, unit" solve graph.txt -network_values ohms
refuse "option -network_sources: no file 'gone.txt'" solve graph.txt -network_sources gone.txt
refuse "pairs.txt:1: graph.txt has no node '77'" solve graph.txt -network_pairs "$(printf '0 77\n' >pairs.txt && echo pairs.txt)"
refuse "unknown option -network_pair, did you mean 'network_pairs'" solve graph.txt -network_pair all
refuse 'cannot read gone.spice.bz2: No such file' solve gone.spice.bz2
refuse 'not a Matrix Market file' solve "$(printf '1 2 3\n' >bad.mtx && echo bad.mtx)"
refuse "lattice/solution.h5: holds a solution, not a network" solve lattice/solution.h5
refuse "bridge.sp:2: 'V1' is a source of 10 V" convert bridge.sp bridge.txt
refuse 'out.xyz: a network ends in .spice' convert bridge.sp out.xyz
expect_error 2 "'convert' needs an input and an output" 1 convert bridge.sp
expect_error 2 'one word too many' 1 convert bridge.sp a.sp b.sp
[ ! -e bad ] || [ ! -e bad/solution.h5 ] || fail "a network that was refused left a solution"

# --- reference data: IBM's power grid, Circuitscape's verification
if [ -n "$reference_data" ]; then
  for ranks in 1 2; do
    succeed $ranks solve "$reference_data/ibmpg1/ibmpg1.spice.bz2"
    check ibmpg1 "
import bz2
worst = 0
v = {name.lower(): volt for name, volt in v.items()}
count = 0
for line in bz2.open('$reference_data/ibmpg1/ibmpg1.solution.bz2', 'rt'):
    name, volt = line.split()
    worst = max(worst, abs(v['0' if name == 'G' else name.lower()] - float(volt)))
    count += 1
assert count > 30000 and worst < 1e-5, (count, worst)
assert f.attrs['relative_residual'] < 1e-12 and f.attrs['energy_relative_error'] < 1e-12"
  done
  cs=$reference_data/circuitscape
  for case in sgNetworkVerify{1,2,3}; do
    values=conductance
    [ -e "$cs/network/${case}_graph_${values}s.txt" ] || values=resistance
    succeed 1 solve "$cs/network/${case}_graph_${values}s.txt" -network_values $values \
      -network_pairs "$cs/network/${case}_focal_nodes.txt" -out $case
    check $case "
import os
names = f['node/name'][:].astype(str)
index = {name: k for k, name in enumerate(names)}
tail, head = names[f['edge/tail'][:]], names[f['edge/head'][:]]
expected = np.loadtxt('$cs/expected/${case}_resistances.out')
ids = [str(int(x)) for x in expected[0, 1:]]
compared = 0
for k, (i, j) in enumerate(names[f['pair/nodes'][:]]):
    a, b = ids.index(i), ids.index(j)
    r = f['pair/resistance'][k]
    assert abs(r - expected[1 + a, 1 + b]) < 1e-6, (i, j, r)
    path = '$cs/expected/${case}_%s_%s_%s.txt'
    if os.path.exists(path % ('voltages', i, j)):  # 1 A into j with V(i) = 0: ours turned round
        for node, volt in np.loadtxt(path % ('voltages', i, j), ndmin=2):
            assert abs(r - f['pair/potential'][k, index[str(int(node))]] - volt) < 1e-6, (i, j, node)
            compared += 1
    if os.path.exists(path % ('branch_currents', i, j)):  # unsigned
        current = dict(zip(zip(tail, head), np.abs(f['pair/current'][k])))
        for x, y, ampere in np.loadtxt(path % ('branch_currents', i, j), ndmin=2):
            x, y = str(int(x)), str(int(y))
            assert abs(current.get((x, y), current.get((y, x))) - ampere) < 1e-6, (i, j, x, y)
            compared += 1
assert compared > 50, compared"
  done
elif [ -n "${KIRCHHOFF_NO_SKIP:-}" ]; then
  fail "KIRCHHOFF_REFERENCE_DATA is not set"
fi

echo "$errors_seen causes refused"
