# rpi5: Raspberry Pi 5 (BCM2712, 4 Cortex-A76 at 2.4 GHz), as llama.cpp attains it with 4 threads.
#
# Rates are what others published of llama.cpp (or Ollama, which runs it) on this board, not what the board could do at
# best, so that a prediction is of llama.cpp. Nothing here comes from arXiv 2512.16531, whose figures `hartree paper
# --predict` predicts. What no source gives is said to be assumed.
#
# SPDX-License-Identifier: MIT
name = Raspberry Pi 5 (llama.cpp)
isa = dotprod, as llama.cpp uses it
date = 2026-11-21

cores = 4 # 1, published Raspberry Pi 5 product brief: 4 Cortex-A76 at 2.4 GHz
memory = 17179869184 # B, published Raspberry Pi 5 product brief: up to 16 GB
llc = 2097152 # B, published Raspberry Pi 5 product brief: 2 MB shared L3
# Read as the greater of arithmetic and memory: the bandwidth below is what decoding attained, arithmetic included.
exponent = inf # 1, assumed

# Bytes a token times tokens a second, as attained by llama.cpp and Ollama with 4 threads on boards that others measured:
# llama.cpp #26484, Qwen2.5-0.5B in Q2_K, Q3_K_M, Q4_K_M, Q5_K_M, Q8_0: 10.29 10.09 10.25 9.76 10.55 GB/s, and Q8_0 by wait
# policy active or passive: 9.99 9.27; geerlingguy/ai-benchmarks #7, Llama 3.1 8B at 1.87 2.05 2.17 tokens/s and Llama 3.2
# 3B at 4.51 4.59 4.88: 8.6 9.5 10.0 and 9.1 9.3 9.8; #24, Llama 3.2 3B at 5.55 on a Pi 500+: 11.2; llama.cpp PRs 19356 and
# 19360, LFM2-700M in Q5_K at 21.57 and Q6_K at 19.08: 11.3 11.6. The median of these sixteen is 10.0, the median deviation
# 5.4 %.
read_bandwidth.4 = 1.00e10 # B/s, published median of llama.cpp #26484, PRs 19356, 19360; ai-benchmarks #7, #24
noise = 0.054 # 1, published the same sixteen figures: median deviation over median
# Nine published decode speeds (tests/paper.c lists them) differ from the predicted by 4.9 % (standard deviation); Student's t
# makes that 11.8 % of another. It is decoding's: prefill has too few published figures.
interval95.4 = 0.118 # 1, published residuals of nine decode speeds: llama.cpp #26484, ai-benchmarks #7; decode's alone
# One core alone: no source found.
read_bandwidth.1 = 7e9 # B/s, assumed
# The bus itself: LPDDR4X-4267, 32 bits. hellomatik.com/research sustained 11.4 GB/s on it.
read_peak.4 = 1.7068e10 # B/s, published Raspberry Pi 5 product brief: LPDDR4X-4267 SDRAM
read_peak.1 = 1.7068e10 # B/s, published Raspberry Pi 5 product brief: LPDDR4X-4267 SDRAM

# Two 128-bit pipes a core at 2.4 GHz (Arm Cortex-A76 Software Optimization Guide, section 3: SDOT and FMLA 2 a cycle): 64
# or 16 FLOPs a cycle and core.
peak.i8.4 = 6.144e11 # FLOP/s, published Arm Cortex-A76 Software Optimization Guide: 2 SDOT a cycle
peak.i8.1 = 1.536e11 # FLOP/s, published Arm Cortex-A76 Software Optimization Guide: 2 SDOT a cycle
peak.f32.4 = 1.536e11 # FLOP/s, published Arm Cortex-A76 Software Optimization Guide: 2 FMLA a cycle
peak.f32.1 = 3.84e10 # FLOP/s, published Arm Cortex-A76 Software Optimization Guide: 2 FMLA a cycle

# A barrier of 4 threads; what it costs llama.cpp is within the bandwidth above.
stage.4 = 2e-6 # s, assumed
stage.1 = 5e-7 # s, assumed

# One row. #26484 found the same GB/s in five types, so none is bound by its arithmetic at 4 threads; how far above its
# arithmetic would go, nobody published.
linear.f32.decode.4 = 4e10 # FLOP/s, assumed
linear.f16.decode.4 = 4e10 # FLOP/s, assumed
linear.bf16.decode.4 = 4e10 # FLOP/s, assumed
linear.q8_0.decode.4 = 8e10 # FLOP/s, assumed
linear.q5_0.decode.4 = 8e10 # FLOP/s, assumed
linear.q5_1.decode.4 = 8e10 # FLOP/s, assumed
linear.q4_0.decode.4 = 8e10 # FLOP/s, assumed
linear.q4_1.decode.4 = 8e10 # FLOP/s, assumed
linear.q2_K.decode.4 = 8e10 # FLOP/s, assumed
linear.q3_K.decode.4 = 8e10 # FLOP/s, assumed
linear.q4_K.decode.4 = 8e10 # FLOP/s, assumed
linear.q5_K.decode.4 = 8e10 # FLOP/s, assumed
linear.q6_K.decode.4 = 8e10 # FLOP/s, assumed
linear.f32.decode.1 = 1e+10 # FLOP/s, assumed
linear.f16.decode.1 = 1e+10 # FLOP/s, assumed
linear.bf16.decode.1 = 1e+10 # FLOP/s, assumed
linear.q8_0.decode.1 = 2e+10 # FLOP/s, assumed
linear.q5_0.decode.1 = 2e+10 # FLOP/s, assumed
linear.q5_1.decode.1 = 2e+10 # FLOP/s, assumed
linear.q4_0.decode.1 = 2e+10 # FLOP/s, assumed
linear.q4_1.decode.1 = 2e+10 # FLOP/s, assumed
linear.q2_K.decode.1 = 2e+10 # FLOP/s, assumed
linear.q3_K.decode.1 = 2e+10 # FLOP/s, assumed
linear.q4_K.decode.1 = 2e+10 # FLOP/s, assumed
linear.q5_K.decode.1 = 2e+10 # FLOP/s, assumed
linear.q6_K.decode.1 = 2e+10 # FLOP/s, assumed

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

# Many rows: prompt tokens a second times two FLOPs for each weight of the layers. Q4_0: Llama 2 7B at 8.10 tokens/s (6.476
# G weights). Q8_0: TinyLlama at 45 (0.969 G), with the kernels that llama.cpp took over from llamafile. Q5_K and Q6_K:
# LFM2-700M at 47.06 and 39.93 (0.642 G), without repacking; with it they are 1.91 and 2.65 times as fast. Q4_K: Q5_K's rate
# times 1.41, the ratio of the two on another CPU with the same instructions (344 against 244 tokens/s, PRs 17494 and
# 19356). F16: between whisper.cpp #89 (medium encoder, 1.13 TFLOP in 26.4 s: 43 GFLOP/s, of 2023) and mudler/vllm.cpp #284
# (llama.cpp at 27.8 tokens/s of a 1.9 G model in BF16 and Q8_0: about 105). The rest: as the slower of their relatives.
linear.f32.prefill.4 = 6e10 # FLOP/s, assumed
linear.f16.prefill.4 = 6.7e10 # FLOP/s, assumed
linear.bf16.prefill.4 = 6.7e10 # FLOP/s, assumed
linear.q8_0.prefill.4 = 8.7e10 # FLOP/s, published justine.lol/matmul: TinyLlama Q8_0 on RPI5, 45 prompt tokens/s
linear.q5_0.prefill.4 = 6e10 # FLOP/s, assumed
linear.q5_1.prefill.4 = 6e10 # FLOP/s, assumed
linear.q4_0.prefill.4 = 1.05e11 # FLOP/s, published llama.cpp PR 6928: Llama 2 7B Q4_0, 8.10 prompt tokens/s
linear.q4_1.prefill.4 = 6e10 # FLOP/s, assumed
linear.q2_K.prefill.4 = 6e10 # FLOP/s, assumed
linear.q3_K.prefill.4 = 6e10 # FLOP/s, assumed
linear.q4_K.prefill.4 = 8.5e10 # FLOP/s, assumed
linear.q5_K.prefill.4 = 6.04e10 # FLOP/s, published llama.cpp PR 19356: LFM2-700M Q5_K, 47.06 prompt tokens/s
linear.q6_K.prefill.4 = 5.13e10 # FLOP/s, published llama.cpp PR 19360: LFM2-700M Q6_K, 39.93 prompt tokens/s
linear.f32.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.f16.prefill.1 = 1.675e+10 # FLOP/s, assumed
linear.bf16.prefill.1 = 1.675e+10 # FLOP/s, assumed
linear.q8_0.prefill.1 = 2.175e+10 # FLOP/s, assumed
linear.q5_0.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.q5_1.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.q4_0.prefill.1 = 2.625e+10 # FLOP/s, assumed
linear.q4_1.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.q2_K.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.q3_K.prefill.1 = 1.5e+10 # FLOP/s, assumed
linear.q4_K.prefill.1 = 2.125e+10 # FLOP/s, assumed
linear.q5_K.prefill.1 = 1.51e+10 # FLOP/s, assumed
linear.q6_K.prefill.1 = 1.2825e+10 # FLOP/s, assumed

# Bound by memory, like the weights.
attend.f32.decode.4 = 2e10 # FLOP/s, assumed
attend.f32.decode.1 = 5e9 # FLOP/s, assumed
attend.f16.decode.4 = 2e10 # FLOP/s, assumed
attend.f16.decode.1 = 5e9 # FLOP/s, assumed
attend.q8_0.decode.4 = 2e10 # FLOP/s, assumed
attend.q8_0.decode.1 = 5e9 # FLOP/s, assumed
# As whisper.cpp's encoder on the same board (see F16), a quarter of whose work is attention.
attend.f32.prefill.4 = 4.3e10 # FLOP/s, assumed
attend.f32.prefill.1 = 1.1e10 # FLOP/s, assumed
attend.f16.prefill.4 = 4.3e10 # FLOP/s, assumed
attend.f16.prefill.1 = 1.1e10 # FLOP/s, assumed
attend.q8_0.prefill.4 = 4.3e10 # FLOP/s, assumed
attend.q8_0.prefill.1 = 1.1e10 # FLOP/s, assumed

# The other ops work on rows that lie in a cache; their share of a run is a few per cent at most.
vector.embed.decode.4 = 1.6e10 # B/s, assumed
vector.embed.prefill.4 = 1.6e10 # B/s, assumed
vector.embed.decode.1 = 4e9 # B/s, assumed
vector.embed.prefill.1 = 4e9 # B/s, assumed
vector.angles.decode.4 = 1.6e10 # B/s, assumed
vector.angles.prefill.4 = 1.6e10 # B/s, assumed
vector.angles.decode.1 = 4e9 # B/s, assumed
vector.angles.prefill.1 = 4e9 # B/s, assumed
vector.norm.decode.4 = 1.6e10 # B/s, assumed
vector.norm.prefill.4 = 1.6e10 # B/s, assumed
vector.norm.decode.1 = 4e9 # B/s, assumed
vector.norm.prefill.1 = 4e9 # B/s, assumed
vector.quantise.decode.4 = 1.6e10 # B/s, assumed
vector.quantise.prefill.4 = 1.6e10 # B/s, assumed
vector.quantise.decode.1 = 4e9 # B/s, assumed
vector.quantise.prefill.1 = 4e9 # B/s, assumed
vector.rope.decode.4 = 1.6e10 # B/s, assumed
vector.rope.prefill.4 = 1.6e10 # B/s, assumed
vector.rope.decode.1 = 4e9 # B/s, assumed
vector.rope.prefill.1 = 4e9 # B/s, assumed
vector.store.decode.4 = 1.6e10 # B/s, assumed
vector.store.prefill.4 = 1.6e10 # B/s, assumed
vector.store.decode.1 = 4e9 # B/s, assumed
vector.store.prefill.1 = 4e9 # B/s, assumed
vector.glu.decode.4 = 1.6e10 # B/s, assumed
vector.glu.prefill.4 = 1.6e10 # B/s, assumed
vector.glu.decode.1 = 4e9 # B/s, assumed
vector.glu.prefill.1 = 4e9 # B/s, assumed
vector.add.decode.4 = 1.6e10 # B/s, assumed
vector.add.prefill.4 = 1.6e10 # B/s, assumed
vector.add.decode.1 = 4e9 # B/s, assumed
vector.add.prefill.1 = 4e9 # B/s, assumed
vector.gather.decode.4 = 1.6e10 # B/s, assumed
vector.gather.prefill.4 = 1.6e10 # B/s, assumed
vector.gather.decode.1 = 4e9 # B/s, assumed
vector.gather.prefill.1 = 4e9 # B/s, assumed
# What only a vision tower does (a few per cent of it): as the others. Its rates of F16 weights and of attention stand above.
vector.patches.prefill.4 = 1.6e10 # B/s, assumed
vector.patches.prefill.1 = 4e9 # B/s, assumed
vector.grid_angles.prefill.4 = 1.6e10 # B/s, assumed
vector.grid_angles.prefill.1 = 4e9 # B/s, assumed
vector.layer_norm.prefill.4 = 1.6e10 # B/s, assumed
vector.layer_norm.prefill.1 = 4e9 # B/s, assumed
vector.act.prefill.4 = 1.6e10 # B/s, assumed
vector.act.prefill.1 = 4e9 # B/s, assumed

# Joules at the board's input. Idle: 0.65 A and 0.60 A at 5.1 V. Running: the five decoding runs of #26484, whose joules a token
# (the board's own sensors) are fitted by a Q + b I, Q the bytes and I the instructions of a token, with errors relative to
# each; 1.1451 x + 0.5879 W of jfikar/RPi5-power carries that to the input. a = 0.4708 J/GB is in decoding a power, 4.71 W at
# the bandwidth above: 5.98 W at the input, of which idle is a part. b = 0.3984 nJ an instruction, 0.2281 at the input for each
# of the two FLOPs of a weight. Instructions a weight are those of this program's `dotprod` kernels (the heads of
# kernels/*_dot_dotprod.c), counted apart from any joule: llama.cpp's own are not published. tests/pi_sweep.c works all of it
# out again. It was fitted to decoding alone; of Llama 3.1 8B's prompts it says 11 W, where ai-benchmarks #7 saw peaks of 10.8
# and 11.6 W. No source tells attention or the other ops apart: they are part of the power.
energy.idle = 3.2 # W, published iiab/iiab #4050 (0.65 A) and gist jace/352d5f64 (0.60 A)
energy.idle.low95 = 3.1 # W, published gist jace/352d5f64: 5.13 V, 0.60 A
energy.idle.high95 = 3.3 # W, published iiab/iiab #4050: 0.65 A
energy.active = 2.78 # W, published llama.cpp #26484 through jfikar/RPi5-power: 0.4708 J/GB
# The residuals of the five, as below: 21 % of some 7.7 W.
energy.active.low95 = 1.2 # W, assumed
energy.active.high95 = 4.4 # W, assumed
energy.linear.q8_0 = 4.79e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.21 instructions a weight
energy.linear.q5_0 = 1.049e-10 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.46 instructions a weight
energy.linear.q5_1 = 1.209e-10 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.53 instructions a weight
energy.linear.q4_0 = 6.387e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.28 instructions a weight
energy.linear.q4_1 = 7.527e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.33 instructions a weight
energy.linear.q2_K = 8.668e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.38 instructions a weight
energy.linear.q3_K = 1.232e-10 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.54 instructions a weight
energy.linear.q4_K = 5.93e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.26 instructions a weight
energy.linear.q5_K = 9.124e-11 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.40 instructions a weight
energy.linear.q6_K = 1.026e-10 # J/FLOP, published llama.cpp #26484 through jfikar/RPi5-power: 0.45 instructions a weight
# Float weights: a quarter of an instruction for the multiply-add, and a tenth for loads and conversions that many rows share.
energy.linear.f32 = 8e-11 # J/FLOP, assumed
energy.linear.f16 = 8e-11 # J/FLOP, assumed
energy.linear.bf16 = 8e-11 # J/FLOP, assumed
# The same residuals, for one run more: 5.7 % times 3.18 (Student's t) times the root of 1 + 2 / 5.
energy.interval95 = 0.21 # 1, published residuals of five decoding runs: llama.cpp #26484
# The correction to the input was fitted on one board.
energy.gain_error = 0.05 # 1, assumed
