#!/usr/bin/env bash
# HDF5 files that were edited, damaged, made by a newer version or made to hurt: one line that names file and object,
# status 1, and nothing that was there is lost.
. "$(dirname "$0")/common/lib.sh"

small_case case.yaml 'space: {categories: 5, dimensions: 2}' \
  'circuit: {family: hamming, layers: 3, resistance_same: 1, resistance_change: 10}' \
  'train: {steps: 4, batch: 64, validate_every: 2, checkpoint_every: 2}' 'sample: {count: 1000}'
succeed 1 run case.yaml -out good
printf '* three resistors\nV1 in 0 1\nR1 in a 1\nR2 a 0 2\n.end\n' >net.sp
succeed 1 convert net.sp good/network.h5

# edit FILE PYTHON: on `f`, the file open for changes
edit() { "$python" -c "import h5py, numpy as np; f = h5py.File('$1', 'r+'); $2"; }
refuse() { expect_error 1 "$1" 1 "${@:2}"; }
fresh() { rm -rf bad && cp -r good bad; }

# --- what was changed is named, whatever it is
named() { # FILE REGEX PYTHON
  fresh
  edit "bad/$1" "$3"
  refuse "bad/$1: $2" info "bad/$1"
}
named solution.h5 'dataset /potential was edited' "f['potential'][1, 2] = 7"
named solution.h5 'attribute relative_residual was changed' "f.attrs['relative_residual'] = 0.5"
named solution.h5 'attribute reason was changed' "f.attrs['reason'] = 'another'"
named solution.h5 'attribute unit of /source was changed' "f['source'].attrs['unit'] = 'volt'"
named solution.h5 'attribute extra was added' "f.attrs['extra'] = 1"
named solution.h5 'attribute gauge was removed' "del f.attrs['gauge']"
named solution.h5 '.*attribute petsc is not one value' "f.attrs['petsc'] = np.zeros(3)"
named solution.h5 'dataset /source was removed' "del f['source']"
named solution.h5 'dataset /y was added' "f.create_dataset('y', (10**15,), chunks=(1000,))"
named solution.h5 '.*/x is a link to elsewhere' "f['x'] = h5py.SoftLink('/source')"
named samples.h5 'dataset /exact/samples was' "f['exact/samples'][0, 0] = (f['exact/samples'][0, 0] + 1) % 5"
named samples.h5 'attribute origin of /exact was changed' "f['exact'].attrs['origin'] = 'x'"
named checkpoint.h5 'dataset /history was edited' "f['history'][0, 2] = 0"
named checkpoint.h5 'attribute best_validation was changed' "f.attrs['best_validation'] = 0.0"
named network.h5 'dataset /edge/conductance was edited' "f['edge/conductance'][0] = 2"
fresh
head -c 20000 good/solution.h5 >bad/solution.h5
refuse 'bad/solution.h5: it is not whole: 20000 of its [0-9]* bytes' info bad/solution.h5
printf x >>bad/samples.h5
refuse 'bad/samples.h5: 1 bytes were added' info bad/samples.h5
refuse 'bad/network.h5: dataset /edge/conductance' solve "$(edit bad/network.h5 "f['edge/conductance'][0] = 2" && echo bad/network.h5)"

# --- stages of what was changed are made anew, and it is said why
fresh
edit bad/solution.h5 "f['potential'][1, 2] = 7"
edit bad/samples.h5 "f.attrs['ranks'] = 9"
kirchhoff 2 run case.yaml -out bad >log 2>stderr || fail "$(cat stderr)"
grep -q 'solution.h5 is made anew: .*dataset /potential was edited' log || fail "no word of it: $(cat log)"
grep -q 'samples.h5 is not used: .*attribute ranks was changed' log || fail "no word of it: $(cat log)"
succeed 1 info bad/solution.h5
edit bad/checkpoint.h5 "f['history'][0, 2] = 0"
kirchhoff 2 sample case.yaml -out bad >log 2>stderr || fail "$(cat stderr)"
grep -q 'warning: .*dataset /history was edited.*going on from .*previous' stderr || fail "$(cat stderr)"

# --- a file of a newer schema is left alone, by every command
newer() { # FILE COMMAND...
  cp "bad/$1" newer
  refuse "bad/$1: schema version (99|9) is newer" "${@:2}"
  cmp newer "bad/$1" || fail "${*:2} has touched $1"
}
for file in solution.h5 checkpoint.h5 samples.h5; do
  fresh
  edit bad/$file "f.attrs['schema_version'] = 99"
  for command in run solve train 'sample' validate 'run -force'; do
    # shellcheck disable=SC2086 # words
    newer $file $command case.yaml -out bad
  done
  newer $file info bad/$file
done
sed -i '1s/^kirchhoff 2 /kirchhoff 9 /' bad/samples.h5 # as its first line says it
newer samples.h5 run case.yaml -out bad

# --- files that others made: believed as far as they are long
"$python" - <<'PYTHON'
import h5py
import numpy as np

def network(name, **other):
    with h5py.File(name, "w") as f:
        f.attrs["kind"], f.attrs["title"], f.attrs["ground"] = "network", "made by hand", 0
        f.attrs["schema_version"] = 1
        text = lambda *names: np.array(names, "S4")
        data = {"node/name": text("0", "a"), "edge/name": text("R1"), "edge/tail": [0], "edge/head": [1], "edge/conductance": [2.0],
                "source/name": text("V1"), "source/positive": [1], "source/negative": [0], "source/voltage": [1.0],
                "injection/name": text("I1"), "injection/from": [0], "injection/to": [1], "injection/current": [0.0]}
        data.update(other)
        for path, value in data.items():
            if callable(value):
                value(f, path)
            else:
                f[path] = value

network("right.h5")
network("array.h5", title=lambda f, path: f.attrs.__setitem__("title", np.zeros(3)))
network("rows.h5", **{"edge/conductance": lambda f, p: f.create_dataset(p, (10**15,), "f8", chunks=(1024,))})
network("product.h5", **{"edge/conductance": lambda f, p: f.create_dataset(p, (2**33, 2**33), "f8", chunks=(8, 8))})
network("bomb.h5", **{"edge/conductance": lambda f, p: f.create_dataset(p, (10**12,), "f8", chunks=(1024,), compression="gzip")})
network("soft.h5", **{"edge/conductance": h5py.SoftLink("/source/voltage")})
network("outside.h5", **{"edge/conductance": h5py.ExternalLink("right.h5", "/edge/conductance")})
network("group.h5", **{"edge/conductance": lambda f, p: f.create_group(p)})
network("words.h5", **{"edge/conductance": np.array([b"two"])})
network("lines.h5", **{"edge/name": np.array([b"R1\nR2"]), "edge/head": [7]})
network("kind.h5", kind=lambda f, path: f.attrs.__setitem__(path, "two\nlines"))
network("halves.h5", **{"edge/tail": np.array([0.5])})
network("raw.h5", **{"edge/conductance": lambda f, p: f.create_dataset(p, (1,), "f8", external=[("raw.bin", 0, 8)])})
for name, shape in {"rows": (10**15,), "product": (2**33, 2**33)}.items():
    with h5py.File(f"table_{name}.h5", "w") as f:
        f.create_dataset("mass", shape, "f8", chunks=(8,) * len(shape))
with h5py.File("table_link.h5", "w") as f:
    f["mass"] = h5py.ExternalLink("right.h5", "/edge/conductance")
with h5py.File("many.h5", "w") as f:
    f.attrs["kind"] = "solution"
    f.attrs["schema_version"] = 1
    f.create_dataset("potential", (2**32, 2**32), "f8", chunks=(8, 8))
bytes_ = bytearray(open("right.h5", "rb").read())
for at in range(100, len(bytes_), 97):
    bytes_[at] ^= 0xFF
open("torn.h5", "wb").write(bytes_)
PYTHON
succeed 1 solve right.h5 -out right
refuse 'array.h5: attribute title is not' solve array.h5
refuse 'rows.h5: dataset /edge/conductance is announced as 1000000000000000 values' solve rows.h5
refuse 'product.h5: dataset /edge/conductance is announced as 8589934592 x 8589934592' solve product.h5
refuse 'bomb.h5: dataset /edge/conductance is announced' solve bomb.h5
refuse 'soft.h5: /edge/conductance is a link' solve soft.h5
refuse 'outside.h5: /edge/conductance is a link' solve outside.h5
refuse 'group.h5: /edge/conductance is not a dataset' solve group.h5
refuse 'words.h5: dataset /edge/conductance does not hold numbers' solve words.h5
refuse 'lines.h5: dataset /edge/name holds a name that cannot be printed' solve lines.h5
refuse 'kind.h5: holds a two.lines, not a network' solve kind.h5
refuse 'halves.h5: dataset /edge/tail does not hold whole numbers' solve halves.h5
refuse 'raw.h5: dataset /edge/conductance lies in another file' solve raw.h5
refuse 'torn.h5' solve torn.h5
refuse 'many.h5: dataset /potential is announced' info many.h5
for name in rows product; do
  refuse "table_$name.h5: dataset 'mass' is announced" solve case.yaml -target_name '' -target_file table_$name.h5 -target_dataset mass
done
refuse "table_link.h5" solve case.yaml -target_name '' -target_file table_link.h5 -target_dataset mass

# A checkpoint that announces more than it holds: the one before it is there for that.
fresh
"$python" - <<'PYTHON'
import h5py
with h5py.File("bad/checkpoint.h5", "r") as old, h5py.File("new.h5", "w") as f:
    f.attrs.update(old.attrs)
    f.create_dataset("model/parameters", (10**15,), "f8", chunks=(1024,))
PYTHON
mv new.h5 bad/checkpoint.h5
kirchhoff 1 sample case.yaml -out bad >log 2>stderr || fail "$(cat stderr)"
grep -q 'warning: bad/checkpoint.h5: .*going on from .*checkpoint.previous.h5' stderr || fail "$(cat stderr)"

if [ -n "$reference_data" ] && [ -e "$reference_data/faults/array_attribute.h5" ]; then
  refuse 'array_attribute.h5: attribute relative_residual is not one value' info "$reference_data/faults/array_attribute.h5"
fi
echo "$errors_seen causes refused"
