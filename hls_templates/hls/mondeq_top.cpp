// Top function: five processes in a dataflow region. The arrays between them are double-buffered, so that samples
// streamed back to back overlap: one is received while another is solved and a third is sent.
#include "mondeq_top.h"
#include "mondeq_solver.h"

namespace mondeq {

// A beat's words into a step of the drive engine. Words beyond the sample's end are ignored.
static void unpack(int beat, ap_uint<input_tdata_bits> data, input_word x[drive_column_groups][drive_simd]) {
#pragma HLS INLINE
    for (int lane = 0; lane < words_per_beat; lane++) {
#pragma HLS UNROLL
        const input_word word = data.range((lane + 1) * input_bits - 1, lane * input_bits);
        x[beat][lane] = beat * words_per_beat + lane < input_size ? word : input_word(0);
    }
}

static void send(const output_word y[output_size], output_stream& m_axis) {
    for (int row = 0; row < output_size; row++) {
#pragma HLS PIPELINE II=1
        const ap_int<output_tdata_bits> extended = y[row];
        m_axis.write(Axis<output_tdata_bits>::make(extended, row == output_size - 1));
    }
}

}  // namespace mondeq

#if MONDEQ_CARRIES

namespace mondeq {

static const input_word initial[carried_size] =
#include "weights/carried_initial.inc"
    ;
static input_word carried[carried_size] =
#include "weights/carried_initial.inc"
    ;
#pragma HLS RESET variable=carried

void reset() {
    for (int word = 0; word < carried_size; word++) carried[word] = initial[word];
}

// A packet whose beats have the bit above their words set is the carried state, and no sample.
static void load(ap_uint<input_tdata_bits> data, input_stream& s_axis) {
    for (int beat = 0; beat < load_beats; beat++) {
#pragma HLS PIPELINE II=1
        if (beat > 0) data = s_axis.read().data;
        for (int lane = 0; lane < words_per_beat; lane++) {
#pragma HLS UNROLL
            const input_word word = data.range((lane + 1) * input_bits - 1, lane * input_bits);
            if (beat * words_per_beat + lane < carried_size) carried[beat * words_per_beat + lane] = word;
        }
    }
}

}  // namespace mondeq

// One sample after the other: each begins with the state that the one before it left.
void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis) {
#pragma HLS INTERFACE axis port=s_axis
#pragma HLS INTERFACE axis port=m_axis
#pragma HLS INTERFACE ap_ctrl_none port=return
    using namespace mondeq;
    static_assert(words_per_beat == drive_simd, "a beat of the input stream feeds one step of the drive engine");
    input_word x[drive_column_groups][drive_simd];
    drive_word d[state_size];
    drive_word u[direct_size];
    prox_word z[state_size];
    output_word y[readout_rows];
#pragma HLS ARRAY_RESHAPE variable=x complete dim=2
#pragma HLS ARRAY_PARTITION variable=d cyclic factor=solve_pe
#pragma HLS ARRAY_PARTITION variable=z complete
    const ap_uint<input_tdata_bits> first = s_axis.read().data;
    if (is_load(first)) {
        load(first, s_axis);
        return;
    }
    for (int group = 0; group < drive_column_groups; group++) {
        for (int lane = 0; lane < drive_simd; lane++) {
#pragma HLS UNROLL
            x[group][lane] = 0;
        }
    }
    unpack(0, first, x);
    for (int beat = 1; beat < beats_per_sample; beat++) {
#pragma HLS PIPELINE II=1
        unpack(beat, s_axis.read().data, x);
    }
    for (int word = 0; word < carried_size; word++) {
#pragma HLS UNROLL
        x[(input_size + word) / drive_simd][(input_size + word) % drive_simd] = carried[word];
    }
    drive(x, d, u);
    solve(d, z);
    readout(z, u, y);
    for (int word = 0; word < carried_size; word++) {
#pragma HLS PIPELINE II=1
        carried[word] = next_carried(y[output_size + word]);
    }
    send(y, m_axis);
}

#else

namespace mondeq {

void reset() {
#if MONDEQ_STARTS_WARM
    settled = false;
#endif
}

// Samples are counted, so the input's TLAST is not needed.
static void receive(input_stream& s_axis, input_word x[drive_column_groups][drive_simd]) {
    for (int beat = 0; beat < beats_per_sample; beat++) {
#pragma HLS PIPELINE II=1
        unpack(beat, s_axis.read().data, x);
    }
}

}  // namespace mondeq

void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis) {
#pragma HLS INTERFACE axis port=s_axis
#pragma HLS INTERFACE axis port=m_axis
#pragma HLS INTERFACE ap_ctrl_none port=return
#pragma HLS DATAFLOW
    using namespace mondeq;
    static_assert(words_per_beat == drive_simd, "a beat of the input stream feeds one step of the drive engine");
    input_word x[drive_column_groups][drive_simd];
    drive_word d[state_size];
    drive_word u[direct_size];  // passes the solver by
    prox_word z[state_size];
    output_word y[output_size];
#pragma HLS ARRAY_RESHAPE variable=x complete dim=2
#pragma HLS ARRAY_PARTITION variable=d cyclic factor=solve_pe
#pragma HLS ARRAY_PARTITION variable=u cyclic factor=readout_pe
#pragma HLS ARRAY_PARTITION variable=z complete
#pragma HLS ARRAY_PARTITION variable=y cyclic factor=readout_pe
    receive(s_axis, x);
    drive(x, d, u);
    solve(d, z);
    readout(z, u, y);
    send(y, m_axis);
}

#endif
