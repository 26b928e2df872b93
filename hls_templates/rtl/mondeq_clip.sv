// The proximal operator of one word, or with Reflect the reflected one, 2 prox(s) - s; combinational.
//
// prox(s) = clip(s, lower, upper), or s less that where the row is a complement.  Because lower <= 0 <= upper, the sign
// of s says which bound it may lie beyond.  Where no row has a bound below (above), Below (Above) is 0 and lower_i
// (upper_i) is not read: relu is a gate then, and its reflection |s| a negation and a multiplexer.
module mondeq_clip #(
  parameter int StateBits = 8,
  parameter int WordBits = 8,
  parameter bit Reflect = 1'b1,
  parameter bit Below = 1'b1,
  parameter bit Above = 1'b1
) (
  input  logic [StateBits-1:0] state_i,  // never the most negative word (symmetric saturation)
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [StateBits-1:0] lower_i,
  input  logic [StateBits-1:0] upper_i,
  /* verilator lint_on UNUSEDSIGNAL */
  input  logic                 complement_i,
  output logic [WordBits-1:0]  word_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (StateBits < 2 || WordBits < 1) begin : g_wrong_widths
    mondeq_error_clip_of_no_magnitude u_error ();
  end

  logic signed [StateBits-1:0] state, bound;
  logic outside;

  assign state = state_i;

  // A word at its bound may count as outside: both answers agree there.
  if (Below && Above) begin : g_both
    logic negative;
    assign negative = state_i[StateBits-1];
    assign bound = negative ? lower_i : upper_i;
    assign outside = (state < bound) == negative;
  end else if (Below) begin : g_below
    assign bound = lower_i;
    assign outside = state < bound;
  end else if (Above) begin : g_above
    assign bound = upper_i;
    assign outside = state > bound;
  end else begin : g_free
    assign bound = '0;
    assign outside = 1'b0;
  end

  // WordBits hold every result, so the bits above them are nobody's.
  logic [WordBits-1:0] word, limit;

  assign word = WordBits'(state);
  assign limit = WordBits'(bound);

  if (Reflect) begin : g_reflection
    logic [WordBits-1:0] reflected;
    assign reflected = outside ? (limit << 1) - word : word;
    assign word_o = complement_i ? -reflected : reflected;
  end else begin : g_prox
    logic [WordBits-1:0] clipped;
    assign clipped = outside ? limit : word;
    assign word_o = complement_i ? word - clipped : clipped;
  end

endmodule
