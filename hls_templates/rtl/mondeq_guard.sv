// Notices an upset of the core's control, and begins the core anew.
//
// It keeps its own account of the samples between the streams and of the slots, and a core that does what it should not
// gives an error: a slot loaded, done or freed out of its order or twice, an output that no sample asked for, a frame of
// outputs of another length, an error of an engine's own, or no output for Watchdog cycles though one is due and the
// sink does not block it.  Whatever is upset here gives an error too.
//
// An error is a flush: for one cycle the engines are reset and no beat is taken or given.  The samples between the
// streams are lost; the frame check drops what is left of the frame that was coming in, and the frame that was going out
// is filled up with zeros, so that TLAST stands with every beat number Results, come what may.
//
// A wrong word of a memory is no flush, which would not heal it: the event stays up until a reset.
module mondeq_guard #(
  parameter int Results = mondeq_pkg::OutputWords,
  parameter int Slots = mondeq_pkg::Slots,
  parameter int Watchdog = mondeq_pkg::Watchdog,
  localparam int SlotBits = (Slots > 1) ? $clog2(Slots) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  // The input stream: a beat waits, a sample is complete.
  input  logic                waits_i,
  input  logic                sample_i,
  // Slots.
  input  logic                loaded_i,
  input  logic [SlotBits-1:0] loaded_slot_i,
  input  logic [Slots-1:0]    done_i,
  input  logic                release_i,
  input  logic [SlotBits-1:0] release_slot_i,
  input  logic                error_i,         // of an engine; waits a cycle, since it comes through many gates
  input  logic                memory_error_i,  // a word of a memory is wrong
  // The output stream, from the core and to the sink.
  input  logic                valid_i,
  output logic                ready_o,
  input  logic                last_i,
  output logic                valid_o,
  input  logic                ready_i,
  output logic                last_o,
  output logic                fill_o,         // the word is zero
  output logic                flush_o,
  output logic                event_error_o,  // there was an error, or words are wrong
  input  logic                event_clear_i
);

  localparam int IndexBits = (Results > 1) ? $clog2(Results) : 1;
  localparam int SampleBits = $clog2(Slots + 256);  // in slots, in the drive's banks and in the output buffer
  localparam int QuietBits = $clog2(Watchdog + 1);
  localparam logic [SlotBits-1:0] LastSlot = SlotBits'(Slots - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Results < 1 || Slots < 2 || Watchdog < 1) begin : g_wrong_size
    mondeq_error_guard_of_nothing u_error ();
  end

  logic [SampleBits-1:0] samples_q;
  logic [QuietBits-1:0] quiet_q;
  logic [SlotBits-1:0] load_q, release_q;
  logic [Slots-1:0] occupied_q;
  logic [IndexBits-1:0] index_q;
  logic flush_q, fill_q, event_q, error_q, memory_error_q, at_end, leaves, done, wrong_slot, wrong_output, late, error;

  // ---------------------------------------------------------------------------------------------------------------
  // Streams.

  assign at_end = index_q == IndexBits'(Results - 1);
  assign valid_o = (valid_i || fill_q) && !flush_q;
  assign ready_o = ready_i && !fill_q && !flush_q;
  assign last_o = at_end;
  assign fill_o = fill_q;
  assign leaves = valid_o && ready_i;
  assign done = leaves && at_end && !fill_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= '0;
      fill_q <= 1'b0;
    end else begin
      if (leaves) index_q <= at_end ? '0 : index_q + 1'b1;
      if (flush_q) fill_q <= index_q != '0;
      else if (leaves && at_end) fill_q <= 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Account and errors.

  assign wrong_slot = (loaded_i && ((loaded_slot_i != load_q) || occupied_q[loaded_slot_i]))
      || (release_i && (release_slot_i != release_q)) || ((done_i & ~occupied_q) != '0);
  assign wrong_output = valid_i && !fill_q && ((samples_q == '0) || (last_i != at_end));
  assign late = quiet_q == QuietBits'(Watchdog);
  assign error = (error_q || wrong_slot || wrong_output || late) && !flush_q;
  assign flush_o = flush_q;
  assign event_error_o = event_q || memory_error_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_q) begin
      samples_q <= '0;
      quiet_q <= '0;
      load_q <= '0;
      release_q <= '0;
      occupied_q <= '0;
      error_q <= 1'b0;
    end else begin
      error_q <= error_i;
      if (sample_i && !done) samples_q <= samples_q + 1'b1;
      if (!sample_i && done) samples_q <= samples_q - 1'b1;
      if (leaves || ((samples_q == '0) && !waits_i)) quiet_q <= '0;
      else if (!valid_o && !late) quiet_q <= quiet_q + 1'b1;
      if (loaded_i) begin
        load_q <= (load_q == LastSlot) ? '0 : load_q + 1'b1;
        occupied_q[loaded_slot_i] <= 1'b1;
      end
      if (release_i) begin
        release_q <= (release_q == LastSlot) ? '0 : release_q + 1'b1;
        occupied_q[release_slot_i] <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      flush_q <= 1'b0;
      event_q <= 1'b0;
      memory_error_q <= 1'b0;
    end else begin
      flush_q <= error;
      event_q <= (event_q && !event_clear_i) || error;
      memory_error_q <= memory_error_q || memory_error_i;
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_index (.clk_i, .rst_ni, .holds_i(int'(index_q) < Results));
  mondeq_assert u_fills_a_frame (.clk_i, .rst_ni, .holds_i(!fill_q || (index_q != '0)));
  mondeq_assert u_slots (.clk_i, .rst_ni, .holds_i((int'(load_q) < Slots) && (int'(release_q) < Slots)));
  mondeq_assert u_room (.clk_i, .rst_ni, .holds_i(!sample_i || done || (samples_q != '1)));
  mondeq_assert u_patience (.clk_i, .rst_ni, .holds_i(int'(quiet_q) <= Watchdog));
`endif

endmodule
