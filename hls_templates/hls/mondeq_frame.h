// Frames of the input stream: beats_per_sample beats each (of a load: load_beats), TLAST with the last and no other.
#ifndef MONDEQ_FRAME_H
#define MONDEQ_FRAME_H

#include "mondeq_top.h"

namespace mondeq {

// Takes beats. A frame that ends early is broken with its last beat, one that goes on too long with the beat that
// should have been its last; what is left of the latter is dropped, so the next frame begins behind the next TLAST.
struct FrameCheck {
    int index = 0;          // of the next beat in its frame
    bool load = false;      // the frame is a carried state, and no sample
    bool whole = false;     // with the last beat a frame was complete
    bool broken = false;    // with the last beat a frame was broken
    bool dropping = false;  // until the next TLAST

    void take(const Axis<input_tdata_bits>::word& beat) {
#pragma HLS INLINE
        const bool last = beat.last == 1, dropped = dropping;
        if (index == 0) load = is_load(beat.data);
        const bool at_end = index == (load ? load_beats : beats_per_sample) - 1;
        whole = !dropped && at_end && (last || !framed);
        broken = !dropped && framed && at_end != last;
        dropping = dropped ? !last : broken && at_end;
        index = dropped || whole || broken ? 0 : index + 1;
    }
};

}  // namespace mondeq

#endif
