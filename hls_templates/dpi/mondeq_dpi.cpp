// DPI-C side of mondeq_dpi_top.sv: the streams of one instance, and the call of the HLS top function as soon as a
// whole frame has arrived.
#include "mondeq_frame.h"

#include <cstdio>
#include <svdpi.h>

using namespace mondeq;

namespace {

struct Streams {
    input_stream s_axis{"s_axis"};
    output_stream m_axis{"m_axis"};
    FrameCheck frame;
    long samples = 0;      // solved since the start, for the trace
    FILE* trace = nullptr;  // of +mondeq_trace=FILE

    void clear() {
        while (!s_axis.empty()) s_axis.read();
        while (!m_axis.empty()) m_axis.read();
        frame = FrameCheck();
    }
};

#ifdef MONDEQ_TRACE
const Streams* traced = nullptr;  // the instance whose sample is being solved
#endif

// A simulator hands wide vectors over in words of 32 bits.
template <int W>
ap_uint<W> from_vector(const svBitVecVal* vector) {
    ap_uint<W> data = 0;
    for (int low = 0; low < W; low += 32) data.range(low + 32 < W ? low + 31 : W - 1, low) = vector[low / 32];
    return data;
}

template <int W>
void to_vector(ap_uint<W> data, svBitVecVal* vector) {
    for (int low = 0; low < W; low += 32) {
        const ap_uint<32> word = data.range(low + 32 < W ? low + 31 : W - 1, low);
        vector[low / 32] = word.to_uint();
    }
}

}  // namespace

#ifdef MONDEQ_TRACE
void mondeq_trace(int iteration, int row, long long value) {
    if (traced->trace) std::fprintf(traced->trace, "%ld %d %d %lld\n", traced->samples, iteration, row, value);
}
#endif

extern "C" {

void* mondeq_dpi_new() { return new Streams; }

void mondeq_dpi_delete(void* handle) {
    Streams* streams = static_cast<Streams*>(handle);
    streams->clear();
    if (streams->trace) std::fclose(streams->trace);
    delete streams;
}

void mondeq_dpi_trace(void* handle, const char* path) { static_cast<Streams*>(handle)->trace = std::fopen(path, "w"); }

void mondeq_dpi_reset(void* handle) {
    static_cast<Streams*>(handle)->clear();
    reset();
}

// Whether broken frames came before the one that is complete with this beat.
svBit mondeq_dpi_push(void* handle, const svBitVecVal* data, svBit last) {
    Streams* streams = static_cast<Streams*>(handle);
    const Axis<input_tdata_bits>::word beat =
        Axis<input_tdata_bits>::make(from_vector<input_tdata_bits>(data), last == 1);
    streams->s_axis.write(beat);
    streams->frame.take(beat);
    if (!streams->frame.whole) return 0;
#ifdef MONDEQ_TRACE
    traced = streams;
#endif
    ap_uint<1> broken = 0;
    mondeq_top(streams->s_axis, streams->m_axis, 1, broken);
    if (!streams->frame.load) streams->samples++;
    return broken == 1;
}

svBit mondeq_dpi_pop(void* handle, svBitVecVal* data, svBit* last, svBit* user) {
    Streams* streams = static_cast<Streams*>(handle);
    if (streams->m_axis.empty()) return 0;
    const OutputAxis::word beat = streams->m_axis.read();
    to_vector<output_tdata_bits>(beat.data, data);
    *last = beat.last == 1;
    *user = flag_of(beat);
    return 1;
}

svBit mondeq_dpi_ready(void* handle) {
    return static_cast<Streams*>(handle)->m_axis.size() < 2 * static_cast<size_t>(output_beats);
}

}
