// Every state word that the solver writes, for a testbench that looks for the first mismatch.
// With the macro MONDEQ_TRACE the testbench supplies the callback; without it nothing is left of this.
#ifndef MONDEQ_TRACE_H
#define MONDEQ_TRACE_H

#ifdef MONDEQ_TRACE
void mondeq_trace(int iteration, int row, long long value);
#define MONDEQ_TRACE_STATE(iteration, row, value) mondeq_trace((iteration), (row), (value).to_int64())
#else
#define MONDEQ_TRACE_STATE(iteration, row, value) (void)(iteration)
#endif

#endif
