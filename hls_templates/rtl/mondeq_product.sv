// One signed weight times one unsigned word, combinational.
// 1-bit weights mean +1 (0) and -1 (1), 2-bit weights -1, 0, +1: neither needs a multiplier.
module mondeq_product #(
  parameter int WeightBits = 4,
  parameter int DataBits = 8
) (
  input  logic [WeightBits-1:0]          weight_i,
  input  logic [DataBits-1:0]            data_i,
  output logic [DataBits+WeightBits-1:0] product_o
);

  localparam int ProductBits = DataBits + WeightBits;

  logic signed [ProductBits-1:0] data;
  assign data = {{WeightBits{1'b0}}, data_i};

  if (WeightBits == 1) begin : g_sign
    assign product_o = weight_i[0] ? -data : data;
  end else if (WeightBits == 2) begin : g_ternary
    assign product_o = !weight_i[0] ? '0 : (weight_i[1] ? -data : data);
  end else begin : g_multiply
    logic signed [ProductBits-1:0] weight;
    assign weight = {{DataBits{weight_i[WeightBits-1]}}, weight_i};
    assign product_o = weight * data;
  end

endmodule
