// The three engines of one sample: drive, solve, readout.
#ifndef MONDEQ_SOLVER_H
#define MONDEQ_SOLVER_H

#include "mondeq_engine.h"
#include "mondeq_trace.h"
#include "mondeq_weights.h"

namespace mondeq {

// ---- drive: d = ((U x << left) + bias) rounded to the accumulator grid of each row; so is u of a feed-through ------

inline drive_word drive_result(int row, drive_sum sum) {
#pragma HLS INLINE
    const drive_accumulator fine = (drive_accumulator(sum) << drive_left_shift) + drive_bias[row];
    return round_shift(fine, drive_right_shift[row]);
}

// sum[p] += drive[p][.] * x[.] for every row p of a group, with the columns of one step.
inline void drive_step(int group, int step, const input_word (&x)[drive_simd], drive_sum (&sum)[drive_pe]) {
#pragma HLS INLINE
#if MONDEQ_DRIVE_TABLES
    for (int table = 0; table < drive_tables; table++) {
#pragma HLS UNROLL
        ap_uint<drive_table_words * input_bits> place = 0;
        for (int word = 0; word < drive_table_words; word++) {
#pragma HLS UNROLL
            const int column = table * drive_table_words + word;
            if (column < drive_simd) place.range((word + 1) * input_bits - 1, word * input_bits) = x[column];
        }
        for (int lane = 0; lane < drive_pe; lane++) {
#pragma HLS UNROLL
            sum[lane] += drive_sums[group][step][table][place][lane];
        }
    }
#else
    multiply_accumulate<drive_weight_bits>(drive_weights[group][step], x, sum);
#endif
}

inline void drive(const input_word x[drive_column_groups][drive_simd], drive_word d[state_size],
                  drive_word u[direct_size]) {
#if MONDEQ_DRIVE_TABLES
#pragma HLS ARRAY_PARTITION variable=drive_sums complete dim=3
#pragma HLS ARRAY_RESHAPE variable=drive_sums complete dim=5
#pragma HLS BIND_STORAGE variable=drive_sums type=rom_1p
#else
#pragma HLS ARRAY_RESHAPE variable=drive_weights complete dim=3
#pragma HLS ARRAY_RESHAPE variable=drive_weights complete dim=4
#pragma HLS BIND_STORAGE variable=drive_weights type=rom_1p
#endif
    drive_sum sum[drive_pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
    for (int group = 0; group < drive_row_groups; group++) {
        for (int step = 0; step < drive_column_groups; step++) {
#pragma HLS PIPELINE II=1
            if (step == 0) clear(sum);
            input_word operand[drive_simd];
#pragma HLS ARRAY_PARTITION variable=operand complete
            for (int column = 0; column < drive_simd; column++) {
#pragma HLS UNROLL
                operand[column] = x[step][column];
            }
            drive_step(group, step, operand, sum);
            if (step == drive_column_groups - 1) {
                for (int lane = 0; lane < drive_pe; lane++) {
#pragma HLS UNROLL
                    const int row = group * drive_pe + lane;
                    if (row < state_size) {
                        d[row] = drive_result(row, sum[lane]);
                    } else if (row < drive_rows) {
                        u[row - state_size] = drive_result(row, sum[lane]);
                    }
                }
            }
        }
    }
}

// ---- solve: s <- sat(round(M phi(s) + leak phi(s) + d)), at most `iterations` times ------------------------------

inline int kind_of(int row) {
#pragma HLS INLINE
    return clip_rows[clip_kinds > 1 ? row : 0];
}

inline phi_word phi(int row, state_word state) {
#pragma HLS INLINE
    return phi_reflects ? reflection_of(kind_of(row), state) : prox_of(kind_of(row), state);
}

inline prox_word prox(int row, state_word state) {
#pragma HLS INLINE
    return prox_of(kind_of(row), state);
}

inline state_word round_and_saturate(int row, accumulator value) {
#pragma HLS INLINE
    return saturate(round_shift(value, matrix_shift[row]));
}

// (1 - 2^-a) 2^g phi, the dyadic diagonal: a subtraction and two shifts. Zero without leak (a = 0).
inline accumulator leak(int row, phi_word phi) {
#pragma HLS INLINE
    typedef ap_int<phi_word::width + 1 + leak_shift> wide;
    const wide scaled = (wide(phi) << leak_shift) - phi;
    return accumulator(scaled) << (matrix_shift[row] - leak_shift);
}

inline void start(const drive_word d[state_size], state_word state[state_size]) {
    for (int row = 0; row < state_size; row++) {
#pragma HLS PIPELINE II=1
#pragma HLS UNROLL factor=solve_pe
        state[row] = round_and_saturate(row, d[row]);
        MONDEQ_TRACE_STATE(0, row, state[row]);
    }
}

inline void update(const drive_word d[state_size], const state_word state[state_size], state_word next[state_size]) {
#pragma HLS INLINE
    accumulator sum[solve_pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
    for (int group = 0; group < solve_row_groups; group++) {
        for (int step = 0; step < solve_column_groups; step++) {
#pragma HLS PIPELINE II=1
            if (step == 0) clear(sum);
            phi_word operand[solve_simd];
#pragma HLS ARRAY_PARTITION variable=operand complete
            for (int lane = 0; lane < solve_simd; lane++) {
#pragma HLS UNROLL
                const int column = step * solve_simd + lane;
                operand[lane] = column < state_size ? phi(column, state[column]) : phi_word(0);
            }
            multiply_accumulate<matrix_weight_bits>(matrix_weights[group][step], operand, sum);
            if (step == solve_column_groups - 1) {
                for (int lane = 0; lane < solve_pe; lane++) {
#pragma HLS UNROLL
                    const int row = group * solve_pe + lane;
                    if (row < state_size) {
                        const accumulator total = sum[lane] + d[row] + leak(row, phi(row, state[row]));
                        next[row] = round_and_saturate(row, total);
                    }
                }
            }
        }
    }
}

// Take the new state over; true when a row changed. The states are registers, so this is one cycle.
inline bool advance(int iteration, state_word state[state_size], const state_word next[state_size]) {
#pragma HLS INLINE
    bool changed = false;
    for (int row = 0; row < state_size; row++) {
#pragma HLS UNROLL
        changed |= next[row] != state[row];
        state[row] = next[row];
        MONDEQ_TRACE_STATE(iteration, row, state[row]);
    }
    return changed;
}

// Of a warm start: the state of the sample before, and whether there has been one since the reset.
#if MONDEQ_STARTS_WARM
static state_word state[state_size];
static bool settled = false;
#endif

inline void solve(const drive_word d[state_size], prox_word z[state_size]) {
#pragma HLS ARRAY_RESHAPE variable=matrix_weights complete dim=3
#pragma HLS ARRAY_RESHAPE variable=matrix_weights complete dim=4
#pragma HLS BIND_STORAGE variable=matrix_weights type=rom_1p
    int first = 1;
#if MONDEQ_STARTS_WARM
#pragma HLS RESET variable=settled
    if (settled) {
        first = first_warm_update;
    } else {
        start(d, state);
    }
    settled = true;
#else
    state_word state[state_size];
    start(d, state);
#endif
    state_word next[state_size];
#pragma HLS ARRAY_PARTITION variable=state complete
#pragma HLS ARRAY_PARTITION variable=next complete
    for (int iteration = first; iteration <= iterations; iteration++) {
#pragma HLS LOOP_TRIPCOUNT min=1 max=iterations
        update(d, state, next);
        const bool changed = advance(iteration, state, next);
        if (!changed && !fixed_time) break;  // an exact fixed point: further updates change nothing
    }
    for (int row = 0; row < state_size; row++) {
#pragma HLS UNROLL
        z[row] = prox(row, state[row]);
    }
}

// ---- readout: y = ((O z + u) << left) + bias on one common grid, so that argmax on integers is argmax ------------

inline output_word readout_result(int row, output_word sum) {
#pragma HLS INLINE
    return (sum << readout_left_shift[row]) + readout_bias[row];
}

inline void readout(const prox_word z[state_size], const drive_word u[direct_size], output_word y[readout_rows]) {
#pragma HLS ARRAY_RESHAPE variable=readout_weights complete dim=3
#pragma HLS ARRAY_RESHAPE variable=readout_weights complete dim=4
#pragma HLS BIND_STORAGE variable=readout_weights type=rom_1p
    readout_sum sum[readout_pe];
#pragma HLS ARRAY_PARTITION variable=sum complete
    for (int group = 0; group < readout_row_groups; group++) {
        for (int step = 0; step < readout_column_groups; step++) {
#pragma HLS PIPELINE II=1
            if (step == 0) clear(sum);
            prox_word operand[readout_simd];
#pragma HLS ARRAY_PARTITION variable=operand complete
            for (int lane = 0; lane < readout_simd; lane++) {
#pragma HLS UNROLL
                const int column = step * readout_simd + lane;
                operand[lane] = column < state_size ? z[column] : prox_word(0);
            }
            multiply_accumulate<readout_weight_bits>(readout_weights[group][step], operand, sum);
            if (step == readout_column_groups - 1) {
                for (int lane = 0; lane < readout_pe; lane++) {
#pragma HLS UNROLL
                    const int row = group * readout_pe + lane;
                    if (row < readout_rows) {
                        const output_word direct = feedthrough ? output_word(u[row]) : output_word(0);
                        y[row] = readout_result(row, sum[lane] + direct);
                    }
                }
            }
        }
    }
}

// ---- carried state: the outputs' last rows, rounded and saturated to input words ---------------------------------

inline input_word next_carried(output_word y) {
#pragma HLS INLINE
    const long long least = -(1LL << (input_bits - 1)), most = (1LL << (input_bits - 1)) - 1;
    const ap_int<output_word::width + 1> wide = y;
    const ap_int<output_word::width + 1> rounded = round_shift(wide, carried_shift);
    if (rounded < least) return least;
    if (rounded > most) return most;
    return rounded;
}

}  // namespace mondeq

#endif
