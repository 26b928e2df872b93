// Makes AXI4-Stream beats of a sample's bytes: a word is WordBytes bytes, low byte first, of which WordBits count;
// a beat is Lanes words, the first in the lowest bits, and the last beat of a sample is filled up with zeros.
module mondeq_beat_packer #(
  parameter int Words = 1,  // of a sample
  parameter int WordBits = 8,
  parameter int WordBytes = 1,
  parameter int Lanes = 1
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic [7:0]                byte_i,
  input  logic                      byte_valid_i,
  output logic                      byte_ready_o,
  output logic [Lanes*WordBits-1:0] beat_o,
  output logic                      beat_last_o,
  output logic                      beat_valid_o,
  input  logic                      beat_ready_i
);

  localparam int WordBitsReceived = 8 * WordBytes;
  localparam int ByteBits = (WordBytes > 1) ? $clog2(WordBytes) : 1;
  localparam int LaneBits = (Lanes > 1) ? $clog2(Lanes) : 1;
  localparam int CountBits = (Words > 1) ? $clog2(Words) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (WordBits < 1 || WordBits > 8 * WordBytes) begin : g_wrong_word
    mondeq_error_packer_word_wider_than_its_bytes u_error ();
  end
  if (Lanes < 1 || Lanes > Words) begin : g_wrong_lanes
    mondeq_error_packer_beat_beyond_the_sample u_error ();
  end

  logic [WordBitsReceived-1:0] word, word_q;
  logic [ByteBits-1:0] byte_q;
  logic [LaneBits-1:0] lane_q;
  logic [CountBits-1:0] count_q;
  logic take, word_done, last_word, beat_done, sent;

  assign byte_ready_o = !beat_valid_o;
  assign take = byte_valid_i && byte_ready_o;
  assign word = WordBitsReceived'({byte_i, word_q} >> 8);
  assign word_done = take && (byte_q == ByteBits'(WordBytes - 1));
  assign last_word = count_q == CountBits'(Words - 1);
  assign beat_done = word_done && (last_word || (lane_q == LaneBits'(Lanes - 1)));
  assign sent = beat_valid_o && beat_ready_i;

  // The bits above a word carry nothing.
  logic unused_word;
  assign unused_word = ^word;

  for (genvar i = 0; i < Lanes; i++) begin : g_lane
    always_ff @(posedge clk_i) begin
      if (!rst_ni || sent) beat_o[i*WordBits+:WordBits] <= '0;
      else if (word_done && (lane_q == LaneBits'(i))) beat_o[i*WordBits+:WordBits] <= word[WordBits-1:0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_q       <= '0;
      byte_q       <= '0;
      lane_q       <= '0;
      count_q      <= '0;
      beat_valid_o <= 1'b0;
      beat_last_o  <= 1'b0;
    end else begin
      if (take) begin
        word_q <= word;
        byte_q <= word_done ? '0 : byte_q + 1'b1;
      end
      if (word_done) begin
        lane_q  <= beat_done ? '0 : lane_q + 1'b1;
        count_q <= last_word ? '0 : count_q + 1'b1;
      end
      if (beat_done) begin
        beat_valid_o <= 1'b1;
        beat_last_o  <= last_word;
      end
      if (sent) beat_valid_o <= 1'b0;
    end
  end

`ifdef MONDEQ_ASSERT
  logic stalled_q;
  logic [Lanes*WordBits:0] offered_q;

  always_ff @(posedge clk_i) begin
    stalled_q <= rst_ni && beat_valid_o && !beat_ready_i;
    offered_q <= {beat_last_o, beat_o};
  end
  mondeq_assert u_range (
    .clk_i,
    .rst_ni,
    .holds_i((int'(byte_q) < WordBytes) && (int'(lane_q) < Lanes) && (int'(count_q) < Words))
  );
  mondeq_assert u_stable (
    .clk_i,
    .rst_ni,
    .holds_i(!stalled_q || (beat_valid_o && ({beat_last_o, beat_o} == offered_q)))
  );
`endif

endmodule
