// Holds the input stream against its frames: Beats beats each, TLAST with the last and with no other.
//
// A frame that ends early is broken with its last beat, one that goes on too long with the beat that should have been
// its last; what is left of the latter is taken and dropped.  So whatever went wrong, the next frame begins behind the
// next TLAST.  Whoever keeps the beats forgets those of a broken frame; event_frame_o stays up until it is cleared.
//
// Without Check beats are counted, and TLAST is anything.  Nothing here takes a cycle.
module mondeq_frame_check #(
  parameter int Beats = 1,
  parameter int LoadBeats = 0,  // of the frames whose first beat has load_i; 0: there are none
  parameter bit Check = 1'b1,
  localparam int Most = (LoadBeats > Beats) ? LoadBeats : Beats,
  localparam int IndexBits = (Most > 1) ? $clog2(Most) : 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  // Stream.
  input  logic                 beat_valid_i,
  input  logic                 beat_last_i,
  input  logic                 beat_load_i,
  output logic                 beat_ready_o,
  // Its beats, but for those that are dropped.
  output logic                 valid_o,
  input  logic                 ready_i,
  output logic [IndexBits-1:0] index_o,   // in the frame
  output logic                 load_o,    // of the frame
  output logic                 whole_o,   // the frame is complete with this beat
  output logic                 broken_o,  // the frame is broken with this beat
  output logic                 event_frame_o,
  input  logic                 event_clear_i,
  input  logic                 flush_i     // whoever keeps the beats forgets them: the frame's rest is dropped
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Beats < 1 || LoadBeats < 0) begin : g_wrong_beats
    mondeq_error_frame_of_no_beats u_error ();
  end

  logic [IndexBits-1:0] index_q;
  logic load_q, dropping_q, event_q, first, accept, at_end;

  assign first = index_q == '0;
  assign load_o = (LoadBeats > 0) && (first ? beat_load_i : load_q);
  assign at_end = index_q == (load_o ? IndexBits'(LoadBeats - 1) : IndexBits'(Beats - 1));

  assign valid_o = beat_valid_i && !dropping_q && !flush_i;
  assign beat_ready_o = (ready_i || dropping_q) && !flush_i;
  assign accept = valid_o && ready_i;
  assign index_o = index_q;
  assign whole_o = at_end && (beat_last_i || !Check);
  assign broken_o = Check && (at_end != beat_last_i);
  assign event_frame_o = event_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      index_q <= '0;
      load_q <= 1'b0;
      dropping_q <= 1'b0;
      event_q <= 1'b0;
    end else begin
      if (accept) begin
        index_q <= (whole_o || broken_o) ? '0 : index_q + 1'b1;
        load_q <= load_o;
      end
      if (flush_i) begin
        index_q <= IndexBits'(0);
        dropping_q <= dropping_q || !first;
      end else if (dropping_q) dropping_q <= !(beat_valid_i && beat_last_i);
      else dropping_q <= accept && broken_o && at_end;
      event_q <= (event_q && !event_clear_i) || (accept && broken_o);
    end
  end

`ifdef MONDEQ_ASSERT
  mondeq_assert u_index (.clk_i, .rst_ni, .holds_i(int'(index_q) < (load_o ? LoadBeats : Beats)));
  mondeq_assert u_one_end (.clk_i, .rst_ni, .holds_i(!(whole_o && broken_o)));
  mondeq_assert u_dropped (.clk_i, .rst_ni, .holds_i(!(valid_o && dropping_q)));
`endif

endmodule
