// Top function: five processes in a dataflow region. The arrays between them are double-buffered, so that samples
// streamed back to back overlap: one is received while another is solved and a third is sent.
#include "mondeq_frame.h"
#include "mondeq_solver.h"

namespace mondeq {

static bool event = false;  // a broken frame has come
#pragma HLS RESET variable=event

// A beat's words into a step of the drive engine; whether one is at an end of its range. Words beyond the frame's end are
// ignored.
static bool unpack(int beat, int size, ap_uint<input_tdata_bits> data, input_word x[drive_column_groups][drive_simd]) {
#pragma HLS INLINE
    bool at_end = false;
    for (int lane = 0; lane < words_per_beat; lane++) {
#pragma HLS UNROLL
        const input_word word = data.range(lane * input_lane_bits + input_bits - 1, lane * input_lane_bits);
        const bool inside = beat * words_per_beat + lane < size;
        x[beat][lane] = inside ? word : input_word(0);
        at_end = at_end || (inside && (word >= input_top || word <= input_bottom));
    }
    return at_end;
}

// The next whole frame; whether it is a load of the carried state. Its flag is whether a word is at an end of its range.
static bool receive(input_stream& s_axis, input_word x[drive_column_groups][drive_simd], bool& flag,
                    ap_uint<1> event_clear_i, ap_uint<1>& event_frame_o) {
    FrameCheck frame;
    bool broken = false;
    flag = false;
    while (!frame.whole) {
#pragma HLS PIPELINE II=1
        const Axis<input_tdata_bits>::word beat = s_axis.read();
        const int index = frame.index;
        frame.take(beat);
        const bool at_end = unpack(index, frame.load ? carried_size : input_size, beat.data, x);
        flag = at_end || (index > 0 && flag);
        broken = broken || frame.broken;
    }
    event = (event && event_clear_i == 0) || broken;
    event_frame_o = event;
    return frame.load;
}

static void send(const output_word y[output_size], bool flag, output_stream& m_axis) {
    for (int beat = 0; beat < output_beats; beat++) {
#pragma HLS PIPELINE II=1
        ap_uint<output_tdata_bits> data = 0;
        for (int lane = 0; lane < words_per_output_beat; lane++) {
#pragma HLS UNROLL
            const int row = beat * words_per_output_beat + lane;
            const ap_int<output_lane_bits> extended = row < output_size ? y[row] : output_word(0);
            data.range((lane + 1) * output_lane_bits - 1, lane * output_lane_bits) = extended;
        }
        OutputAxis::word sent = OutputAxis::make(data, beat == output_beats - 1);
        set_flag(sent, flag);
        m_axis.write(sent);
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
    event = false;
    for (int word = 0; word < carried_size; word++) carried[word] = initial[word];
}

}  // namespace mondeq

// One sample after the other: each begins with the state that the one before it left.
void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis, ap_uint<1> event_clear_i,
                ap_uint<1>& event_frame_o) {
#pragma HLS INTERFACE axis port=s_axis
#pragma HLS INTERFACE axis port=m_axis
#pragma HLS INTERFACE ap_none port=event_clear_i
#pragma HLS INTERFACE ap_none port=event_frame_o
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
    for (int group = 0; group < drive_column_groups; group++) {
        for (int lane = 0; lane < drive_simd; lane++) {
#pragma HLS UNROLL
            x[group][lane] = 0;
        }
    }
    bool flag;
    if (receive(s_axis, x, flag, event_clear_i, event_frame_o)) {
        for (int word = 0; word < carried_size; word++) {
#pragma HLS UNROLL
            carried[word] = x[word / drive_simd][word % drive_simd];
        }
        return;
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
    send(y, flag, m_axis);
}

#else

namespace mondeq {

void reset() {
    event = false;
#if MONDEQ_STARTS_WARM
    settled = false;
#endif
}

}  // namespace mondeq

void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis, ap_uint<1> event_clear_i,
                ap_uint<1>& event_frame_o) {
#pragma HLS INTERFACE axis port=s_axis
#pragma HLS INTERFACE axis port=m_axis
#pragma HLS INTERFACE ap_none port=event_clear_i
#pragma HLS INTERFACE ap_none port=event_frame_o
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
    bool flag;
    receive(s_axis, x, flag, event_clear_i, event_frame_o);
    drive(x, d, u);
    solve(d, z);
    readout(z, u, y);
    send(y, flag, m_axis);
}

#endif
