// The proximal operator of one word, or with Reflect the reflected one, 2 prox(s) - s; combinational.
//
// prox(s) = clip(s, lower, upper), or s less that where the row is a complement.  Because lower <= 0 <= upper, the sign
// of s says which bound it may lie beyond.  Where no row has a bound below (above), Below (Above) is 0 and lower_i
// (upper_i) is not read: relu is a gate then, and its reflection |s| a negation and a multiplexer.  Where no row is a
// complement, Complement is 0 and complement_i is not read.
//
// All differences are there when the comparison is: one carry chain deep, however long the words are.
module mondeq_clip #(
  parameter int StateBits = 8,
  parameter int WordBits = 8,
  parameter bit Reflect = 1'b1,
  parameter bit Below = 1'b1,
  parameter bit Above = 1'b1,
  parameter bit Complement = 1'b1
) (
  input  logic [StateBits-1:0] state_i,  // never the most negative word (symmetric saturation)
  /* verilator lint_off UNUSEDSIGNAL */
  input  logic [StateBits-1:0] lower_i,
  input  logic [StateBits-1:0] upper_i,
  input  logic                 complement_i,
  /* verilator lint_on UNUSEDSIGNAL */
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

  if (Reflect && Complement) begin : g_reflected_complement
    // A negative is the complement of one less, which is no second chain: -(2 b - s) = ~(2 b + ~s), -s = ~s + 1.
    /* verilator lint_off UNUSEDSIGNAL */
    logic [WordBits:0] outer, inner;  // bit 0 is the carry in
    /* verilator lint_on UNUSEDSIGNAL */
    assign outer = {limit << 1, 1'b1} + {~word, ~complement_i};
    assign inner = {word ^ {WordBits{complement_i}}, 1'b1} + (WordBits + 1)'(complement_i);
    assign word_o = outside ? outer[WordBits:1] ^ {WordBits{complement_i}} : inner[WordBits:1];
  end else if (Reflect) begin : g_reflection
    assign word_o = outside ? (limit << 1) - word : word;
  end else if (Complement) begin : g_complement
    logic [WordBits-1:0] excess;
    assign excess = word - limit;
    assign word_o = complement_i ? (outside ? excess : '0) : (outside ? limit : word);
  end else begin : g_prox
    assign word_o = outside ? limit : word;
  end

endmodule
