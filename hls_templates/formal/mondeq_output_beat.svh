  // A beat is the words since the beat or frame before, each in its lane with its sign, and zeros above them; it is
  // offered with its last word, and no other word waits for the sink.
  logic f_old = 1'b0;
  logic [31:0] f_count_q;               // words of the beat that were taken
  logic [Words*WordBits-1:0] f_words_q;
  logic [Words*LaneBits-1:0] f_beat;
  logic f_full;
  assign f_full = last_i || f_count_q == Words - 1;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_count_q <= 0;
      f_words_q <= '0;
    end else if (valid_i && (ready_i || !f_full)) begin
      f_count_q <= f_full ? 0 : f_count_q + 1;
      f_words_q[f_count_q*WordBits+:WordBits] <= word_i;
      if (f_full) f_words_q <= '0;
    end
  end
  for (genvar i = 0; i < Words; i++) begin : f_lanes
    logic signed [WordBits-1:0] f_word;
    logic signed [LaneBits-1:0] f_lane;
    assign f_word = (f_count_q == i) ? word_i : f_words_q[i*WordBits+:WordBits];
    assign f_lane = f_word;
    assign f_beat[i*LaneBits+:LaneBits] = f_lane;
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      place: assert (f_count_q < Words && 32'(lane_q) == f_count_q);
      offers: assert (valid_o == (valid_i && f_full));
      is_beat: assert (beat_o == f_beat);
      takes: assert (ready_o == (ready_i || !f_full));
      is_last: assert (last_o == last_i);
    end
  end
