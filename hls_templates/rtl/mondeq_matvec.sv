// Pe x Simd multiply-accumulate array with its weight memory.
//
// A command (valid, first/last column group of a row group, weight address) enters in cycle 0; its data words
// are expected in cycle 3 + Late and, for a first group, the start value of the accumulators in cycle 5 + Late +
// Stages, where Late is 1 where the weights lie in several banks (else 0), Stages = clog2(Simd) / Adders are the adder
// tree's registers, and load_o marks that cycle.  The Pe sums of a row group are valid in cycle 6 + Late + Stages of its
// last command.  A command may enter every cycle.
module mondeq_matvec #(
  parameter int Pe = 1,
  parameter int Simd = 1,
  parameter int Groups = 1,
  parameter int WeightBits = 4,
  parameter int DataBits = 8,
  parameter bit DataSigned = 1'b0,
  parameter int SumBits = 16,
  parameter int LeftShift = 0,
  parameter int Adders = 1,  // between two registers, that of the accumulation too
  parameter File = "",
  localparam int AddressBits = (Groups > 1) ? $clog2(Groups) : 1
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     valid_i,
  input  logic                     first_i,
  input  logic                     last_i,
  input  logic [AddressBits-1:0]   address_i,
  input  logic [Simd*DataBits-1:0] data_i,
  input  logic [Pe*SumBits-1:0]    preload_i,
  output logic                     load_o,
  output logic                     valid_o,
  output logic [Pe*SumBits-1:0]    sum_o,
  output logic                     memory_error_o  // four cycles after the command that read a wrong word
);

  localparam int ProductBits = WeightBits + DataBits;
  localparam int Levels = $clog2(Simd);
  localparam int Stages = Levels / ((Adders < 1) ? 1 : Adders);
  localparam int TreeBits = ProductBits + Levels;
  localparam int Late = (Groups > mondeq_pkg::WeightBankDepth) ? 1 : 0;

  // Wrong parameters do not elaborate: there is no such module.
  if (Pe < 1 || Simd < 1 || Groups < 1) begin : g_wrong_folding
    mondeq_error_matvec_of_no_multipliers u_error ();
  end
  if (SumBits < 1 || LeftShift < 0 || Adders < 1) begin : g_wrong_sum
    mondeq_error_matvec_sum u_error ();
  end

  // Cycles 1 to 3 + Late: address, memory read and its output registers.
  logic [AddressBits-1:0] address_q;
  logic read_q;
  logic [Pe*Simd*WeightBits-1:0] weights;

  mondeq_weights #(
    .Width(Pe * Simd * WeightBits),
    .Depth(Groups),
    .File (File)
  ) u_weights (
    .clk_i,
    .rst_ni,
    .read_i   (read_q),
    .address_i(address_q),
    .data_o   (weights),
    .error_o  (memory_error_o)
  );

  always_ff @(posedge clk_i) address_q <= address_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) read_q <= 1'b0;
    else read_q <= valid_i;
  end

  // The command travels beside its words.
  logic accumulate, first, last;

  mondeq_delay #(
    .Width(3),
    .Depth(5 + Late + Stages)
  ) u_command (
    .clk_i,
    .rst_ni,
    .data_i({valid_i, first_i, last_i}),
    .data_o({accumulate, first, last})
  );

  assign load_o = accumulate && first;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_o <= 1'b0;
    else valid_o <= accumulate && last;
  end

  for (genvar p = 0; p < Pe; p++) begin : g_pe
    logic [Simd*ProductBits-1:0] products;
    // A proved sum may be narrower than the tree's worst case; its upper bits then repeat the sign.
    /* verilator lint_off UNUSEDSIGNAL */
    logic signed [TreeBits-1:0] tree;
    /* verilator lint_on UNUSEDSIGNAL */
    logic [SumBits-1:0] sum_q, base;

    for (genvar s = 0; s < Simd; s++) begin : g_simd
      mondeq_product #(
        .WeightBits   (WeightBits),
        .DataBits     (DataBits),
        .DataSigned   (DataSigned),
        .LutWeightBits(mondeq_pkg::LutWeightBits),
        .MultiplierBits(mondeq_pkg::MultiplierBits)
      ) u_product (
        .clk_i,
        .weight_i (weights[(p*Simd+s)*WeightBits+:WeightBits]),
        .data_i   (data_i[s*DataBits+:DataBits]),
        .product_o(products[s*ProductBits+:ProductBits])
      );
    end

    mondeq_adder_tree #(
      .Inputs   (Simd),
      .InputBits(ProductBits),
      .Adders   (Adders)
    ) u_tree (
      .clk_i,
      .data_i(products),
      .sum_o (tree)
    );

    // Modulo 2**SumBits, the width in which the complete sum is proved not to wrap.
    assign base = first ? preload_i[p*SumBits+:SumBits] : sum_q;
    always_ff @(posedge clk_i) begin
      if (accumulate) sum_q <= base + (SumBits'(tree) << LeftShift);
    end
    assign sum_o[p*SumBits+:SumBits] = sum_q;
  end

endmodule
