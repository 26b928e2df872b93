// Pe x Simd multiply-accumulate array by distributed arithmetic: TableWords columns' words, behind the command's address,
// are the address of a table, whose word is the sum of their products for each of the Pe rows, above the least one.
// What that leaves out is in the start value of the accumulators, so words have no sign.
//
// Commands, data words, start values and sums come as with mondeq_matvec whose weights lie in one bank, Stages being
// clog2 of the number of tables / Adders; with Early all of them but the commands come a cycle earlier.  File is the
// path without "_0000.mem", in four digits the number of a table.
module mondeq_matvec_tables #(
  parameter int Pe = 1,
  parameter int Simd = 1,
  parameter int Groups = 1,
  parameter int TableWords = 1,
  parameter int TableBits = 1,
  parameter int DataBits = 1,
  parameter int SumBits = 16,
  parameter int LeftShift = 0,
  parameter int Adders = 1,  // between two registers, that of the accumulation too
  parameter bit Early = 1'b0,
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
  output logic                     memory_error_o  // six cycles after the command that read a wrong word
);

  // Wrong parameters do not elaborate: there is no such module.
  if (Pe < 1 || Simd < 1 || Groups < 1) begin : g_wrong_folding
    mondeq_error_tables_of_no_products u_error ();
  end
  if (TableWords < 1 || TableWords > Simd || TableBits < 1 || DataBits < 1) begin : g_wrong_tables
    mondeq_error_tables_words_or_bits u_error ();
  end
  if (SumBits < 1 || LeftShift < 0 || Adders < 1) begin : g_wrong_sum
    mondeq_error_tables_sum u_error ();
  end

  localparam int Columns = (TableWords < 1) ? 1 : TableWords;  // of a table, for the divisions below
  localparam int Tables = (Simd + Columns - 1) / Columns;
  localparam int Levels = $clog2(Tables);
  localparam int Stages = Levels / ((Adders < 1) ? 1 : Adders);
  localparam int TreeBits = TableBits + Levels;

  // The address waits for its words, which come in cycle 3, or 2.
  logic [AddressBits-1:0] address;
  logic read;

  mondeq_delay #(
    .Width(AddressBits + 1),
    .Depth(3 - int'(Early))
  ) u_address (
    .clk_i,
    .rst_ni,
    .data_i({valid_i, address_i}),
    .data_o({read, address})
  );

  // The command travels beside them.
  logic accumulate, first, last;

  mondeq_delay #(
    .Width(3),
    .Depth(5 - int'(Early) + Stages)
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

  // Cycles 3 to 5, or 2 to 4: a table, and the register behind a block RAM.
  logic [Tables*Pe*TableBits-1:0] entries_q;
  logic [Tables-1:0] errors;

  assign memory_error_o = errors != '0;

  for (genvar t = 0; t < Tables; t++) begin : g_table
    localparam int Words = (t == Tables - 1) ? Simd - t * Columns : Columns;
    localparam int Depth = Groups << (Words * DataBits);
    logic [$clog2(Depth)-1:0] place;
    logic [Pe*TableBits-1:0] entry;

    if (Groups > 1) begin : g_groups
      assign place = {address, data_i[t*Columns*DataBits+:Words*DataBits]};
    end else begin : g_one_group
      logic unused_address;
      assign unused_address = ^address;
      assign place = data_i[t*Columns*DataBits+:Words*DataBits];
    end

    mondeq_rom #(
      .Width(Pe * TableBits),
      .Depth(Depth),
      .File ((File == "") ? "" : {File, "_", 8'(48 + t / 1000), 8'(48 + t / 100 % 10), 8'(48 + t / 10 % 10),
                                  8'(48 + t % 10), ".mem"})
    ) u_rom (
      .clk_i,
      .rst_ni,
      .read_i   (read),
      .address_i(place),
      .data_o   (entry),
      .error_o  (errors[t])
    );

    always_ff @(posedge clk_i) entries_q[t*Pe*TableBits+:Pe*TableBits] <= entry;
  end

  for (genvar p = 0; p < Pe; p++) begin : g_pe
    logic [Tables*TableBits-1:0] terms;
    // A proved sum may be narrower than the tree's worst case.
    /* verilator lint_off UNUSEDSIGNAL */
    logic [TreeBits-1:0] tree;
    /* verilator lint_on UNUSEDSIGNAL */
    logic [SumBits-1:0] sum_q, base;

    for (genvar t = 0; t < Tables; t++) begin : g_term
      assign terms[t*TableBits+:TableBits] = entries_q[(t*Pe+p)*TableBits+:TableBits];
    end

    mondeq_adder_tree #(
      .Inputs   (Tables),
      .InputBits(TableBits),
      .Signed   (1'b0),
      .Adders   (Adders)
    ) u_tree (
      .clk_i,
      .data_i(terms),
      .sum_o (tree)
    );

    // Modulo 2**SumBits, the width in which the complete sum is proved not to wrap.
    assign base = first ? preload_i[p*SumBits+:SumBits] : sum_q;
    always_ff @(posedge clk_i) begin
      if (accumulate) sum_q <= base + (SumBits'(tree) << LeftShift);
    end
    assign sum_o[p*SumBits+:SumBits] = sum_q;
  end

`ifdef MONDEQ_ASSERT
  logic begun_q;  // a row group has begun, and not ended

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begun_q <= 1'b0;
    else if (accumulate) begun_q <= !last;
  end
  mondeq_assert u_address_in_range (.clk_i, .rst_ni, .holds_i(!valid_i || (int'(address_i) < Groups)));
  mondeq_assert u_begins (.clk_i, .rst_ni, .holds_i(!accumulate || first || begun_q));
`endif

endmodule
