  // The cycle after a sample's last beat was taken, one flag is written: whether one of its words was at an end.  As long
  // as no more than Depth samples lie between the streams, and outputs come after their flag, none is lost; the buffer
  // keeps their order.
  (* hierconn *) logic [$clog2(Depth+1)-1:0] \u_flags.count_q ;
  (* hierconn *) logic \u_flags.write_i ;
  (* hierconn *) logic \u_flags.data_i ;
  localparam int FTop = InputSigned ? (1 << (InputBits - 1)) - 1 : (1 << InputBits) - 1;
  logic f_old = 1'b0;
  logic [31:0] f_index_q;      // beats of the frame that were taken
  logic [31:0] f_between_q;    // samples between the streams
  logic f_seen_q, f_whole_q, f_flag_q, f_beat;
  logic [Simd-1:0] f_ends;
  for (genvar i = 0; i < Simd; i++) begin : f_lanes
    logic signed [32:0] f_word;
    if (InputSigned) begin : f_signed
      logic signed [InputBits-1:0] f_own;
      assign f_own = beat_i[i*InputBits+:InputBits];
      assign f_word = f_own;
    end else begin : f_unsigned
      assign f_word = 33'(beat_i[i*InputBits+:InputBits]);
    end
    assign f_ends[i] = (f_index_q * Simd + i < Inputs) && (f_word >= FTop || f_word <= (InputSigned ? -FTop : 0));
  end
  assign f_beat = f_ends != '0;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    f_whole_q <= rst_ni && take_i && whole_i;
    f_flag_q <= f_seen_q || f_beat;
    if (!rst_ni) begin
      f_index_q <= 0;
      f_between_q <= 0;
      f_seen_q <= 1'b0;
    end else begin
      if (take_i) begin
        f_index_q <= (whole_i || broken_i) ? 0 : f_index_q + 1;
        f_seen_q <= !whole_i && !broken_i && (f_seen_q || f_beat);
      end
      f_between_q <= f_between_q + 32'(take_i && whole_i) - 32'(leaves_i);
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    // The frame check's part, and the core's.
    assume (!(whole_i && broken_i));
    assume (whole_i == (f_index_q == Beats - 1 && !broken_i));
    if (f_index_q == Beats - 1) assume (whole_i || broken_i);
    assume (f_index_q < Beats);  // which follows
    if (f_between_q == Depth) assume (!(take_i && whole_i));
    if (\u_flags.count_q == '0) assume (!leaves_i);
    if (f_old) begin
      written: assert (\u_flags.write_i == f_whole_q);
      if (f_whole_q) is_flag: assert (\u_flags.data_i == f_flag_q);
      waiting: assert (32'(\u_flags.count_q ) + 32'(f_whole_q) == f_between_q);
      no_overrun: assert (f_between_q <= Depth && !(f_whole_q && 32'(\u_flags.count_q ) == Depth));
    end
  end
  // A beat that is being looked at belongs to the frame before, if one has ended with it.
  logic f_taken_q, f_ended_q, f_before_q;
  always_ff @(posedge clk_i) begin
    f_taken_q <= rst_ni && take_i;
    f_ended_q <= rst_ni && take_i && (whole_i || broken_i);
    f_before_q <= f_seen_q || f_beat;
  end
  always_comb if (f_old) begin
    looked_at: assert (take_q == f_taken_q && (whole_q || broken_q) == f_ended_q);
    if (f_taken_q && !broken_q) so_far: assert (found == f_before_q);
    if (!f_taken_q) kept: assert (found_q == f_seen_q);
  end
