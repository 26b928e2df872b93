#ifndef MONDEQ_TOP_H
#define MONDEQ_TOP_H

#include "mondeq_stream.h"

// One sample: beats_per_sample beats in, output_size beats out, TLAST with the last.
void mondeq_top(mondeq::input_stream& s_axis, mondeq::output_stream& m_axis);

#endif
