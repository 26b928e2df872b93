// Testbench: mondeq_tb WORDS OUTPUTS [TRACE]
//   WORDS    input words, decimal, input_size of them a sample
//   OUTPUTS  one line a sample, output_size words, sign-extended to whole bytes, hexadecimal; behind them TUSER, if any
//   TRACE    (compiled with MONDEQ_TRACE) one line a state word: sample iteration row value
// mondeq_tb --check WORDS EXPECTED   compares with expected output lines; exit code 1 on a mismatch
// mondeq_tb --sizes                  prints input_size input_bits output_size state_size iterations input_signed flags
#include "mondeq_top.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

using namespace mondeq;

#ifdef MONDEQ_TRACE
static FILE* trace_file = nullptr;
static long trace_sample = 0;

void mondeq_trace(int iteration, int row, long long value) {
    if (trace_file) std::fprintf(trace_file, "%ld %d %d %lld\n", trace_sample, iteration, row, value);
}
#endif

// Pack one sample into beats, little end first. False at the end of the file.
static bool write_sample(FILE* words, input_stream& s_axis) {
    unsigned long long word = 0;
    for (int beat = 0; beat < beats_per_sample; beat++) {
        ap_uint<input_tdata_bits> data = 0;
        for (int lane = 0; lane < words_per_beat; lane++) {
            if (beat * words_per_beat + lane >= input_size) break;
            if (std::fscanf(words, "%llu", &word) != 1) return false;
            data.range(lane * input_lane_bits + input_bits - 1, lane * input_lane_bits) = word;
        }
        s_axis.write(Axis<input_tdata_bits>::make(data, beat == beats_per_sample - 1));
    }
    return true;
}

static const int shown_bits = (output_word::width + 7) / 8 * 8;

static std::string hexadecimal(ap_int<shown_bits> data) {
    std::string digits;
    for (int low = shown_bits - 4; low >= 0; low -= 4) {
        const ap_uint<4> nibble = data.range(low + 3, low);
        digits += "0123456789abcdef"[nibble.to_uint()];
    }
    return digits;
}

// One output line; complains when TLAST does not come with the last beat and only with it, padding is not zero, or TUSER
// changes within the sample.
static std::string read_sample(output_stream& m_axis, long sample) {
    std::string line;
    bool flag = false;
    for (int beat = 0; beat < output_beats; beat++) {
        OutputAxis::word received = m_axis.read();
        if ((received.last == 1) != (beat == output_beats - 1)) {
            std::cerr << "sample " << sample << " beat " << beat << ": TLAST is " << int(received.last) << "\n";
            std::exit(1);
        }
        for (int lane = 0; lane < words_per_output_beat; lane++) {
            const int row = beat * words_per_output_beat + lane, low = lane * output_lane_bits;
            if (row >= output_size) break;
            const ap_int<output_lane_bits> word = received.data.range(low + output_lane_bits - 1, low);
            received.data.range(low + output_lane_bits - 1, low) = 0;
            line += (row ? " " : "") + hexadecimal(word);
        }
        if (received.data != 0) {
            std::cerr << "sample " << sample << " beat " << beat << ": the padding is not zero\n";
            std::exit(1);
        }
        if (beat > 0 && flag_of(received) != flag) {
            std::cerr << "sample " << sample << " beat " << beat << ": TUSER is " << !flag << "\n";
            std::exit(1);
        }
        flag = flag_of(received);
    }
    return MONDEQ_FLAGS_ENDS ? line + (flag ? " 1" : " 0") : line;
}

// One frame; complains when it is taken for a broken one.
static void solve_frame(input_stream& s_axis, output_stream& m_axis) {
    ap_uint<1> broken = 0;
    mondeq_top(s_axis, m_axis, 0, broken);
    if (broken == 1) {
        std::cerr << "a whole frame was taken for a broken one\n";
        std::exit(1);
    }
}

static int check(FILE* words, std::istream& expected) {
    input_stream s_axis("s_axis");
    output_stream m_axis("m_axis");
    std::string line;
    long sample = 0, mismatches = 0;
    for (; write_sample(words, s_axis); sample++) {
        solve_frame(s_axis, m_axis);
        const std::string received = read_sample(m_axis, sample);
        if (!std::getline(expected, line) || line != received) {
            std::cerr << "sample " << sample << ": expected " << line << ", received " << received << "\n";
            mismatches++;
        }
    }
    std::cout << sample << " samples, " << mismatches << " mismatches\n";
    return sample == 0 || mismatches != 0;
}

static void run(FILE* words, std::ostream& outputs) {
    input_stream s_axis("s_axis");
    output_stream m_axis("m_axis");
    for (long sample = 0; write_sample(words, s_axis); sample++) {
#ifdef MONDEQ_TRACE
        trace_sample = sample;
#endif
        solve_frame(s_axis, m_axis);
        outputs << read_sample(m_axis, sample) << "\n";
    }
}

int main(int argc, char** argv) {
    if (argc == 2 && !std::strcmp(argv[1], "--sizes")) {
        std::cout << input_size << " " << input_bits << " " << output_size << " " << state_size << " " << iterations
                  << " " << input_signed << " " << MONDEQ_FLAGS_ENDS << "\n";
        return 0;
    }
    const bool checking = argc == 4 && !std::strcmp(argv[1], "--check");
    if (argc < 3) {
        std::cerr << "usage: mondeq_tb WORDS OUTPUTS [TRACE] | --check WORDS EXPECTED | --sizes\n";
        return 2;
    }
    FILE* words = std::fopen(argv[checking ? 2 : 1], "r");
    if (!words) {
        std::perror(argv[checking ? 2 : 1]);
        return 2;
    }
    if (checking) {
        std::ifstream expected(argv[3]);
        return check(words, expected);
    }
#ifdef MONDEQ_TRACE
    if (argc == 4) {
        trace_file = std::fopen(argv[3], "w");
        if (!trace_file) {
            std::perror(argv[3]);
            return 2;
        }
    }
#endif
    std::ofstream outputs(argv[2]);
    run(words, outputs);
    std::fclose(words);
#ifdef MONDEQ_TRACE
    if (trace_file && std::fclose(trace_file)) return 2;
#endif
    outputs.close();
    return outputs ? 0 : 2;
}
