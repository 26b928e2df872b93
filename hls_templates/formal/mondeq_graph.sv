// The ports of an engine's graph, of no program; under the name of each.
module mondeq_graph #(
  parameter int Rows = 1,
  parameter int Columns = 1,
  parameter int WordBits = 1,
  parameter int SumBits = 1,
  parameter int Stages = 1
) (
  input  logic                        clk_i,
  input  logic [Columns*WordBits-1:0] words_i,
  output logic [Rows*SumBits-1:0]     product_o
);
endmodule
