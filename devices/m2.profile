# m2: Apple M2 (4 performance cores at 3.5 GHz, 4 efficiency cores), as llama.cpp attains it on the CPU with 4 threads.
#
# Rates are what others published of llama.cpp without the GPU, not what the chip could do at best, so that a prediction is
# of llama.cpp. Nothing here comes from arXiv 2512.16531, whose figures `hartree paper --predict` predicts. What no source
# gives is said to be assumed. There is no peak.*: products of matrices run on the AMX unit, whose rate Apple does not
# publish.
#
# SPDX-License-Identifier: MIT
name = Apple M2 (llama.cpp on the CPU)
isa = i8mm and Accelerate, as llama.cpp uses them
date = 2026-11-21

# llama.cpp's default on this chip: its performance cores. The 4 efficiency cores slow a barrier down more than they help.
cores = 4 # 1, published Apple M2 newsroom 2022-06-06: 4 performance and 4 efficiency cores
memory = 25769803776 # B, published Apple M2 newsroom 2022-06-06: up to 24 GB of unified memory
llc = 16777216 # B, published Apple M2 newsroom 2022-06-06: 16 MB L2 shared by the performance cores
exponent = inf # 1, assumed

# Bytes a token times tokens a second of 7B models in Q4_0 on the CPU of an M2: llama.cpp #10435 (MacBook Air, 4 threads),
# 14.89 tokens/s of 3.75 GB: 55.9 GB/s; the same weights in Q4_0_4_4, 11.93: 44.7; ohtldr.com on a MacBook Pro M2, about 16:
# 60. The median, and the median deviation of the three.
read_bandwidth.4 = 5.59e10 # B/s, published llama.cpp #10435: Llama 2 7B Q4_0, 14.89 tokens/s
noise = 0.073 # 1, published llama.cpp #10435 and ohtldr.com: 44.7, 55.9 and 60 GB/s
# Of the same three machines the slowest takes 55.9 / 44.7 = 1.25 times what this bandwidth says. Three are too few for an
# interval that holds, so it is assumed, and decode's alone.
interval95.4 = 0.25 # 1, assumed
# One core alone: no source found; a quarter of the arithmetic below binds first.
read_bandwidth.1 = 4e10 # B/s, assumed
read_peak.4 = 1.0e11 # B/s, published Apple M2 newsroom 2022-06-06: 100 GB/s of unified memory bandwidth
read_peak.1 = 1.0e11 # B/s, published Apple M2 newsroom 2022-06-06: 100 GB/s of unified memory bandwidth

# A barrier of 4 threads: no source found.
stage.4 = 2e-6 # s, assumed
stage.1 = 5e-7 # s, assumed

# One row. Q5_0: Llama 3.1 8B on the same cores of an M2 Max, 12.27 tokens/s with 4 threads and 6.38 with 2 (15.0 GFLOP a
# token): arithmetic binds, and a core gives 47 GFLOP/s. The other types do more, since Q4_0 attained 197 (14.89 tokens/s of
# 13.2 GFLOP) while memory may have bound it.
linear.f32.decode.4 = 1.5e11 # FLOP/s, assumed
linear.f16.decode.4 = 1.5e11 # FLOP/s, assumed
linear.bf16.decode.4 = 1.5e11 # FLOP/s, assumed
linear.q8_0.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q5_0.decode.4 = 1.84e11 # FLOP/s, published ik_llama.cpp PR 121: llama.cpp, Llama 3.1 8B Q5_0 on M2 Max, 12.27 tokens/s
linear.q5_1.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q4_0.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q4_1.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q2_K.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q3_K.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q4_K.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q5_K.decode.4 = 2.5e11 # FLOP/s, assumed
linear.q6_K.decode.4 = 2.5e11 # FLOP/s, assumed
linear.f32.decode.1 = 3.75e+10 # FLOP/s, assumed
linear.f16.decode.1 = 3.75e+10 # FLOP/s, assumed
linear.bf16.decode.1 = 3.75e+10 # FLOP/s, assumed
linear.q8_0.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q5_0.decode.1 = 4.8e10 # FLOP/s, published ik_llama.cpp PR 121: 6.38 tokens/s with 2 threads
linear.q5_1.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q4_0.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q4_1.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q2_K.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q3_K.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q4_K.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q5_K.decode.1 = 6.25e+10 # FLOP/s, assumed
linear.q6_K.decode.1 = 6.25e+10 # FLOP/s, assumed

# Up to how many rows a weight is read where it lies, and not unpacked for all rows at once: those of this program's `dotprod`
# kernels, by counts of their instructions (docs/kernels.md); float weights as tensor/linear.h has them.
linear.f32.few = 15 # 1, assumed
linear.f16.few = 15 # 1, assumed
linear.bf16.few = 15 # 1, assumed
linear.q8_0.few = 7 # 1, assumed
linear.q5_0.few = 5 # 1, assumed
linear.q5_1.few = 5 # 1, assumed
linear.q4_0.few = 3 # 1, assumed
linear.q4_1.few = 6 # 1, assumed
linear.q2_K.few = 6 # 1, assumed
linear.q3_K.few = 5 # 1, assumed
linear.q4_K.few = 7 # 1, assumed
linear.q5_K.few = 6 # 1, assumed
linear.q6_K.few = 3 # 1, assumed

# Many rows: llama.cpp hands them to Accelerate, whatever the type: Llama 2 7B in Q4_0 at 60.48 prompt tokens/s (6.476 G
# weights of the layers). Without Accelerate (PR 121, M2 Max, 8 threads, Q5_0: 26.49 prompt tokens/s) it is 3.9 times less
# for 4 cores.
linear.f32.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.f16.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.bf16.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q8_0.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q5_0.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q5_1.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q4_0.prefill.4 = 7.83e11 # FLOP/s, published llama.cpp #10435: Llama 2 7B Q4_0, 60.48 prompt tokens/s
linear.q4_1.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q2_K.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q3_K.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q4_K.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q5_K.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.q6_K.prefill.4 = 7.83e11 # FLOP/s, assumed
linear.f32.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.f16.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.bf16.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q8_0.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q5_0.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q5_1.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q4_0.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q4_1.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q2_K.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q3_K.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q4_K.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q5_K.prefill.1 = 1.9575e+11 # FLOP/s, assumed
linear.q6_K.prefill.1 = 1.9575e+11 # FLOP/s, assumed

# Bound by memory, like the weights.
attend.f32.decode.4 = 8e10 # FLOP/s, assumed
attend.f32.decode.1 = 2e10 # FLOP/s, assumed
attend.f16.decode.4 = 8e10 # FLOP/s, assumed
attend.f16.decode.1 = 2e10 # FLOP/s, assumed
attend.q8_0.decode.4 = 8e10 # FLOP/s, assumed
attend.q8_0.decode.1 = 2e10 # FLOP/s, assumed
# Also by Accelerate, in smaller products: no source found.
attend.f32.prefill.4 = 2e11 # FLOP/s, assumed
attend.f32.prefill.1 = 5e10 # FLOP/s, assumed
attend.f16.prefill.4 = 2e11 # FLOP/s, assumed
attend.f16.prefill.1 = 5e10 # FLOP/s, assumed
attend.q8_0.prefill.4 = 2e11 # FLOP/s, assumed
attend.q8_0.prefill.1 = 5e10 # FLOP/s, assumed

# The other ops work on rows that lie in a cache; their share of a run is a few per cent at most.
vector.embed.decode.4 = 4e10 # B/s, assumed
vector.embed.prefill.4 = 4e10 # B/s, assumed
vector.embed.decode.1 = 1e10 # B/s, assumed
vector.embed.prefill.1 = 1e10 # B/s, assumed
vector.angles.decode.4 = 4e10 # B/s, assumed
vector.angles.prefill.4 = 4e10 # B/s, assumed
vector.angles.decode.1 = 1e10 # B/s, assumed
vector.angles.prefill.1 = 1e10 # B/s, assumed
vector.norm.decode.4 = 4e10 # B/s, assumed
vector.norm.prefill.4 = 4e10 # B/s, assumed
vector.norm.decode.1 = 1e10 # B/s, assumed
vector.norm.prefill.1 = 1e10 # B/s, assumed
vector.quantise.decode.4 = 4e10 # B/s, assumed
vector.quantise.prefill.4 = 4e10 # B/s, assumed
vector.quantise.decode.1 = 1e10 # B/s, assumed
vector.quantise.prefill.1 = 1e10 # B/s, assumed
vector.rope.decode.4 = 4e10 # B/s, assumed
vector.rope.prefill.4 = 4e10 # B/s, assumed
vector.rope.decode.1 = 1e10 # B/s, assumed
vector.rope.prefill.1 = 1e10 # B/s, assumed
vector.store.decode.4 = 4e10 # B/s, assumed
vector.store.prefill.4 = 4e10 # B/s, assumed
vector.store.decode.1 = 1e10 # B/s, assumed
vector.store.prefill.1 = 1e10 # B/s, assumed
vector.glu.decode.4 = 4e10 # B/s, assumed
vector.glu.prefill.4 = 4e10 # B/s, assumed
vector.glu.decode.1 = 1e10 # B/s, assumed
vector.glu.prefill.1 = 1e10 # B/s, assumed
vector.add.decode.4 = 4e10 # B/s, assumed
vector.add.prefill.4 = 4e10 # B/s, assumed
vector.add.decode.1 = 1e10 # B/s, assumed
vector.add.prefill.1 = 1e10 # B/s, assumed
vector.gather.decode.4 = 4e10 # B/s, assumed
vector.gather.prefill.4 = 4e10 # B/s, assumed
vector.gather.decode.1 = 1e10 # B/s, assumed
vector.gather.prefill.1 = 1e10 # B/s, assumed
# What only a vision tower does (a few per cent of it): as the others. Its rates of F16 weights and of attention stand above.
vector.patches.prefill.4 = 4e10 # B/s, assumed
vector.patches.prefill.1 = 1e10 # B/s, assumed
vector.grid_angles.prefill.4 = 4e10 # B/s, assumed
vector.grid_angles.prefill.1 = 1e10 # B/s, assumed
vector.layer_norm.prefill.4 = 4e10 # B/s, assumed
vector.layer_norm.prefill.1 = 1e10 # B/s, assumed
vector.act.prefill.4 = 4e10 # B/s, assumed
vector.act.prefill.1 = 1e10 # B/s, assumed

# Powers. Idle: a Mac mini with this chip at the wall; a laptop of the same year lies around it, with its display and
# battery. Running: all CPU cores at work take 20 W (Notebookcheck on the MacBook Pro 13); four of them waiting for memory
# take less, down to the "few watts" of arXiv 2502.05317. No source tells bytes from arithmetic, so there are no other
# energy terms.
energy.idle = 7 # W, published Apple support: Mac mini (M2, 2023), idle
energy.idle.low95 = 4 # W, assumed
energy.idle.high95 = 10 # W, assumed
energy.active = 14 # W, assumed
energy.active.low95 = 8 # W, assumed
energy.active.high95 = 20 # W, published Notebookcheck, MacBook Pro 13 (M2, 2022): CPU at full load
