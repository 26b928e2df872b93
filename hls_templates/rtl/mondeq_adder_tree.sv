// Sum of Inputs words, signed or not, with a register behind every so many levels of adders: latency
// clog2(Inputs) / Adders cycles, rounded down, so that what is added to the sum behind it is one adder more at most.
module mondeq_adder_tree #(
  parameter int Inputs = 4,
  parameter int InputBits = 8,
  parameter bit Signed = 1'b1,
  parameter int Adders = 1,
  localparam int Levels = $clog2(Inputs),
  localparam int SumBits = InputBits + Levels
) (
  input  logic                        clk_i,
  input  logic [Inputs*InputBits-1:0] data_i,
  output logic [SumBits-1:0]          sum_o
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Inputs < 1 || InputBits < 1 || Adders < 1) begin : g_wrong_inputs
    mondeq_error_adder_tree_without_inputs u_error ();
  end

  // Level l holds 2**(Levels-l) words of InputBits+l bits; absent inputs are zero and vanish in synthesis.
  for (genvar l = 0; l <= Levels; l++) begin : g_level
    localparam int Nodes = 1 << (Levels - l);
    localparam int Bits = InputBits + l;
    logic [Nodes*Bits-1:0] nodes;
    if (l == 0) begin : g_leaves
      for (genvar i = 0; i < Nodes; i++) begin : g_leaf
        if (i < Inputs) begin : g_used
          assign nodes[i*Bits+:Bits] = data_i[i*Bits+:Bits];
        end else begin : g_zero
          assign nodes[i*Bits+:Bits] = '0;
        end
      end
    end else begin : g_adders
      for (genvar i = 0; i < Nodes; i++) begin : g_adder
        logic [Bits-2:0] a, b;
        logic [Bits-1:0] sum;
        assign a = g_level[l-1].nodes[(2*i)*(Bits-1)+:Bits-1];
        assign b = g_level[l-1].nodes[(2*i+1)*(Bits-1)+:Bits-1];
        assign sum = {Signed && a[Bits-2], a} + {Signed && b[Bits-2], b};
        if (l % ((Adders < 1) ? 1 : Adders) == 0) begin : g_register
          always_ff @(posedge clk_i) nodes[i*Bits+:Bits] <= sum;
        end else begin : g_wire
          assign nodes[i*Bits+:Bits] = sum;
        end
      end
    end
  end

  if (Levels < Adders) begin : g_wire
    logic unused_clk;
    assign unused_clk = clk_i;
  end

  assign sum_o = g_level[Levels].nodes;

endmodule
