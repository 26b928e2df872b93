// Collects output words into beats of several: the first in the lowest lane, each sign-extended to its lane, lanes beyond
// a frame's last word zero.
//
// Words of a beat but its last are kept here; the last one passes by, so that a beat comes no later than its last word.
module mondeq_output_beat #(
  parameter int Words = 2,  // of a beat
  parameter int WordBits = 8,
  parameter int LaneBits = 8
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      valid_i,
  output logic                      ready_o,
  input  logic                      last_i,  // of the frame
  input  logic [WordBits-1:0]       word_i,
  output logic                      valid_o,
  input  logic                      ready_i,
  output logic                      last_o,
  output logic [Words*LaneBits-1:0] beat_o
);

  localparam int IndexBits = (Words > 1) ? $clog2(Words) : 1;

  // Wrong parameters do not elaborate: there is no such module.
  if (Words < 2) begin : g_wrong_words
    mondeq_error_output_beat_of_one_word u_error ();
  end
  if (WordBits < 1 || LaneBits < WordBits) begin : g_wrong_lanes
    mondeq_error_output_lane_narrower_than_its_word u_error ();
  end

  logic full, take;
  logic [IndexBits-1:0] lane_q;

  assign full = last_i || (lane_q == IndexBits'(Words - 1));
  assign valid_o = valid_i && full;
  assign ready_o = ready_i || !full;
  assign last_o = last_i;
  assign take = valid_i && ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) lane_q <= '0;
    else if (take) lane_q <= full ? '0 : lane_q + 1'b1;
  end

  for (genvar l = 0; l < Words; l++) begin : g_lane
    logic signed [WordBits-1:0] word;

    if (l < Words - 1) begin : g_kept
      logic [WordBits-1:0] kept_q;

      always_ff @(posedge clk_i) begin
        if (!rst_ni || (take && full)) kept_q <= '0;
        else if (take && (lane_q == IndexBits'(l))) kept_q <= word_i;
      end
      assign word = (lane_q == IndexBits'(l)) ? word_i : kept_q;
    end else begin : g_passing
      assign word = (lane_q == IndexBits'(l)) ? word_i : '0;
    end
    assign beat_o[l*LaneBits+:LaneBits] = LaneBits'(word);
  end

`ifdef MONDEQ_ASSERT
  logic stalled_q;
  logic [Words*LaneBits:0] offered_q;

  always_ff @(posedge clk_i) begin
    stalled_q <= rst_ni && valid_o && !ready_i;
    offered_q <= {last_o, beat_o};
  end
  mondeq_assert u_range (.clk_i, .rst_ni, .holds_i(int'(lane_q) < Words));
  mondeq_assert u_stable (.clk_i, .rst_ni, .holds_i(!stalled_q || (valid_o && ({last_o, beat_o} == offered_q))));
`endif

endmodule
