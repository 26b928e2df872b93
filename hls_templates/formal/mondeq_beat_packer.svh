  // A beat holds its words' bytes, each in its place, and zeros beyond the sample's last word.
  localparam int FBytes = Words * WordBytes;
  localparam int FLaneBits = 8 * WordBytes;
  logic f_old = 1'b0;
  logic [31:0] f_count_q, f_word, f_byte, f_lane;  // bytes of the sample that were taken; the next one's place
  logic [Lanes*FLaneBits-1:0] f_bytes_q;           // of the beat
  logic [Lanes*WordBits-1:0] f_beat;
  logic [31:0] f_words_q;                          // of a full beat
  logic f_full_q, f_partial;
  assign f_word = f_count_q / WordBytes;
  assign f_byte = f_count_q % WordBytes;
  assign f_lane = f_word % Lanes;
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) begin
      f_count_q <= 0;
      f_full_q <= 1'b0;
      f_bytes_q <= '0;
    end else if (f_full_q) begin
      if (beat_ready_i) begin
        f_full_q <= 1'b0;
        f_bytes_q <= '0;
      end
    end else if (byte_valid_i) begin
      f_bytes_q[f_lane*FLaneBits+8*f_byte+:8] <= byte_i;
      f_count_q <= (f_count_q == FBytes - 1) ? 0 : f_count_q + 1;
      f_words_q <= f_lane + 1;
      f_full_q <= f_byte == WordBytes - 1 && (f_lane == Lanes - 1 || f_word == Words - 1);
    end
  end
  for (genvar i = 0; i < Lanes; i++) begin : f_words
    assign f_beat[i*WordBits+:WordBits] = (i < (f_full_q ? f_words_q : f_lane)) ? f_bytes_q[i*FLaneBits+:WordBits] : '0;
  end
  always_comb begin
    f_partial = 1'b1;
    for (int b = 0; b < WordBytes; b++) if (b < f_byte) begin
      f_partial = f_partial && word_q[8*(WordBytes-f_byte+b)+:8] == f_bytes_q[f_lane*FLaneBits+8*b+:8];
    end
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      accepts: assert (byte_ready_o == !f_full_q);
      offers: assert (beat_valid_o == f_full_q);
      is_beat: assert (beat_o == f_beat);
      if (beat_valid_o) is_last: assert (beat_last_o == (f_count_q == 0));
      place: assert (f_count_q < FBytes && 32'(count_q) == f_word && 32'(byte_q) == f_byte);
      lane: assert (32'(lane_q) == f_lane);
      if (f_full_q) rests: assert (byte_q == '0 && lane_q == '0);
      if (!f_full_q) partial: assert (f_partial);
    end
  end
