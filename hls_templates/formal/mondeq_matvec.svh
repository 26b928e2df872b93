  // The weights of the address of three cycles ago times the words now: added up from a first command to a last one.
  // Where that is too large for a solver, the sums of the trees now: products and trees are units of their own.
  localparam bit FWhole = Pe * Simd * WeightBits * DataBits <= 64;
  localparam int FLate = FWhole ? 2 + Stages : 0;
  logic [Pe*SumBits-1:0] f_dot;
  logic [FLate*Pe*SumBits:0] f_dots_q;
  logic [(FLate+1)*Pe*SumBits:0] f_dots;
  logic [Pe*SumBits-1:0] f_sum_q;
  logic [3*(5+Late+Stages)-1:0] f_commands_q;
  logic [AddressBits-1:0] f_address_q1;
  logic f_accumulate, f_first, f_last, f_valid_q, f_started_q;
  logic [7:0] f_age = '0;
  for (genvar p = 0; p < Pe; p++) begin : f_pe
    if (FWhole) begin : f_whole
      logic signed [Simd*SumBits-1:0] f_products;
      logic signed [SumBits-1:0] f_row;
      for (genvar s = 0; s < Simd; s++) begin : f_simd
        logic [WeightBits-1:0] f_bits;
        logic signed [SumBits-1:0] f_weight, f_data;
        assign f_bits = weights[(p*Simd+s)*WeightBits+:WeightBits];
        assign f_weight = (WeightBits > 1) ? SumBits'($signed(f_bits)) : f_bits[0] ? -1 : 1;
        assign f_data = DataSigned ? SumBits'($signed(data_i[s*DataBits+:DataBits])) : SumBits'(data_i[s*DataBits+:DataBits]);
        assign f_products[s*SumBits+:SumBits] = f_weight * f_data;
        always_comb if (WeightBits == 2) assume (f_bits != 2'b10);
      end
      always_comb begin
        f_row = '0;
        for (int s = 0; s < Simd; s++) f_row = f_row + f_products[s*SumBits+:SumBits];
      end
      assign f_dot[p*SumBits+:SumBits] = f_row << LeftShift;
    end else begin : f_part
      assign f_dot[p*SumBits+:SumBits] = SumBits'($signed(g_pe[p].tree)) << LeftShift;
    end
    always_ff @(posedge clk_i) if (f_accumulate) begin
      f_sum_q[p*SumBits+:SumBits] <= f_dots[(FLate*Pe+p)*SumBits+:SumBits]
          + (f_first ? preload_i[p*SumBits+:SumBits] : f_sum_q[p*SumBits+:SumBits]);
    end
  end
  assign f_dots = {f_dots_q, f_dot};
  assign {f_accumulate, f_first, f_last} = f_commands_q[3*(5+Late+Stages)-1-:3];
  always_ff @(posedge clk_i) begin
    f_dots_q <= f_dots[FLate*Pe*SumBits:0];
    f_commands_q <= rst_ni ? (3*(5+Late+Stages))'({f_commands_q, valid_i, first_i, last_i}) : '0;
    f_valid_q <= rst_ni && f_accumulate && f_last;
    f_address_q1 <= address_i;
    if (!rst_ni) f_started_q <= 1'b0;
    else if (f_accumulate && f_first) f_started_q <= 1'b1;
    if (f_age != 8'(6 + Late + Stages)) f_age <= f_age + 1'b1;
  end
  always_comb begin
    if (f_age < 8'(6 + Late + Stages)) assume (!rst_ni);
    if (f_age == 8'(6 + Late + Stages)) begin
      asked: assert (address_q == f_address_q1);
      loads: assert (load_o == (f_accumulate && f_first));
      ends: assert (valid_o == f_valid_q);
      if (f_started_q) is_sum: assert (sum_o == f_sum_q);
    end
  end
