.include x
r1 a b 0
r2 a b 2.5e-3mil // c
V1 (a,b) 3
