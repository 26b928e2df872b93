// One signed weight times one word, signed where DataSigned; the product is there two cycles after them.
//
// 1-bit weights mean +1 (0) and -1 (1), 2-bit weights -1, 0, +1: neither needs a multiplier.  Weights of up to
// LutWeightBits bits multiply in LUTs, as one gated addition for every two bits and the sum of those; wider ones are
// the tool's to multiply, in a DSP with a register before its output where the device has one.  A word of more than
// MultiplierBits is cut, so that a cycle has the DSPs and the next one their sum.
module mondeq_product #(
  parameter int WeightBits = 4,
  parameter int DataBits = 8,
  parameter bit DataSigned = 1'b0,
  parameter int LutWeightBits = 8,
  parameter int MultiplierBits = 27
) (
  input  logic                           clk_i,
  input  logic [WeightBits-1:0]          weight_i,
  input  logic [DataBits-1:0]            data_i,
  output logic [DataBits+WeightBits-1:0] product_o
);

  localparam int ProductBits = DataBits + WeightBits;
  localparam bit Multiplies = WeightBits > 2 && WeightBits > LutWeightBits;
  // All parts but the top one are unsigned, and have a zero where that has its sign.
  localparam int LowBits = MultiplierBits - 1;
  localparam int Parts = Multiplies ? (DataBits + int'(!DataSigned) - 2) / LowBits + 1 : 1;
  logic sign;

  assign sign = DataSigned && data_i[DataBits-1];

  // Wrong parameters do not elaborate: there is no such module.
  if (WeightBits < 1 || DataBits < 1) begin : g_wrong_widths
    mondeq_error_product_of_no_bits u_error ();
  end

  if (MultiplierBits < 2) begin : g_wrong_multiplier
    mondeq_error_product_of_no_multiplier u_error ();
  end

  if (Parts > 1) begin : g_parts
    localparam int TermBits = WeightBits + MultiplierBits;
    logic [Parts*LowBits:0] word;
    logic [Parts*TermBits-1:0] terms_q;
    logic [ProductBits-1:0] product;

    assign word = {{Parts * LowBits + 1 - DataBits{sign}}, data_i};

    for (genvar i = 0; i < Parts; i++) begin : g_part
      logic [MultiplierBits-1:0] part;
      logic signed [TermBits-1:0] weight, operand;
      assign part = {(i == Parts - 1) && word[Parts*LowBits], word[i*LowBits+:LowBits]};
      assign weight = {{MultiplierBits{weight_i[WeightBits-1]}}, weight_i};
      assign operand = {{WeightBits{part[MultiplierBits-1]}}, part};
      always_ff @(posedge clk_i) terms_q[i*TermBits+:TermBits] <= weight * operand;
    end

    always_comb begin
      product = '0;
      for (int i = 0; i < Parts; i++) begin
        product = product + (ProductBits'($signed(terms_q[i*TermBits+:TermBits])) << (i * LowBits));
      end
    end
    always_ff @(posedge clk_i) product_o <= product;
  end

  if (WeightBits <= 2 || (Multiplies && Parts == 1)) begin : g_whole
    logic signed [ProductBits-1:0] data;
    logic [ProductBits-1:0] product, product_q;

    assign data = {{WeightBits{sign}}, data_i};

    if (WeightBits == 1) begin : g_sign
      assign product = weight_i[0] ? -data : data;
    end else if (WeightBits == 2) begin : g_ternary
      assign product = !weight_i[0] ? '0 : (weight_i[1] ? -data : data);
    end else begin : g_multiply
      logic signed [ProductBits-1:0] weight;
      assign weight = {{DataBits{weight_i[WeightBits-1]}}, weight_i};
      assign product = weight * data;
    end

    always_ff @(posedge clk_i) begin
      product_q <= product;
      product_o <= product_q;
    end
  end

  if (WeightBits > 2 && !Multiplies) begin : g_digits
    // Two bits of the weight are a digit 0 .. 3, the two top bits one of -2 .. 1 (an odd weight repeats its sign).
    localparam int Digits = (WeightBits + 1) / 2;
    localparam int PartBits = DataBits + 2;
    logic [2*Digits-1:0] weight;
    logic [Digits*PartBits-1:0] parts_q;
    logic [ProductBits-1:0] product;

    assign weight = {{2 * Digits - WeightBits + 1{weight_i[WeightBits-1]}}, weight_i[WeightBits-2:0]};

    for (genvar i = 0; i < Digits; i++) begin : g_digit
      logic [PartBits-1:0] ones, twos;
      assign ones = weight[2*i] ? {{2{sign}}, data_i} : '0;
      assign twos = weight[2*i+1] ? {sign, data_i, 1'b0} : '0;
      always_ff @(posedge clk_i) begin
        parts_q[i*PartBits+:PartBits] <= (i == Digits - 1) ? ones - twos : ones + twos;
      end
    end

    // The top part's sign lands on the product's or above it; parts below have one where the data words do.
    always_comb begin
      product = '0;
      for (int i = 0; i < Digits; i++) begin
        product = product + ({{ProductBits - PartBits{DataSigned && parts_q[i*PartBits+PartBits-1]}},
                              parts_q[i*PartBits+:PartBits]} << (2 * i));
      end
    end
    always_ff @(posedge clk_i) product_o <= product;
  end

endmodule
