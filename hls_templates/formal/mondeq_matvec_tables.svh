  // The place of a table is the address of three cycles ago (with Early two) and the words now.  Its words, a cycle later, are added up
  // from a first command to a last one; tables are memories, units of their own.
  localparam int FWait = 3 - int'(Early);
  localparam int FDepth = 2 + FWait + Stages;
  logic [(Stages+1)*Pe*SumBits-1:0] f_dots;
  logic [Stages*Pe*SumBits:0] f_dots_q;
  logic [Pe*SumBits-1:0] f_dot, f_sum_q;
  logic [3*FDepth-1:0] f_commands_q;
  logic [FWait*AddressBits-1:0] f_addresses_q;
  logic [Tables*Pe*TableBits-1:0] f_entries_q;
  logic f_accumulate, f_first, f_last, f_valid_q, f_started_q;
  logic [Tables-1:0] f_asked;
  logic [7:0] f_age = '0;
  for (genvar t = 0; t < Tables; t++) begin : f_table
    localparam int FWords = (t == Tables - 1) ? Simd - t * Columns : Columns;
    logic [FWords*DataBits-1:0] f_words;
    assign f_words = data_i[t*Columns*DataBits+:FWords*DataBits];
    always_ff @(posedge clk_i) f_entries_q[t*Pe*TableBits+:Pe*TableBits] <= g_table[t].entry;
    if (Groups > 1) begin : f_groups
      assign f_asked[t] = g_table[t].place == {f_addresses_q[FWait*AddressBits-1-:AddressBits], f_words};
    end else begin : f_one_group
      assign f_asked[t] = g_table[t].place == f_words;
    end
  end
  for (genvar p = 0; p < Pe; p++) begin : f_pe
    logic [SumBits-1:0] f_row;
    always_comb begin
      f_row = '0;
      for (int t = 0; t < Tables; t++) f_row = f_row + SumBits'(entries_q[(t*Pe+p)*TableBits+:TableBits]);
    end
    assign f_dot[p*SumBits+:SumBits] = f_row << LeftShift;
    always_ff @(posedge clk_i) if (f_accumulate) begin
      f_sum_q[p*SumBits+:SumBits] <= f_dots[(Stages*Pe+p)*SumBits+:SumBits]
          + (f_first ? preload_i[p*SumBits+:SumBits] : f_sum_q[p*SumBits+:SumBits]);
    end
  end
  assign f_dots = {f_dots_q, f_dot};
  assign {f_accumulate, f_first, f_last} = f_commands_q[3*FDepth-1-:3];
  always_ff @(posedge clk_i) begin
    f_dots_q <= f_dots[Stages*Pe*SumBits:0];
    f_commands_q <= rst_ni ? (3*FDepth)'({f_commands_q, valid_i, first_i, last_i}) : '0;
    f_addresses_q <= rst_ni ? (FWait*AddressBits)'({f_addresses_q, address_i}) : '0;
    f_valid_q <= rst_ni && f_accumulate && f_last;
    if (!rst_ni) f_started_q <= 1'b0;
    else if (f_accumulate && f_first) f_started_q <= 1'b1;
    if (f_age != 8'(6 + Stages)) f_age <= f_age + 1'b1;
  end
  always_comb begin
    if (f_age < 8'(6 + Stages)) assume (!rst_ni);
    if (f_age == 8'(6 + Stages)) begin
      asked: assert (f_asked == '1);
      looked_up: assert (entries_q == f_entries_q);
      loads: assert (load_o == (f_accumulate && f_first));
      ends: assert (valid_o == f_valid_q);
      if (f_started_q) is_sum: assert (sum_o == f_sum_q);
    end
  end
