#!/usr/bin/env bash
# A table in, a table out: what is understood, trained on and written, by the program itself.
. "$(dirname "$0")/common/lib.sh"

cp "$source_dir"/data/cases/survey.{csv,yaml} .
"$python" "$source_dir/scripts/make_survey.py" | cmp - survey.csv || fail "survey.csv is not what its script makes"
few=(-model_hidden 16 -train_steps 120 -train_batch 64 -train_warmup 20 -sample_count 3000)

# One line is a whole case; the printed table comes before the work.
succeed 2 run survey.yaml "${few[@]}"
grep -Eq '^ +income +real, in 16 bins +17 ' log || fail "income is not what it is: $(cat log)"
grep -Eq '^ +age +ordinal +6 +18-29 < 30-44' log || fail "the ranges of age are not in order: $(cat log)"
[ "$(grep -n '^table' log | head -1 | cut -d: -f1)" -lt "$(grep -n '^train' log | head -1 | cut -d: -f1)" ] || fail "the table is printed late"
for file in samples.csv samples.h5 checkpoint.h5 report.html; do [ -s "survey/$file" ] || fail "no $file"; done
state_is survey finished
grep -q '"table"' survey/state.json || fail "samples.csv is no artefact of the folder"

"$python" - <<'PYTHON' || fail "samples.csv is not such a table as survey.csv"
import csv, h5py, numpy as np
def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]
header, rows = read("survey.csv")
names, samples = read("survey/samples.csv")
assert names == header and len(samples) == 3000, (names, len(samples))
with h5py.File("survey/samples.h5") as file:
    codes = file["neural/samples"][:]
    words = [w.decode() for w in file["schema/words"][:]]
    sizes = file["schema/categories"][:]
    missing = file["schema/missing"][:]
    edges = file["schema/edges"][:]
    assert [n.decode() for n in file["schema/names"][:]] == header
with h5py.File("survey/checkpoint.h5") as file:
    assert [w.decode() for w in file["schema/words"][:]] == words
begin = np.concatenate([[0], np.cumsum(sizes)])
for d, name in enumerate(header):
    own = {row[d] for row in rows}
    for i, row in enumerate(samples):
        code = codes[i, d]
        if code == missing[d]:
            assert row[d] == ""
        elif name == "income":
            whole, cents = row[d].split(".")
            assert len(cents) == 2 and edges[code] <= float(row[d]) < edges[code + 1], (row[d], code)
        else:
            assert row[d] in own and row[d] == words[begin[d] + code], row[d]
PYTHON

# Samples of the same network: another seed and another number do not train, and no number of ranks makes a difference.
cp survey/samples.csv first.csv
cp survey/checkpoint.h5 network.h5
succeed 1 sample survey.yaml "${few[@]}" -sample_seed 1
! cmp -s first.csv survey/samples.csv || fail "another sample_seed gave the same samples"
succeed 3 sample survey.yaml "${few[@]}"
cmp first.csv survey/samples.csv || fail "three ranks write other samples than two"
succeed 1 sample survey "${few[@]:0:8}" -sample_count 100
[ "$(wc -l <survey/samples.csv)" = 101 ] || fail "sample_count is not what is written"
cmp network.h5 survey/checkpoint.h5 || fail "sampling trained the network again"
rm survey/samples.csv
succeed 1 sample survey
[ "$(wc -l <survey/samples.csv)" = 101 ] || fail "samples.csv that is gone is not written again"
cmp network.h5 survey/checkpoint.h5 || fail "writing samples.csv trained the network again"

# Holes are filled, and nothing else is touched: words, numbers as they stood, the same on any number of ranks. Each row twice,
# beside another one: too many states to know the law of the walks' ends.
cat >holes.py <<'PYTHON'
import csv, random, sys
random.seed(3)
with open("survey.csv", newline="") as file:
    names, *rows = list(csv.reader(file))
rows = [names + [name + "2" for name in names]] + [row + other for row, other in zip(rows, rows[1:])]
with open("wide.csv", "w", newline="") as file:
    csv.writer(file, lineterminator="\n").writerows(rows)
with open("holes.csv", "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(rows[0])
    for i, row in enumerate(rows[1:41]):
        out.writerow([random.choice(["", "NA"]) if i % 4 and random.random() < 0.4 else field for field in row])
PYTHON
"$python" holes.py
printf 'target: {file: wide.csv}\n' >wide.yaml
succeed 2 train wide.yaml "${few[@]}"
cp wide/checkpoint.h5 network.h5
succeed 2 impute wide.yaml holes.csv "${few[@]}" -impute_draws 3 -impute_paths 16
grep -Eq '^impute +holes.csv: 40 rows, [0-9]+ holes in [0-9]+ of them, 3 draws each, .* s; mean log p.given. -[0-9.]+ \+- [0-9.]+, [0-9.]+ too low$' log || fail "the line that sums up: $(cat log)"
cp wide/imputed.csv imputed.csv
succeed 3 impute wide.yaml holes.csv "${few[@]}" -impute_draws 3 -impute_paths 16 -impute_out again.csv -impute_likelihood true
grep -Eq 'again.csv.likelihood.csv: mean log p.missing . given. of the draws -[0-9.]+$' log || fail "no likelihood of the draws: $(cat log)"
cmp imputed.csv wide/again.csv || fail "three ranks fill holes otherwise than two"
cmp network.h5 wide/checkpoint.h5 || fail "imputing trained the network again"
"$python" - <<'PYTHON' || fail "imputed.csv is not holes.csv with its holes filled"
import csv
def read(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]
header, rows = read("holes.csv")
with_holes = [i + 1 for i, row in enumerate(rows) if "" in row or "NA" in row]
names, told = read("wide/again.csv.likelihood.csv")
assert names[2:] == ["log_p_given", "log_p_given_error", "log_p_missing", "log_p_missing_error"], names
assert [line[:2] for line in told] == [[str(row), str(draw)] for row in with_holes for draw in (1, 2, 3)]
assert all(float(line[2]) < 0 for line in told) and all(float(error) >= 0 for line in told for error in line[3::2] if error)
names, whole = read("wide.csv")
found, filled = read("imputed.csv")
assert found == ["row", "draw"] + header and len(filled) == 3 * len(rows), (found, len(filled))
missing = ("", "NA")
different = 0
for k, line in enumerate(filled):
    row, draw = divmod(k, 3)
    assert line[:2] == [str(row + 1), str(draw + 1)], line
    for d, (had, has) in enumerate(zip(rows[row], line[2:])):
        if had not in missing:
            assert has == had, (row, d, had, has)
            continue
        assert has not in missing, (row, d)
        if header[d].startswith("income"):
            float(has)
        else:
            assert has in {other[d] for other in whole}, has
        different += has != filled[3 * row][d + 2]
assert different > 0, "all draws are the same"
PYTHON
sed '3s/^[^,]*/nobody/' holes.csv >wrong.csv
expect_error 1 "wrong.csv:3: column 1, '$(head -1 wide.csv | cut -d, -f1)' is 'nobody'" 1 impute wide.yaml wrong.csv "${few[@]}"
expect_error 1 "run 'kirchhoff train' first" 1 impute wide.yaml holes.csv -out untrained
expect_error 1 'a name is needed' 1 impute wide.yaml holes.csv -impute_out a/b.csv
expect_error 2 'needs a case and a file of rows' 1 impute wide.yaml

# What the case says of columns, a file for test rows, another separator, decimal commas, one-hot bits.
"$python" - <<'PYTHON'
import random
random.seed(2)
for name, count in (("bits.csv", 200), ("bits_test.csv", 30)):
    with open(name, "w") as file:
        file.write("id;c_red;c_green;c_blue;size;w\r\n")
        for i in range(count):
            c = random.randrange(3)
            size = ["small", "large", "n/a", "mid"][c if random.random() < 0.9 else 3]
            file.write(f"{i + 7};{int(c == 0)};{int(c == 1)};{int(c == 2)};{size};{random.random():.3f}\r\n".replace(".", ","))
PYTHON
cat >bits.yaml <<'YAML'
target:
  file: bits.csv
  test: bits_test.csv
  missing: [n/a]
  schema: {id: {use: false}, size: {order: [small, mid, large]}, w: {bins: 4}}
model:  {hidden: [8]}
train:  {steps: 20, batch: 16}
sample: {count: 300, paths: 8}
YAML
succeed 1 run bits.yaml
[ "$(head -1 bits/samples.csv)" = 'c_red;c_green;c_blue;size;w' ] || fail "the header: $(head -1 bits/samples.csv)"
tail -n +2 bits/samples.csv | grep -Evq '^(1;0;0|0;1;0|0;0;1);(small|mid|large|n/a);0,[0-9]{3}$' && fail "rows that cannot exist: $(head -3 bits/samples.csv)"
succeed 1 train bits.yaml -target_one_hot keep -out kept
grep -Eq '^ +c_red +binary' log || fail "bits are not kept: $(cat log)"

# Codes with a list of their numbers of categories; the same numbers under one S are read as before.
printf '1,1,3\n0,4,11\n1,0,0\n0,2,5\n' >codes.csv
printf 'space: {categories: [2, 5, 12]}\ntarget: {file: codes.csv}\nmodel: {hidden: [8]}\ntrain: {steps: 5, batch: 8}\nsample: {count: 200}\n' >codes.yaml
succeed 2 run codes.yaml
awk -F, '$1 > 1 || $2 > 4 || $3 > 11 || NF != 3 { exit 1 }' codes/samples.csv || fail "a code that is none"
# So small a space that the law of the walks' ends is known: exact.
printf '1,,3\n,4,\n0,2,5\n' >few.csv
succeed 2 impute codes.yaml few.csv -impute_draws 2 -impute_likelihood true
grep -Eq '3 rows, 3 holes in 2 of them, 2 draws each, .* mean log p.given. -[0-9.]+, exact$' log || fail "no exact law: $(cat log)"
awk -F, '$3 > 1 || $4 > 4 || $5 > 11 || $3 $4 $5 == "" || NF != 5 { exit 1 }' codes/imputed.csv || fail "a hole is left: $(cat codes/imputed.csv)"
awk -F, 'NR > 1 && ($3 > 0 || $4 != 0 || $5 > 0 || $6 != 0) { exit 1 } END { if (NR != 5) exit 1 }' codes/imputed.csv.likelihood.csv || fail "exact, and not so: $(cat codes/imputed.csv.likelihood.csv)"
sed 's/\[2, 5, 12\]/12, dimensions: 3/; s/train: {/&supervision: walk, /' codes.yaml >alike.yaml
succeed 1 run alike.yaml
expect_error 1 'impute needs a case whose target is a table' 1 impute alike.yaml few.csv
[ ! -e alike/samples.csv ] || fail "numbers under one S became a table"

# One clear line each.
refused() { # MESSAGE TEXT [OPTION...]
  printf "$2" >bad.csv
  printf 'target: {file: bad.csv}\n' >bad.yaml
  expect_error 1 "$1" 1 train bad.yaml -out bad "${@:3}"
}
refused 'bad.csv:3: 2 fields, but line 1 has 3' 'a,b,c\n1,x,2\n1,y\n'
refused 'bad.csv:2: column 2: a quote that does not end' 'a,b\n1,"x\n2,y\n'
refused 'in UTF-16' '\xff\xfea\0'
refused 'the file is empty' ''
refused 'no row of data follows' 'a,b,c\n'
refused "columns 1 and 3 have the same name, 'a'" 'a,b,a\n1,2,x\n3,4,y\n'
refused "column 1, 'id'" "id,b\n$(for i in $(seq 30); do printf '%d,x\\n%d,y\\n' "$i" "$((i + 30))"; done)"
refused "is not in its order \[x, z\]" 'a,b\n1,x\n2,y\n' -target_schema '{b: {order: [x, z]}}'
refused "has no column 'c'" 'a,b\n1,x\n2,y\n' -target_schema '{c: {type: skip}}'
refused "unknown key 'typ', did you mean 'type'" 'a,b\n1,x\n2,y\n' -target_schema '{b: {typ: skip}}'
refused 'needs a column that is not constant' 'a,b\n1,x\n1,x\n'
refused 'space_categories is missing' 'a,b\n1,x\n2,y\n' -train_supervision exact
refused "field 2, 'x', is not a number; without space in the case, columns of words" 'a,b\n1,x\n2,y\n' -space_categories 3 -space_dimensions 2 -train_supervision walk
echo "$errors_seen causes refused"
