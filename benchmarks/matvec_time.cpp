// Times one product with a constant matrix: reads MATVEC_SAMPLES inputs of MATVEC_SIZE words from a file, computes all
// of them MATVEC_ROUNDS times, writes the products of the last round to another file, and prints the seconds of the
// fastest round, in processor time, so that other jobs on the machine matter less.
// -DMATVEC_HLS4ML or -DMATVEC_DA4ML for the C++ that those tools generate; otherwise the array of mondeq_engine.h.
#include <cstdio>
#include <ctime>
#include <vector>

#if defined(MATVEC_HLS4ML)
#include "firmware/dense.h"
typedef input_t input;
typedef result_t output;
static void product(input x[MATVEC_SIZE], output y[MATVEC_SIZE]) {
    dense(x, y);
}
#elif defined(MATVEC_DA4ML)
#include "src/dense.hh"
typedef ap_ufixed<MATVEC_INPUT_BITS, MATVEC_INPUT_BITS> input;
typedef ap_fixed<MATVEC_OUTPUT_BITS, MATVEC_OUTPUT_BITS> output;
static void product(input x[MATVEC_SIZE], output y[MATVEC_SIZE]) {
    comb_logic::dense(x, y);
}
#else
#include "mondeq_weights.h"
using namespace mondeq;
typedef phi_word input;
typedef accumulator output;
static void product(input x[MATVEC_SIZE], output y[MATVEC_SIZE]) {
    for (int group = 0; group < solve_row_groups; group++) {
        output sum[solve_pe];
        clear(sum);
        for (int step = 0; step < solve_column_groups; step++) {
            input operand[solve_simd];
            for (int lane = 0; lane < solve_simd; lane++) {
                const int column = step * solve_simd + lane;
                operand[lane] = column < MATVEC_SIZE ? x[column] : input(0);
            }
            multiply_accumulate<matrix_weight_bits>(matrix_weights[group][step], operand, sum);
        }
        for (int lane = 0; lane < solve_pe; lane++) {
            if (group * solve_pe + lane < MATVEC_SIZE) y[group * solve_pe + lane] = sum[lane];
        }
    }
}
#endif

int main(int, char **names) {
    std::vector<input> x(MATVEC_SAMPLES * MATVEC_SIZE);
    std::vector<output> y(MATVEC_SAMPLES * MATVEC_SIZE);
    FILE *in = std::fopen(names[1], "r"), *out = std::fopen(names[2], "w");
    if (!in || !out) return 2;
    for (input &word : x) {
        long value;
        if (std::fscanf(in, "%ld", &value) != 1) return 2;
        word = value;
    }
    product(&x[0], &y[0]);  // hls4ml reads its weights from files in the first call
    double fastest = 1e9;
    for (int round = 0; round < MATVEC_ROUNDS; round++) {
        const std::clock_t begin = std::clock();
        for (int i = 0; i < MATVEC_SAMPLES; i++) product(&x[i * MATVEC_SIZE], &y[i * MATVEC_SIZE]);
        const double passed = double(std::clock() - begin) / CLOCKS_PER_SEC;
        if (passed < fastest) fastest = passed;
    }
    for (const output &word : y) std::fprintf(out, "%ld\n", long(word));
    std::printf("%.9f\n", fastest);
    return 0;
}
