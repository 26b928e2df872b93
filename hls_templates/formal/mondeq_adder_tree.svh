  // The sum, as many cycles ago as there are registers.
  localparam int FStages = Levels / Adders;
  logic signed [SumBits-1:0] f_sum;
  logic [FStages*SumBits:0] f_line_q;
  logic [(FStages+1)*SumBits:0] f_line;
  logic [7:0] f_age = '0;
  always_comb begin
    f_sum = '0;
    for (int i = 0; i < Inputs; i++) begin
      f_sum = f_sum + (Signed ? SumBits'($signed(data_i[i*InputBits+:InputBits])) : SumBits'(data_i[i*InputBits+:InputBits]));
    end
  end
  assign f_line = {f_line_q, f_sum};
  always_ff @(posedge clk_i) begin
    f_line_q <= f_line[FStages*SumBits:0];
    if (f_age != 8'(FStages)) f_age <= f_age + 1'b1;
  end
  always_comb if (f_age == 8'(FStages)) is_sum: assert (sum_o == f_line[FStages*SumBits+:SumBits]);
