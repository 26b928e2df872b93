#ifndef MONDEQ_TOP_H
#define MONDEQ_TOP_H

#include "mondeq_stream.h"

// One sample: beats_per_sample beats in, output_size beats out, TLAST with the last. Where a state is carried, a frame
// may also be load_beats beats of that state (is_load): nothing comes out. Broken frames before it are passed over;
// event_frame_o says whether there were any, since the last frame for which event_clear_i was set.
namespace mondeq {
// Whether a frame's first beat says that it is a carried state.
inline bool is_load(ap_uint<input_tdata_bits> data) {
    return carried_size > 0 && data[carried_size > 0 ? words_per_beat * input_lane_bits : 0];
}
// What a reset of the hardware does to the carried state and to the event.
void reset();
}  // namespace mondeq

void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis, ap_uint<1> event_clear_i,
                ap_uint<1>& event_frame_o);

#endif
